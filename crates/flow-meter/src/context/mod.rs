//! What both ends of a flow did around its start, as one sensor saw it.
//!
//! Five events a flow feed the tables: start, first answer, first reset, and its totals twice: when its own context is
//! read and when it ends. Hosts and pairs are bounded by name; what is evicted is counted.

mod baseline;
mod distinct;
mod pair;
mod role;
mod table;
mod units;
mod window;

use crate::events::{Phase, Totals};
use crate::join::Receiver;
use crate::key::{Bits, address_bytes, protocol};
use crate::stats::Row;
use hashbrown::DefaultHashBuilder;
use pair::Pair;
use role::{Begin, Kind, Later, Role};
use schema::{CaptureId, HostWindow};
use std::hash::BuildHasher;
use std::sync::LazyLock;
use table::{Bounded, Ref};
use units::Told;
use window::Buckets;

/// Limits and times of the context. Overflows are counted in `MeterCounters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextLimits {
    /// A flow's context is read so long after its start, nanoseconds.
    pub look_ahead_ns: i64,
    /// Hosts remembered at once.
    pub hosts_max: usize,
    /// (initiator, responder, port, protocol) remembered at once.
    pub pairs_max: usize,
    /// A pair is forgotten when it was silent for longer, nanoseconds.
    pub memory_ns: i64,
    /// A host with so many flows in 10 s, in one role, gives a host window.
    pub window_flows_min: u32,
    /// So does one with so many distinct other ends.
    pub window_peers_min: u32,
    /// So does one with so many distinct responder ports.
    pub window_ports_min: u32,
}

impl Default for ContextLimits {
    fn default() -> Self {
        Self {
            look_ahead_ns: 5_000_000_000,
            hosts_max: 65_536,
            pairs_max: 262_144,
            memory_ns: 86_400_000_000_000,
            window_flows_min: 100,
            window_peers_min: 30,
            window_ports_min: 30,
        }
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
    /// Begun by a SYN without ACK.
    pub(crate) syn: bool,
    /// A tunnel's own conversation: it has a context, but is in nobody's.
    pub(crate) outer: bool,
    /// Of both ends and of the pair, for those who look them up.
    pub(crate) hashes: Hashes,
}

/// Hashes of the keys that a flow's parties have in the tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hashes {
    initiator: u32,
    responder: u32,
    pair: u32,
}

impl Parties {
    /// With the hashes of what it says.
    #[must_use]
    pub(crate) fn hashed(mut self) -> Self {
        // One for all tables of a process, and unknown outside it: nobody can choose addresses that collide.
        static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);
        let hasher = &*HASHER;
        let host = |address: Bits| match u64::try_from(address) {
            Ok(address) => hasher.hash_one(address ^ u64::from(self.version) << 56),
            Err(_) => hasher.hash_one(address),
        };
        let (initiator, responder) = (host(self.initiator), host(self.responder));
        let pair = hasher.hash_one(initiator.wrapping_mul(3) ^ responder ^ self.service() << 32);
        self.hashes = Hashes { initiator: initiator as u32, responder: responder as u32, pair: pair as u32 };
        self
    }

    fn kind(&self) -> Kind {
        match self.protocol {
            protocol::TCP => Kind::Tcp,
            protocol::UDP => Kind::Udp,
            protocol::ICMP | protocol::ICMPV6 => Kind::Icmp,
            _ => Kind::Other,
        }
    }

    /// ICMP has no ports; all its types are one service.
    fn service(&self) -> u64 {
        u64::from(self.port())
    }

    fn port(&self) -> u32 {
        let icmp = matches!(self.protocol, protocol::ICMP | protocol::ICMPV6);
        let port = if icmp { 0 } else { self.responder_port };
        u32::from(port) | u32::from(self.protocol) << 16
    }
}

/// What happens to a flow after its start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard {
    /// The responder's first packet.
    Answer,
    /// The first RST.
    Reset,
    /// What it has carried so far, when its context is read and when it ends.
    Totals(Totals),
}

/// A flow's places in the tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Places {
    start_ns: i64,
    told: Told,
    initiator: Ref,
    responder: Ref,
    pair: Ref,
    serial: u32,
    silence_s: [f32; 2],
    is_told: bool,
    outer: bool,
}

#[derive(Debug, Clone, Default)]
struct Host {
    roles: [Role; 2],
    last_ns: i64,
    /// Flows begun in the host window that goes on, in each role, and which window that is.
    window: i64,
    flows: [u32; 2],
}

/// An address with its IP version.
type HostKey = (Bits, u8);
/// Both addresses and the service.
type PairKey = (Bits, Bits, u64);

