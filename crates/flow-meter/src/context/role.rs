//! What one host did in one role (initiator or responder): a list of its flows while they are few, rings when many.
//! Both forms give the same numbers.

use super::baseline::Baseline;
use super::distinct::{Distinct, Seen};
use super::units::{LOG_UNIT, Told};
use super::window::{Amount, Buckets, Rings, WINDOWS, reach_ns};
use crate::prefetch;
use crate::stats::{Row, ratio, ratios};
use schema::HostActivity;

/// Flows kept as a list. Most hosts of a flood never have more.
const FEW_MAX: usize = 8;

/// What a role is told of a flow when it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    /// Tells the flows of one host apart.
    pub(crate) serial: u32,
    /// Responder's port with the protocol.
    pub(crate) port: u32,
    pub(crate) start_ns: i64,
    /// Hash of the other end's address.
    pub(crate) peer: u64,
    pub(crate) kind: Kind,
    /// Begun by a SYN without ACK.
    pub(crate) syn: bool,
}

/// Protocols that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Icmp,
    Other,
}

/// What a role is told later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Later {
    /// The responder's first packet.
    Answer,
    /// The first RST.
    Reset,
    /// Totals, when the flow's own context is read and again when it ends; and what was told of them before.
    Totals { before: Option<Told>, now: Told },
}

impl Later {
    /// By how much it changes the tally of the flow's bucket.
    fn change(&self) -> Tally {
        match self {
            Self::Answer => Tally { answered: 1, ..Tally::default() },
            Self::Reset => Tally { reset: 1, ..Tally::default() },
            Self::Totals { before, now } => {
                let mut change = Tally::carried(now);
                if let Some(before) = before {
                    change.subtract(&Tally::carried(before));
                }
                change
            }
        }
    }
}

/// Totals of the flows of one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    flows: u32,
    tcp: u32,
    udp: u32,
    icmp: u32,
    syn: u32,
    answered: u32,
    reset: u32,
    /// Flows whose totals are known.
    told: u32,
    packets: u64,
    forward_bytes: u64,
    backward_bytes: u64,
    log: u64,
    log_squares: u64,
}

/// Whole numbers that wrap, so that what is added and taken out again leaves no trace.
macro_rules! amounts {
    ($($field:ident)*) => {
        impl Amount for Tally {
            #[inline]
            fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_add(other.$field);)*
            }

            #[inline]
            fn subtract(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_sub(other.$field);)*
            }
        }
    };
}
amounts!(flows tcp udp icmp syn answered reset told packets forward_bytes backward_bytes log log_squares);

impl Tally {
    fn of(begin: &Begin) -> Self {
        let is = |kind| u32::from(begin.kind == kind);
        Self {
            flows: 1,
            tcp: is(Kind::Tcp),
            udp: is(Kind::Udp),
            icmp: is(Kind::Icmp),
            syn: u32::from(begin.syn),
            ..Self::default()
        }
    }

    fn carried(told: &Told) -> Self {
        let Told { totals, log } = *told;
        let log = u64::from(log);
        Self {
            told: 1,
            packets: totals.packets,
            forward_bytes: totals.forward_bytes,
            backward_bytes: totals.backward_bytes,
            log,
            log_squares: log * log,
            ..Self::default()
        }
    }

    fn bytes(&self) -> u64 {
        self.forward_bytes.saturating_add(self.backward_bytes)
    }
}

/// Deviation of log2(1 + bytes) from sums in units of [`LOG_UNIT`]; `None` without values.
pub(crate) fn log_deviation(count: u64, sum: u64, squares: u64) -> Option<f64> {
    if count == 0 {
        return None;
    }
    // Whole numbers until here: the same for any order of events.
    let (n, sum, squares) = (count as f64, sum as f64, squares as f64);
    let mean = sum / n;
    let variance = (squares / n - mean * mean).max(0.0);
    Some(variance.sqrt() / LOG_UNIT)
}

/// One flow of a short list: a cache line.
#[derive(Debug, Clone, Copy)]
struct Entry {
    begin: Begin,
    heard: Heard,
}

/// What was told of it since.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    told: Told,
    is_told: bool,
    answered: bool,
    reset: bool,
}

