//! The `cic2017` profile: what the Java program `CICFlowMeter` makes of packets, its mistakes included.
//!
//! Models that were trained on its tables see what they were trained on. Everything here follows the published source of
//! the program (`FlowGenerator`, `BasicFlow` and `PacketReader` of its version 4), read and not copied; docs/cic.md lists
//! what is odd about it. Only IPv4 is read, as the program does by default; other than TCP and UDP is protocol 0 without
//! ports.

mod flow;
mod summary;

use crate::decode::{Packet, flag};
use crate::key::{Bits, address, protocol};
use flow::CicFlow;
use hashbrown::HashMap;
use schema::cic::CicRow;

/// Flows open at once, at most; the one that began first makes room.
pub const CIC_FLOWS_MAX: usize = 1_000_000;
/// A flow is cut when a packet comes so long after its first.
const FLOW_TIME_OUT_US: i64 = 120_000_000;

/// Addresses, ports and protocol as a packet has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    source: (Bits, u16),
    destination: (Bits, u16),
    protocol: u8,
}

impl Ends {
    fn turned(self) -> Self {
        Self { source: self.destination, destination: self.source, ..self }
    }
}

/// One packet in the program's terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CicPacket {
    ends: Ends,
    ts_us: i64,
    payload: u32,
    header: u32,
    window: u16,
    flags: u8,
}

impl CicPacket {
    /// `None` for what the program does not read.
    fn new(packet: &Packet) -> Option<Self> {
        if packet.version != 4 {
            return None;
        }
        let whole = packet.fragment.is_none_or(|fragment| !fragment.later());
        let known = whole && matches!(packet.protocol, protocol::TCP | protocol::UDP);
        let of = |value: u32| if known { value } else { 0 };
        let port = |port: u16| if known { port } else { 0 };
        Some(Self {
            ends: Ends {
                source: (packet.source, port(packet.source_port)),
                destination: (packet.destination, port(packet.destination_port)),
                protocol: if known { packet.protocol } else { 0 },
            },
            ts_us: packet.ts_ns.div_euclid(1000),
            payload: of(packet.payload_len),
            header: of(u32::from(packet.header_len)),
            window: packet.tcp.map_or(0, |tcp| tcp.window),
            flags: packet.tcp.map_or(0, |tcp| tcp.flags),
        })
    }

    fn has(&self, bits: u8) -> bool {
        self.flags & bits != 0
    }
}

/// What the meter has seen. Every packet is in a flow or counted here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CicCounters {
    /// Not IPv4.
    pub not_read: u64,
    /// After the FIN of their own direction: the program drops them with a line in its log.
    pub after_fin: u64,
    /// Packets of flows of one packet, which the program does not give out.
    pub alone: u64,
    /// Flows that had to make room.
    pub evicted: u64,
}

/// The program's flows.
#[derive(Default)]
pub struct CicMeter {
    flows: HashMap<Ends, CicFlow>,
    begun: u64,
    counters: CicCounters,
}

impl CicMeter {
    /// A meter without flows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> CicCounters {
        self.counters
    }

    /// Counts one packet. Flows that end are appended to `out` in the order of their ends.
    pub fn push(&mut self, packet: &Packet, out: &mut Vec<CicRow>) {
        let Some(packet) = CicPacket::new(packet) else {
            self.counters.not_read += 1;
            return;
        };
        let known =
            [packet.ends, packet.ends.turned()].into_iter().find(|ends| self.flows.contains_key(ends));
        let Some(key) = known else {
            self.make_room(out);
            self.begin(packet.ends, &packet);
            return;
        };
        let Some(flow) = self.flows.get_mut(&key) else { return };
        if packet.ts_us - flow.start_us() > FLOW_TIME_OUT_US {
            self.give(key, out);
            self.begin(key, &packet);
            return;
        }
        let ends = if packet.has(flag::FIN) {
            flow.fin(&packet)
        } else if packet.has(flag::RST) {
            flow.add(&packet);
            flow::Goes::Ends
        } else {
            flow.go_on(&packet)
        };
        match ends {
            flow::Goes::On => {}
            flow::Goes::Ends => self.give(key, out),
            flow::Goes::Dropped => self.counters.after_fin += 1,
        }
    }

    /// Ends every flow, in the order of their begin.
    pub fn drain(&mut self, out: &mut Vec<CicRow>) {
        let mut keys: Vec<(u64, Ends)> = self.flows.iter().map(|(key, flow)| (flow.number(), *key)).collect();
        keys.sort_unstable_by_key(|(number, _)| *number);
        keys.into_iter().for_each(|(_, key)| self.give(key, out));
    }

    fn begin(&mut self, key: Ends, packet: &CicPacket) {
        self.begun += 1;
        self.flows.insert(key, CicFlow::new(key.source.0, self.begun, packet));
    }

    /// A flow of one packet is forgotten.
    fn give(&mut self, key: Ends, out: &mut Vec<CicRow>) {
        let Some(flow) = self.flows.remove(&key) else { return };
        if flow.packets() < 2 {
            self.counters.alone += flow.packets();
            return;
        }
        let end = |(bits, port): (Bits, u16)| (address(bits, 4), port);
        out.push(CicRow {
            source: end(key.source),
            destination: end(key.destination),
            protocol: key.protocol,
            start_ns: flow.start_us() * 1000,
            values: flow.values(),
        });
    }

    fn make_room(&mut self, out: &mut Vec<CicRow>) {
        if self.flows.len() < CIC_FLOWS_MAX {
            return;
        }
        let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.number()).map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.counters.evicted += 1;
            self.give(key, out);
        }
    }
}
