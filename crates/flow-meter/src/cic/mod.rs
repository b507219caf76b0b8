//! The `cic2017` profile: what the Java program `CICFlowMeter` makes of packets, its mistakes included.
//!
//! Everything here follows the program's published source as it has been since July 2021 (`FlowGenerator`, `BasicFlow`
//! and `PacketReader` of version 4.0), read and not copied; docs/cic.md lists what is odd about it, and how the program
//! that made the tables of CICIDS2017 differs from it. Only IPv4 is read, as the program does by default; other than TCP
//! and UDP is protocol 0 without ports.

mod flow;
mod summary;

use crate::decode::{Packet, flag};
use crate::key::{Bits, address, protocol};
use flow::CicFlow;
use hashbrown::HashMap;
use schema::cic::CicRow;
use std::collections::BTreeMap;

/// Flows open at once, at most, unless told otherwise; the one that began first makes room. The program closes no flow
/// for its silence, so that whole days are open at once: with fewer, its own tables would come out differently.
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
    /// Further FINs of the initiator: the program drops them with a line in its log.
    pub repeated_fin: u64,
    /// Packets of flows of one packet, which the program does not give out.
    pub alone: u64,
    /// Flows that had to make room.
    pub evicted: u64,
}

/// The program's flows.
pub struct CicMeter {
    flows: HashMap<Ends, CicFlow>,
    /// The same flows by their number: in the order of their begin.
    order: BTreeMap<u64, Ends>,
    flows_max: usize,
    begun: u64,
    counters: CicCounters,
}

impl CicMeter {
    /// A meter without flows, for [`CIC_FLOWS_MAX`] of them.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(CIC_FLOWS_MAX)
    }

    /// With another limit of flows open at once; at least one is.
    #[must_use]
    pub fn with_limit(flows_max: usize) -> Self {
        Self {
            flows: HashMap::new(),
            order: BTreeMap::new(),
            flows_max,
            begun: 0,
            counters: CicCounters::default(),
        }
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
            flow::Goes::Dropped => self.counters.repeated_fin += 1,
        }
    }

    /// Ends every flow, in the order of their begin.
    pub fn drain(&mut self, out: &mut Vec<CicRow>) {
        while let Some((_, key)) = self.order.pop_first() {
            self.give(key, out);
        }
    }

    fn begin(&mut self, key: Ends, packet: &CicPacket) {
        self.begun += 1;
        self.order.insert(self.begun, key);
        self.flows.insert(key, CicFlow::new(key.source.0, self.begun, packet));
    }

    /// A flow of one packet is forgotten.
    fn give(&mut self, key: Ends, out: &mut Vec<CicRow>) {
        let Some(flow) = self.flows.remove(&key) else { return };
        self.order.remove(&flow.number());
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
        if self.flows.len() < self.flows_max {
            return;
        }
        if let Some((_, key)) = self.order.pop_first() {
            self.counters.evicted += 1;
            self.give(key, out);
        }
    }
}

impl Default for CicMeter {
    fn default() -> Self {
        Self::new()
    }
}