impl Entry {
    fn later(&mut self, event: &Later) {
        match event {
            Later::Answer => self.heard.answered = true,
            Later::Reset => self.heard.reset = true,
            Later::Totals { now, .. } => (self.heard.told, self.heard.is_told) = (*now, true),
        }
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::of(&self.begin);
        tally.answered = u32::from(self.heard.answered);
        tally.reset = u32::from(self.heard.reset);
        if self.heard.is_told {
            tally.add(&Tally::carried(&self.heard.told));
        }
        tally
    }
}

/// One host in one role.
#[derive(Debug, Clone, Default)]
pub(crate) struct Role {
    last_start_ns: Option<i64>,
    baseline: Baseline,
    few: Vec<Entry>,
    many: Option<Box<Many>>,
}

/// What is known of one bucket: its flows, and how many peers and ports were last seen in it.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    tally: Tally,
    peers: u32,
    ports: u32,
}

impl Amount for Bucket {
    #[inline]
    fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.peers = self.peers.wrapping_add(other.peers);
        self.ports = self.ports.wrapping_add(other.ports);
    }

    #[inline]
    fn subtract(&mut self, other: &Self) {
        self.tally.subtract(&other.tally);
        self.peers = self.peers.wrapping_sub(other.peers);
        self.ports = self.ports.wrapping_sub(other.ports);
    }
}

#[derive(Debug, Clone)]
struct Many {
    buckets: Rings<Bucket>,
    peers: Distinct,
    ports: Distinct,
}

impl Role {
    /// Counts a flow, and gives the time since the host's previous one.
    pub(crate) fn begin(&mut self, begin: Begin, look_ahead_ns: i64) -> Option<f64> {
        let silence = self.last_start_ns.map(|last| (begin.start_ns - last) as f64 * 1e-9);
        self.last_start_ns = Some(begin.start_ns);
        self.baseline.begin(begin.start_ns);
        if self.many.is_none() && self.few.len() == FEW_MAX {
            self.few.retain(|entry| entry.begin.start_ns >= begin.start_ns - reach_ns() - look_ahead_ns);
            if self.few.len() == FEW_MAX {
                let mut many = Box::new(Many::new(look_ahead_ns));
                self.few.drain(..).for_each(|entry| many.add(&entry.begin, &entry.tally()));
                self.many = Some(many);
                self.few = Vec::new();
            }
        }
        if let Some(many) = &mut self.many {
            many.add(&begin, &Tally::of(&begin));
        } else {
            // Most hosts have but one flow in a role.
            self.few.reserve_exact(usize::from(self.few.is_empty()));
            self.few.push(Entry { begin, heard: Heard::default() });
        }
        silence
    }

    /// Something happened to the flow `serial`, which began in `start`.
    #[inline]
    pub(crate) fn later(&mut self, serial: u32, start: Buckets, event: &Later) {
        match &mut self.many {
            Some(many) => {
                let change = event.change();
                many.buckets.amend(start, |bucket| bucket.tally.add(&change));
            }
            None => {
                if let Some(entry) = self.few.iter_mut().rev().find(|entry| entry.begin.serial == serial) {
                    entry.later(event);
                }
            }
        }
        if let Later::Totals { before, now } = event {
            self.baseline.totals(before.as_ref(), now);
        }
    }

    /// Has what lies elsewhere fetched.
    #[inline]
    pub(crate) fn prefetch(&self) {
        match &self.many {
            Some(many) => prefetch::value(&**many),
            None => prefetch::slice(&self.few),
        }
    }

    /// The host's features for a flow that began in `start`, as known now, with the silence before it.
    pub(crate) fn write(&self, start: Buckets, silence_s: f32, row: &mut Row<'_>) {
        let mut flows = [0.0; WINDOWS];
        let mut write = |w: usize, reading: &Reading| {
            flows[w] = f64::from(reading.tally.flows);
            reading.write(row);
        };
        match &self.many {
            Some(many) => (0..WINDOWS).for_each(|w| write(w, &many.read(w, start))),
            None => self.each_window_of_few(start, write),
        }
        row.push(f64::from(silence_s));
        self.baseline.write(flows[MINUTE], row);
    }

    /// Window `w` of a flow that began in `start`, as known now.
    pub(crate) fn read(&self, w: usize, start: Buckets) -> Reading {
        match &self.many {
            Some(many) => many.read(w, start),
            None => self.read_few(w, start),
        }
    }

    fn read_few(&self, wanted: usize, start: Buckets) -> Reading {
        let mut found = Reading::default();
        self.each_window_of_few(start, |w, reading| {
            if w == wanted {
                found = *reading;
            }
        });
        found
    }

