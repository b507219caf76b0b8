//! Ports for the fragments that carry none: those of their datagram's first fragment.

use crate::decode::Packet;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Datagrams remembered at once.
pub const FRAGMENTS_MAX: usize = 4096;
/// A fragment later than this after the first belongs to another datagram.
const LIFETIME_NS: i64 = 30_000_000_000;

type Datagram = (u128, u128, u32, u8);

/// First fragments, oldest out first.
#[derive(Default)]
pub(crate) struct Fragments {
    ports: HashMap<Datagram, (i64, u16, u16)>,
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
        let datagram = (packet.source, packet.destination, fragment.id, packet.protocol);
        if !fragment.later() {
            self.remember(datagram, packet);
            return;
        }
        match self.ports.get(&datagram) {
            Some((ts_ns, source, destination)) if packet.ts_ns - ts_ns <= LIFETIME_NS => {
                (packet.source_port, packet.destination_port) = (*source, *destination);
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
            if self.ports.get(&oldest).is_some_and(|(held, ..)| *held == ts_ns) {
                self.ports.remove(&oldest);
            }
        }
        self.ports.insert(datagram, (packet.ts_ns, packet.source_port, packet.destination_port));
        self.order.push_back((packet.ts_ns, datagram));
    }
}
