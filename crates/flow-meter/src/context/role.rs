//! What one host did in one role (initiator or responder): a list of its flows while they are few, rings when many.
//! Both forms give the same numbers.

use super::baseline::Baseline;
use super::distinct::{Distinct, Seen};
use super::units::{LOG_UNIT, Told, log_units};
use super::window::{Amount, Buckets, Rings, WINDOWS, reach_ns};
use crate::events::Totals;
use crate::stats::{Row, ratio};
use schema::HostActivity;

/// Flows kept as a list. Most hosts of a flood never have more.
const FEW_MAX: usize = 8;

/// What a role is told of a flow when it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    pub(crate) serial: u64,
    pub(crate) start_ns: i64,
    pub(crate) start: Buckets,
    /// Hash of the other end's address.
    pub(crate) peer: u64,
    /// Responder's port with the protocol.
    pub(crate) port: u64,
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

impl Later {
    /// By how much it changes the tally of the flow's bucket.
    pub(crate) fn change(self, told: Told) -> Tally {
        match self {
            Self::Answer => Tally { answered: 1, ..Tally::default() },
            Self::Reset => Tally { reset: 1, ..Tally::default() },
            Self::Totals(totals) => Tally::change(told, totals),
        }
    }
}

/// What a role is told later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Later {
    /// The responder's first packet.
    Answer,
    /// The first RST.
    Reset,
    /// Totals: when the flow's own context is read, and again when it ends.
    Totals(Totals),
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

    /// From what a flow's totals were told as before to what they are now.
    fn change(told: Told, now: Totals) -> Self {
        let mut change = Self::carried(now);
        if let Some(before) = told.before() {
            change.subtract(&Self::carried(before));
        }
        change
    }

    fn carried(totals: Totals) -> Self {
        let log = log_units(totals.bytes());
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

/// One flow of a short list.
#[derive(Debug, Clone, Copy)]
struct Entry {
    begin: Begin,
    tally: Tally,
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
        let entry = Entry { begin, tally: Tally::of(&begin) };
        if self.many.is_none() && self.few.len() == FEW_MAX {
            self.few.retain(|entry| entry.begin.start_ns >= begin.start_ns - reach_ns() - look_ahead_ns);
            if self.few.len() == FEW_MAX {
                let mut many = Box::new(Many::new(look_ahead_ns));
                self.few.drain(..).for_each(|entry| many.add(&entry));
                self.many = Some(many);
                self.few = Vec::new();
            }
        }
        match &mut self.many {
            Some(many) => many.add(&entry),
            None => self.few.push(entry),
        }
        silence
    }

    pub(crate) fn later(&mut self, serial: u64, start: Buckets, change: &Tally) {
        match &mut self.many {
            Some(many) => many.buckets.amend(start, |bucket| bucket.tally.add(change)),
            None => {
                if let Some(entry) = self.few.iter_mut().rev().find(|entry| entry.begin.serial == serial) {
                    entry.tally.add(change);
                }
            }
        }
    }

    /// What a flow carried, for the baseline.
    pub(crate) fn totals(&mut self, told: Told, bytes: u64) {
        self.baseline.totals(told, bytes);
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
        let (mut peers, mut ports) = ([0u64; FEW_MAX], [0u64; FEW_MAX]);
        let mut count = 0;
        let mut older = self.few.iter().rev().peekable();
        for w in 0..WINDOWS {
            let first = start.first(w);
            while let Some(entry) = older.next_if(|entry| entry.begin.start.0[w] >= first) {
                let Begin { peer, port, .. } = entry.begin;
                reading.tally.add(&entry.tally);
                reading.peers += f64::from(u8::from(!peers[..count].contains(&peer)));
                reading.ports += f64::from(u8::from(!ports[..count].contains(&port)));
                (peers[count], ports[count]) = (peer, port);
                count += 1;
            }
            reading.busiest = busiest(self.few.iter().rev().take(count).map(|entry| entry.begin.start.0[w]));
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
        let of_flows = |count: u32| ratio(f64::from(count), flows);
        let bytes = tally.bytes() as f64;
        let log_std = log_deviation(u64::from(tally.told), tally.log, tally.log_squares);
        row.all([
            flows,
            self.ports,
            self.peers,
            ratio(tally.packets as f64, told),
            ratio(flows - f64::from(tally.answered), flows),
            of_flows(tally.reset),
            ratio(bytes, told),
            log_std.unwrap_or(f64::NAN),
            ratio(tally.backward_bytes as f64, bytes),
            of_flows(tally.tcp),
            of_flows(tally.udp),
            of_flows(tally.icmp),
            of_flows(tally.syn),
            of_flows(self.busiest),
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

    fn add(&mut self, entry: &Entry) {
        let Begin { start_ns, start, peer, port, .. } = entry.begin;
        self.buckets.update(start, &Bucket { tally: entry.tally, peers: 0, ports: 0 });
        let seen = self.peers.add(peer, start_ns);
        count_seen(&mut self.buckets, &self.peers, seen, start, |bucket| &mut bucket.peers);
        let seen = self.ports.add(port, start_ns);
        count_seen(&mut self.buckets, &self.ports, seen, start, |bucket| &mut bucket.ports);
    }

    fn read(&self, w: usize, start: Buckets) -> Reading {
        let sum = self.buckets.since(w, start);
        Reading {
            tally: sum.tally,
            peers: self.peers.count(sum.peers),
            ports: self.ports.count(sum.ports),
            busiest: self.buckets.each(w, start).map(|bucket| bucket.tally.flows).max().unwrap_or(0),
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
        fn few_and_many_agree(steps in prop::collection::vec((0i64..200_000, 0u64..4, 0u64..4, 0u8..4), 1..9)) {
            let mut few = Role::default();
            let mut many = Role { many: Some(Box::new(Many::new(AHEAD))), ..Role::default() };
            let mut now = 1_000_000_000_000i64;
            for (serial, (gap_ms, peer, port, what)) in steps.into_iter().enumerate() {
                now += gap_ms * 1_000_000;
                let serial = serial as u64;
                let kind = if peer == 1 { Kind::Tcp } else { Kind::Udp };
                let start = Buckets::at(now);
                let begin = Begin { serial, start_ns: now, start, peer, port, kind, syn: port == 2 };
                for role in [&mut few, &mut many] {
                    role.begin(begin, AHEAD);
                    if what & 1 == 1 {
                        role.later(serial, start, &Later::Answer.change(Told::default()));
                    }
                    if what & 2 == 2 {
                        let totals = |packets, forward_bytes| Totals { packets, forward_bytes, backward_bytes: 7 };
                        role.later(serial, start, &Later::Totals(totals(2, 100)).change(Told::default()));
                        let told = Told::now(totals(2, 100));
                        role.later(serial, start, &Later::Totals(totals(3, 1000 + port)).change(told));
                    }
                }
                prop_assert_eq!(written(&few, now), written(&many, now));
            }
        }
    }

    #[test]
    fn a_window_says_what_happened() {
        let mut role = Role::default();
        for n in 0..20u64 {
            let start_ns = 100_000_000_000 + n as i64 * 1_000_000_000;
            let start = Buckets::at(start_ns);
            let begin =
                Begin { serial: n, start_ns, start, peer: n % 5, port: n, kind: Kind::Tcp, syn: true };
            role.begin(begin, AHEAD);
            if n % 2 == 0 {
                role.later(n, start, &Later::Answer.change(Told::default()));
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