    /// A longer window has all that a shorter one has, and what is older: one pass, from the latest flow back.
    fn each_window_of_few(&self, start: Buckets, mut give: impl FnMut(usize, &Reading)) {
        let mut reading = Reading::default();
        let (mut peers, mut ports) = ([0; FEW_MAX], [0; FEW_MAX]);
        let mut buckets = [Buckets::default(); FEW_MAX];
        for (buckets, entry) in buckets.iter_mut().zip(self.few.iter().rev()) {
            *buckets = Buckets::at(entry.begin.start_ns);
        }
        let mut count = 0;
        for w in 0..WINDOWS {
            let first = start.first(w);
            let older = self.few.iter().rev().enumerate().skip(count);
            for (at, entry) in older.take_while(|(at, _)| buckets[*at].0[w] >= first) {
                let Begin { peer, port, .. } = entry.begin;
                reading.tally.add(&entry.tally());
                reading.peers += f64::from(u8::from(!peers[..at].contains(&peer)));
                reading.ports += f64::from(u8::from(!ports[..at].contains(&port)));
                (peers[at], ports[at]) = (peer, port);
                count = at + 1;
            }
            reading.busiest = busiest(buckets[..count].iter().map(|buckets| buckets.0[w]));
            give(w, &reading);
        }
    }
}

/// The longest run of equal numbers; flows of a bucket lie together.
fn busiest(buckets: impl Iterator<Item = i64>) -> u32 {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for bucket in buckets {
        run = if last == Some(bucket) { run + 1 } else { 1 };
        last = Some(bucket);
        longest = longest.max(run);
    }
    longest
}

/// The window of a minute, among those that are kept.
const MINUTE: usize = 1;

/// What a window holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    tally: Tally,
    peers: f64,
    ports: f64,
    /// Flows of the busiest bucket.
    busiest: u32,
}

impl Reading {
    fn write(&self, row: &mut Row<'_>) {
        let tally = &self.tally;
        let (flows, told) = (f64::from(tally.flows), f64::from(tally.told));
        let bytes = tally.bytes() as f64;
        let unanswered = flows - f64::from(tally.answered);
        let log_std = log_deviation(u64::from(tally.told), tally.log, tally.log_squares);
        let [mean_packets, mean_bytes] = ratios([tally.packets as f64, bytes], told);
        let [unanswered, reset, tcp, udp, icmp, syn, busiest, _] = ratios(
            [
                unanswered,
                f64::from(tally.reset),
                f64::from(tally.tcp),
                f64::from(tally.udp),
                f64::from(tally.icmp),
                f64::from(tally.syn),
                f64::from(self.busiest),
                0.0,
            ],
            flows,
        );
        row.all([
            flows,
            self.ports,
            self.peers,
            mean_packets,
            unanswered,
            reset,
            mean_bytes,
            log_std.unwrap_or(f64::NAN),
            ratio(tally.backward_bytes as f64, bytes),
            tcp,
            udp,
            icmp,
            syn,
            busiest,
        ]);
    }

    /// As a host window tells it.
    pub(crate) fn activity(&self) -> HostActivity {
        HostActivity {
            flows: u64::from(self.tally.flows),
            peers: self.peers as u64,
            ports: self.ports as u64,
            unanswered: u64::from(self.tally.flows.saturating_sub(self.tally.answered)),
            reset: u64::from(self.tally.reset),
            packets: self.tally.packets,
            bytes: self.tally.bytes(),
        }
    }
}

impl Many {
    fn new(look_ahead_ns: i64) -> Self {
        let (peers, ports) = (Distinct::default(), Distinct::default());
        Self { buckets: Rings::new(look_ahead_ns), peers, ports }
    }

    fn add(&mut self, begin: &Begin, tally: &Tally) {
        let Begin { start_ns, peer, port, .. } = *begin;
        let start = Buckets::at(start_ns);
        self.buckets.update(start, &Bucket { tally: *tally, peers: 0, ports: 0 });
        let seen = self.peers.add(peer, start_ns);
        count_seen(&mut self.buckets, &self.peers, seen, start, |bucket| &mut bucket.peers);
        let seen = self.ports.add(u64::from(port), start_ns);
        count_seen(&mut self.buckets, &self.ports, seen, start, |bucket| &mut bucket.ports);
    }

