//! What both ends of a flow did around its start, as one sensor saw it.
//!
//! Five events a flow feed the tables: start, first answer, first reset, and its totals twice: when its own context is
//! read and when it ends. Hosts and pairs are bounded by name; what is evicted is counted.

mod distinct;
mod pair;
mod role;
mod table;
mod window;

use crate::key::{Bits, protocol};
use crate::stats::Row;
use pair::Pair;
use role::{Begin, Role};
pub(crate) use role::{Later, Told};
use table::{Bounded, Ref};

/// Limits and times of the context. Overflows are counted in `MeterCounters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextLimits {
    /// A flow's context is read so long after its start, nanoseconds.
    pub look_ahead_ns: i64,
    /// Hosts remembered at once.
    pub hosts_max: usize,
    /// (initiator, responder, port, protocol) remembered at once.
    pub pairs_max: usize,
}

impl Default for ContextLimits {
    fn default() -> Self {
        Self { look_ahead_ns: 5_000_000_000, hosts_max: 65_536, pairs_max: 262_144 }
    }
}

/// Who talks to whom, as the context needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parties {
    pub(crate) initiator: Bits,
    pub(crate) responder: Bits,
    pub(crate) responder_port: u16,
    pub(crate) protocol: u8,
    pub(crate) version: u8,
}

impl Parties {
    /// ICMP has no ports; all its types are one service.
    fn service(&self) -> u64 {
        let icmp = matches!(self.protocol, protocol::ICMP | protocol::ICMPV6);
        let port = if icmp { 0 } else { self.responder_port };
        u64::from(port) | u64::from(self.protocol) << 16
    }
}

/// A flow's places in the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    serial: u64,
    start_ns: i64,
    initiator: Ref,
    responder: Ref,
    pair: Ref,
    silence_s: [f32; 2],
    told: Told,
}

impl Places {
    /// Flows are numbered in the order of their begin.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }
}

#[derive(Debug, Clone, Default)]
struct Host {
    roles: [Role; 2],
    last_ns: i64,
}

/// An address with its IP version.
type HostKey = (Bits, u8);
/// Both addresses and the service.
type PairKey = (Bits, Bits, u64);

/// Every host and pair of one sensor.
pub(crate) struct HostTable {
    limits: ContextLimits,
    hosts: Bounded<HostKey, Host>,
    pairs: Bounded<PairKey, Pair>,
    flows: u64,
}

const INITIATOR: usize = 0;
const RESPONDER: usize = 1;

impl HostTable {
    pub(crate) fn new(limits: ContextLimits) -> Self {
        Self {
            limits,
            hosts: Bounded::new(limits.hosts_max.max(2)),
            pairs: Bounded::new(limits.pairs_max.max(1)),
            flows: 0,
        }
    }

    /// Hosts and pairs that had to make room.
    pub(crate) fn evicted(&self) -> (u64, u64) {
        (self.hosts.evicted(), self.pairs.evicted())
    }

    /// Forgets every host and pair, but not how many were evicted.
    pub(crate) fn clear(&mut self) {
        self.hosts.clear();
        self.pairs.clear();
    }

    /// A flow begins.
    pub(crate) fn start(&mut self, parties: &Parties, start_ns: i64) -> Places {
        self.flows += 1;
        let serial = self.flows;
        let mut silence_s = [f32::NAN; 2];
        let ends = [(parties.initiator, parties.responder), (parties.responder, parties.initiator)];
        let places = [INITIATOR, RESPONDER].map(|role| {
            let (own, peer) = ends[role];
            let (place, host) = self.hosts.entry((own, parties.version), |host| host.last_ns);
            host.last_ns = start_ns;
            let begin = Begin {
                serial,
                start_ns,
                peer: peer as u64 ^ (peer >> 64) as u64,
                port: parties.service(),
                tcp: parties.protocol == protocol::TCP,
            };
            if let Some(silence) = host.roles[role].begin(begin, self.limits.look_ahead_ns) {
                silence_s[role] = silence as f32;
            }
            place
        });
        let key =
            (parties.initiator, parties.responder, parties.service() | u64::from(parties.version) << 32);
        let (pair, entry) = self.pairs.entry(key, Pair::last_start_ns);
        entry.begin(start_ns, self.limits.look_ahead_ns);
        Places {
            serial,
            start_ns,
            initiator: places[INITIATOR],
            responder: places[RESPONDER],
            pair,
            silence_s,
            told: Told::default(),
        }
    }

    /// Something happened to a flow. Hosts that were evicted meanwhile no longer care.
    pub(crate) fn later(&mut self, places: &mut Places, event: Later) {
        let ends = [(INITIATOR, places.initiator), (RESPONDER, places.responder)];
        for (role, place) in ends {
            if let Some(host) = self.hosts.get_mut(place) {
                host.roles[role].later(places.serial, places.start_ns, places.told, event);
            }
        }
        if let Later::Totals { packets, payload_bytes } = event {
            if let Some(pair) = self.pairs.get_mut(places.pair) {
                pair.totals(places.told, payload_bytes);
            }
            places.told = Told::now(packets, payload_bytes);
        }
    }

    /// Writes the context of a flow, or of a part of it, that began at `start_ns`, as known now.
    pub(crate) fn write(&self, places: &Places, start_ns: i64, row: &mut Row<'_>) {
        let nobody = Host::default();
        for (role, place) in [(INITIATOR, places.initiator), (RESPONDER, places.responder)] {
            self.hosts.get(place).unwrap_or(&nobody).roles[role].write(start_ns, row);
            row.push(f64::from(places.silence_s[role]));
        }
        self.pairs.get(places.pair).unwrap_or(&Pair::default()).write(start_ns, row);
    }
}