/// Every host and pair of one sensor.
pub(crate) struct HostTable {
    capture: CaptureId,
    limits: ContextLimits,
    hosts: Bounded<HostKey, Host>,
    pairs: Bounded<PairKey, Pair>,
    flows: u32,
    /// End of the host window that goes on.
    window_end_ns: Option<i64>,
    /// Hosts that may be beyond a threshold in it, in the order in which they came there.
    busy: Vec<Ref>,
    windows_given: u64,
}

const INITIATOR: usize = 0;
const RESPONDER: usize = 1;
/// Length of a host window.
const WINDOW_NS: i64 = 10_000_000_000;

impl HostTable {
    pub(crate) fn new(capture: CaptureId, limits: ContextLimits) -> Self {
        Self {
            capture,
            limits,
            hosts: Bounded::new(limits.hosts_max.max(2)),
            pairs: Bounded::new(limits.pairs_max.max(1)),
            flows: 0,
            window_end_ns: None,
            busy: Vec::new(),
            windows_given: 0,
        }
    }

    /// Hosts and pairs that had to make room.
    pub(crate) fn evicted(&self) -> (u64, u64) {
        (self.hosts.evicted(), self.pairs.evicted())
    }

    /// Host windows given so far.
    pub(crate) fn windows_given(&self) -> u64 {
        self.windows_given
    }

    /// Forgets every host and pair, but not how many were evicted.
    pub(crate) fn clear(&mut self) {
        self.hosts.clear();
        self.pairs.clear();
        self.busy.clear();
        self.window_end_ns = None;
    }

    /// Gives the windows of busy hosts that are over at `now_ns`, before anything of that time is counted. At the end of
    /// the input nothing is given: the flows themselves leave then.
    #[inline]
    pub(crate) fn advance(&mut self, now_ns: i64, phase: Phase, receiver: &mut impl Receiver) {
        if phase == Phase::Drain || self.window_end_ns.is_some_and(|end_ns| now_ns < end_ns) {
            return;
        }
        if let Some(end_ns) = self.window_end_ns {
            self.give_windows(end_ns, receiver);
        }
        self.window_end_ns = Some((now_ns.div_euclid(WINDOW_NS) + 1) * WINDOW_NS);
    }

    fn give_windows(&mut self, end_ns: i64, receiver: &mut impl Receiver) {
        for place in std::mem::take(&mut self.busy) {
            let Some((key, host)) = self.hosts.get_with_key(place) else { continue };
            let [initiator, responder] =
                [INITIATOR, RESPONDER].map(|role| host.roles[role].read(0, Buckets::at(end_ns)).activity());
            let beyond = [&initiator, &responder].iter().any(|activity| {
                activity.flows >= u64::from(self.limits.window_flows_min)
                    || activity.peers >= u64::from(self.limits.window_peers_min)
                    || activity.ports >= u64::from(self.limits.window_ports_min)
            });
            if beyond {
                self.windows_given += 1;
                receiver.host(HostWindow {
                    capture_id: self.capture.0.to_vec(),
                    host_ip: address_bytes(key.0, key.1),
                    start_ns: end_ns - WINDOW_NS,
                    end_ns,
                    as_initiator: Some(initiator),
                    as_responder: Some(responder),
                });
            }
        }
    }

    /// A flow begins.
    pub(crate) fn start(&mut self, parties: &Parties, start_ns: i64) -> Places {
        if parties.outer {
            return self.look_up(parties, start_ns);
        }
        self.flows = self.flows.wrapping_add(1);
        let serial = self.flows;
        let limits = self.limits;
        let busy_min =
            limits.window_flows_min.min(limits.window_peers_min).min(limits.window_ports_min).max(1);
        let mut silence_s = [f32::NAN; 2];
        let Hashes { initiator, responder, pair } = parties.hashes;
        let ends = [
            (parties.initiator, parties.responder, initiator),
            (parties.responder, parties.initiator, responder),
        ];
        let places = [INITIATOR, RESPONDER].map(|role| {
            let (own, peer, hash) = ends[role];
            let (place, host) = self.hosts.entry((own, parties.version), hash, |host| host.last_ns);
            host.last_ns = start_ns;
            let begin = Begin {
                serial,
                start_ns,
                peer: peer as u64 ^ (peer >> 64) as u64,
                port: parties.port(),
                kind: parties.kind(),
                syn: parties.syn,
            };
            if let Some(silence) = host.roles[role].begin(begin, limits.look_ahead_ns) {
                silence_s[role] = silence as f32;
            }
            if host.counts_as_busy(role, start_ns, busy_min) {
                self.busy.push(place);
            }
            place
        });
        let (pair, entry) = self.pairs.entry(pair_key(parties), pair, Pair::last_start_ns);
        entry.begin(start_ns, limits.look_ahead_ns, limits.memory_ns);
        Places {
            start_ns,
            told: Told::default(),
            initiator: places[INITIATOR],
            responder: places[RESPONDER],
            pair,
            serial,
            silence_s,
            is_told: false,
            outer: false,
        }
    }