    fn read(&self, w: usize, start: Buckets) -> Reading {
        let (sum, busiest) = self.buckets.since(w, start);
        Reading {
            tally: sum.tally,
            peers: self.peers.count(sum.peers),
            ports: self.ports.count(sum.ports),
            busiest,
        }
    }
}

/// Moves a value from the buckets in which it was last seen to those of now.
fn count_seen(
    buckets: &mut Rings<Bucket>,
    distinct: &Distinct,
    seen: Seen,
    now: Buckets,
    field: impl Fn(&mut Bucket) -> &mut u32,
) {
    let step = |bucket: &mut Bucket, by: u32| {
        let count = field(bucket);
        *count = count.wrapping_add(by);
    };
    match seen {
        Seen::New => buckets.amend(now, |bucket| step(bucket, 1)),
        Seen::Last(before) => {
            let before = Buckets::at(before);
            for w in (0..WINDOWS).filter(|w| before.0[*w] != now.0[*w]) {
                buckets.amend_one(w, before, |bucket| step(bucket, u32::MAX));
                buckets.amend_one(w, now, |bucket| step(bucket, 1));
            }
        }
        Seen::Anew => {
            buckets.change_all(|bucket| *field(bucket) = 0);
            for last in distinct.last_seen() {
                buckets.amend(Buckets::at(last), |bucket| step(bucket, 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Totals;
    use proptest::prelude::*;

    const AHEAD: i64 = 5_000_000_000;

    fn written(role: &Role, start_ns: i64) -> Vec<u32> {
        let mut out = Vec::new();
        role.write(Buckets::at(start_ns), 0.0, &mut Row(&mut out));
        out.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        /// A list and rings that saw the same flows say the same, at every reading.
        #[test]
        fn few_and_many_agree(steps in prop::collection::vec((0i64..200_000, 0u64..4, 0u32..4, 0u8..4), 1..9)) {
            let mut few = Role::default();
            let mut many = Role { many: Some(Box::new(Many::new(AHEAD))), ..Role::default() };
            let mut now = 1_000_000_000_000i64;
            for (serial, (gap_ms, peer, port, what)) in steps.into_iter().enumerate() {
                now += gap_ms * 1_000_000;
                let serial = serial as u32;
                let kind = if peer == 1 { Kind::Tcp } else { Kind::Udp };
                let start = Buckets::at(now);
                let begin = Begin { serial, start_ns: now, peer, port, kind, syn: port == 2 };
                for role in [&mut few, &mut many] {
                    role.begin(begin, AHEAD);
                    if what & 1 == 1 {
                        role.later(serial, start, &Later::Answer);
                    }
                    if what & 2 == 2 {
                        let told = |packets, forward_bytes| {
                            Told::new(Totals { packets, forward_bytes, backward_bytes: 7 })
                        };
                        let first = told(2, 100);
                        role.later(serial, start, &Later::Totals { before: None, now: first });
                        let now = told(3, 1000 + u64::from(port));
                        role.later(serial, start, &Later::Totals { before: Some(first), now });
                    }
                }
                prop_assert_eq!(written(&few, now), written(&many, now));
            }
        }
    }

    #[test]
    fn a_window_says_what_happened() {
        let mut role = Role::default();
        for n in 0..20u32 {
            let start_ns = 100_000_000_000 + i64::from(n) * 1_000_000_000;
            let start = Buckets::at(start_ns);
            let begin =
                Begin { serial: n, start_ns, peer: u64::from(n % 5), port: n, kind: Kind::Tcp, syn: true };
            role.begin(begin, AHEAD);
            if n % 2 == 0 {
                role.later(n, start, &Later::Answer);
            }
        }
        let mut out = Vec::new();
        role.write(Buckets::at(119_000_000_000), 0.0, &mut Row(&mut out));
        // In 10 s: eleven flows to eleven ports and five peers, five of them not answered.
        assert_eq!(out[..3], [11.0, 11.0, 5.0]);
        assert!((out[4] - 6.0 / 11.0).abs() < 1e-6);
        assert!(out[3].is_nan());
        // All of them TCP, begun by SYN, and one a second.
        assert_eq!(out[9..14], [1.0, 0.0, 0.0, 1.0, 1.0 / 11.0]);
        assert_eq!(out[14..17], [20.0, 20.0, 5.0]);
    }
}
