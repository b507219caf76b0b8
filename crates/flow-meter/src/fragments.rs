//! Ports for the fragments that carry none: those of their datagram's first fragment.

use crate::decode::Packet;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Datagrams remembered at once.
pub const FRAGMENTS_MAX: usize = 4096;
/// A fragment later than this after the first belongs to another datagram.
const LIFETIME_NS: i64 = 30_000_000_000;

/// What fragments of one datagram have in common (RFC 791, 3.2; RFC 8200, 4.5: with IPv6 only the first says which protocol
/// it is, the others may name an extension header before it), within one VLAN and one tunnel.
type Datagram = (u128, u128, u32, u8, [u16; 2], u64);

/// What a first fragment tells of its datagram.
#[derive(Debug, Clone, Copy)]
struct First {
    ts_ns: i64,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
}

/// First fragments, oldest out first.
#[derive(Default)]
pub(crate) struct Fragments {
    firsts: HashMap<Datagram, First>,
    order: VecDeque<(i64, Datagram)>,
    orphans: u64,
    evicted: u64,
}

impl Fragments {
    /// Later fragments whose first was never seen: they form a flow without ports.
    pub(crate) fn orphans(&self) -> u64 {
        self.orphans
    }

    /// First fragments that had to make room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Remembers a first fragment's ports, or gives them to a later one.
    pub(crate) fn resolve(&mut self, packet: &mut Packet) {
        let Some(fragment) = packet.fragment else { return };
        let protocol = if packet.version == 6 { 0 } else { packet.protocol };
        let Packet { source, destination, vlan, tunnel, .. } = *packet;
        let datagram = (source, destination, fragment.id, protocol, vlan, tunnel);
        if !fragment.later() {
            self.remember(datagram, packet);
            return;
        }
        match self.firsts.get(&datagram) {
            Some(first) if packet.ts_ns - first.ts_ns <= LIFETIME_NS => {
                (packet.source_port, packet.destination_port) = (first.source_port, first.destination_port);
                packet.protocol = first.protocol;
            }
            _ => self.orphans += 1,
        }
    }

    fn remember(&mut self, datagram: Datagram, packet: &Packet) {
        while let Some((ts_ns, oldest)) = self.order.front().copied() {
            let expired = packet.ts_ns - ts_ns > LIFETIME_NS;
            if !expired && self.order.len() < FRAGMENTS_MAX {
                break;
            }
            self.evicted += u64::from(!expired);
            self.order.pop_front();
            if self.firsts.get(&oldest).is_some_and(|first| first.ts_ns == ts_ns) {
                self.firsts.remove(&oldest);
            }
        }
        let Packet { ts_ns, source_port, destination_port, protocol, .. } = *packet;
        self.firsts.insert(datagram, First { ts_ns, source_port, destination_port, protocol });
        self.order.push_back((packet.ts_ns, datagram));
    }
}