    /// Finds what is known of both ends, without becoming a part of it.
    fn look_up(&self, parties: &Parties, start_ns: i64) -> Places {
        let Hashes { initiator, responder, pair } = parties.hashes;
        let host = |address, hash| self.hosts.find(&(address, parties.version), hash).unwrap_or_default();
        Places {
            start_ns,
            initiator: host(parties.initiator, initiator),
            responder: host(parties.responder, responder),
            pair: self.pairs.find(&pair_key(parties), pair).unwrap_or_default(),
            silence_s: [f32::NAN; 2],
            outer: true,
            ..Places::default()
        }
    }

    /// Something happened to a flow. Hosts that were evicted meanwhile no longer care.
    pub(crate) fn later(&mut self, places: &mut Places, event: Heard) {
        if places.outer {
            return;
        }
        let event = match event {
            Heard::Answer => Later::Answer,
            Heard::Reset => Later::Reset,
            Heard::Totals(totals) => {
                let before = places.is_told.then_some(places.told);
                (places.told, places.is_told) = (Told::new(totals), true);
                Later::Totals { before, now: places.told }
            }
        };
        let start = Buckets::at(places.start_ns);
        for (role, place) in [(INITIATOR, places.initiator), (RESPONDER, places.responder)] {
            if let Some(host) = self.hosts.get_mut(place) {
                host.roles[role].later(places.serial, start, &event);
            }
        }
        if let (Later::Totals { before, now }, Some(pair)) = (event, self.pairs.get_mut(places.pair)) {
            pair.totals(before.as_ref(), &now);
        }
    }

    /// Has the cells fetched that the start of a flow will look at.
    #[inline]
    pub(crate) fn prefetch_cells(&self, hashes: &Hashes) {
        self.hosts.prefetch_cell(hashes.initiator);
        self.hosts.prefetch_cell(hashes.responder);
        self.pairs.prefetch_cell(hashes.pair);
    }

    /// Has the entries fetched that the start of a flow will most likely change.
    #[inline]
    pub(crate) fn prefetch_likely(&self, hashes: &Hashes) {
        self.hosts.prefetch_likely(hashes.initiator);
        self.hosts.prefetch_likely(hashes.responder);
        self.pairs.prefetch_likely(hashes.pair);
    }

    /// Has the entries of a flow fetched.
    #[inline]
    pub(crate) fn prefetch(&self, places: &Places) {
        self.hosts.prefetch(places.initiator);
        self.hosts.prefetch(places.responder);
        self.pairs.prefetch(places.pair);
    }

    /// Has what the entries of a flow refer to fetched.
    #[inline]
    pub(crate) fn prefetch_deep(&self, places: &Places) {
        for (role, place) in [(INITIATOR, places.initiator), (RESPONDER, places.responder)] {
            if let Some(host) = self.hosts.get(place) {
                host.roles[role].prefetch();
            }
        }
        if let Some(pair) = self.pairs.get(places.pair) {
            pair.prefetch();
        }
    }

    /// Writes the context of a flow, or of a part of it, that began at `start_ns`, as known now.
    pub(crate) fn write(&self, places: &Places, start_ns: i64, row: &mut Row<'_>) {
        let start = Buckets::at(start_ns);
        for (role, place) in [(INITIATOR, places.initiator), (RESPONDER, places.responder)] {
            let nobody = Role::default();
            let host = self.hosts.get(place).map_or(&nobody, |host| &host.roles[role]);
            host.write(start, places.silence_s[role], row);
        }
        self.pairs.get(places.pair).unwrap_or(&Pair::default()).write(start, row);
    }
}

fn pair_key(parties: &Parties) -> PairKey {
    (parties.initiator, parties.responder, parties.service() | u64::from(parties.version) << 32)
}

impl Host {
    /// Whether this flow is the one by which the host may be beyond a threshold.
    fn counts_as_busy(&mut self, role: usize, start_ns: i64, busy_min: u32) -> bool {
        let window = start_ns.div_euclid(WINDOW_NS);
        if window != self.window {
            (self.window, self.flows) = (window, [0; 2]);
        }
        let was_busy = self.flows.iter().any(|flows| *flows >= busy_min);
        self.flows[role] = self.flows[role].saturating_add(1);
        !was_busy && self.flows[role] >= busy_min
    }
}
