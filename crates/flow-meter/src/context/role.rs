//! What one host did in one role (initiator or responder): a list of its flows while they are few, rings when many.
//! Both forms give the same numbers.

use super::distinct::Distinct;
use super::window::{Rings, WINDOWS, bucket, first_bucket, reach_ns};
use crate::stats::Row;

/// Flows kept as a list. Most hosts of a flood never have more.
const FEW_MAX: usize = 8;
/// log2 of bytes is kept in 1/1024ths, so that sums are exact whatever the order.
const LOG_UNIT: f64 = 1024.0;

/// What a role is told of a flow when it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    pub(crate) serial: u64,
    pub(crate) start_ns: i64,
    /// Hash of the other end's address.
    pub(crate) peer: u64,
    /// Responder's port with the protocol.
    pub(crate) port: u64,
    pub(crate) tcp: bool,
}

/// What a role is told later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Later {
    /// The responder's first packet.
    Answer,
    /// The first RST.
    Reset,
    /// Totals: when the flow's own context is read, and again when it ends.
    Totals { packets: u64, payload_bytes: u64 },
}

/// Totals of the flows of one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    flows: u32,
    tcp: u32,
    answered: u32,
    reset: u32,
    /// Flows whose totals are known.
    told: u32,
    packets: u64,
    bytes: u64,
    log: u64,
    log_squares: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.tcp += other.tcp;
        self.answered += other.answered;
        self.reset += other.reset;
        self.told += other.told;
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.log += other.log;
        self.log_squares += other.log_squares;
    }
}

/// The totals of one flow, told before or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told(Option<(u64, u64)>);

impl Told {
    /// The change to a tally from what was told before to `packets` and `bytes`.
    fn change(self, tally: &mut Tally, packets: u64, bytes: u64) {
        if let Some((packets, bytes)) = self.0 {
            let log = log_units(bytes);
            tally.told = tally.told.saturating_sub(1);
            tally.packets = tally.packets.saturating_sub(packets);
            tally.bytes = tally.bytes.saturating_sub(bytes);
            tally.log = tally.log.saturating_sub(log);
            tally.log_squares = tally.log_squares.saturating_sub(log * log);
        }
        let log = log_units(bytes);
        tally.told += 1;
        tally.packets = tally.packets.saturating_add(packets);
        tally.bytes = tally.bytes.saturating_add(bytes);
        tally.log += log;
        tally.log_squares += log * log;
    }

    pub(crate) fn before(self) -> Option<(u64, u64)> {
        self.0
    }

    pub(crate) fn now(packets: u64, bytes: u64) -> Self {
        Self(Some((packets, bytes)))
    }
}

/// `1024 log2(1 + bytes)`.
pub(crate) fn log_units(bytes: u64) -> u64 {
    ((1.0 + bytes as f64).log2() * LOG_UNIT).round() as u64
}

/// Deviation of log2(1 + bytes) from sums in units of [`LOG_UNIT`]; `None` without values.
pub(crate) fn log_deviation(count: u64, sum: u64, squares: u64) -> Option<f64> {
    if count == 0 {
        return None;
    }
    let (n, sum, squares) = (u128::from(count), u128::from(sum), u128::from(squares));
    // Integers until the root: the same for any order of events.
    let variance = (n * squares).saturating_sub(sum * sum) as f64 / (n * n) as f64;
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
    few: Vec<Entry>,
    many: Option<Box<Many>>,
}

#[derive(Debug, Clone)]
struct Many {
    tallies: Rings<Tally>,
    peers: Distinct,
    ports: Distinct,
}

impl Role {
    /// Counts a flow, and gives the time since the host's previous one.
    pub(crate) fn begin(&mut self, begin: Begin, look_ahead_ns: i64) -> Option<f64> {
        let silence = self.last_start_ns.map(|last| (begin.start_ns - last) as f64 * 1e-9);
        self.last_start_ns = Some(begin.start_ns);
        let tally = Tally { flows: 1, tcp: u32::from(begin.tcp), ..Tally::default() };
        let entry = Entry { begin, tally };
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

    pub(crate) fn later(&mut self, serial: u64, start_ns: i64, told: Told, event: Later) {
        let change = |tally: &mut Tally| match event {
            Later::Answer => tally.answered += 1,
            Later::Reset => tally.reset += 1,
            Later::Totals { packets, payload_bytes } => told.change(tally, packets, payload_bytes),
        };
        match &mut self.many {
            Some(many) => many.tallies.amend(start_ns, change),
            None => {
                if let Some(entry) = self.few.iter_mut().rev().find(|entry| entry.begin.serial == serial) {
                    change(&mut entry.tally);
                }
            }
        }
    }

    /// The host's features for a flow that began at `start_ns`, as known now.
    pub(crate) fn write(&self, start_ns: i64, row: &mut Row<'_>) {
        for w in 0..WINDOWS {
            let (tally, peers, ports) = match &self.many {
                Some(many) => many.read(w, start_ns),
                None => self.read_few(w, start_ns),
            };
            write_window(&tally, peers, ports, row);
        }
    }

    fn read_few(&self, w: usize, start_ns: i64) -> (Tally, f64, f64) {
        let from = first_bucket(w, start_ns);
        let mut tally = Tally::default();
        let (mut peers, mut ports) = ([0u64; FEW_MAX], [0u64; FEW_MAX]);
        let mut count = 0;
        for entry in self.few.iter().filter(|entry| bucket(w, entry.begin.start_ns) >= from) {
            tally.add(&entry.tally);
            (peers[count], ports[count]) = (entry.begin.peer, entry.begin.port);
            count += 1;
        }
        (tally, distinct(&peers[..count]), distinct(&ports[..count]))
    }
}

fn distinct(values: &[u64]) -> f64 {
    values.iter().enumerate().filter(|(at, value)| !values[..*at].contains(value)).count() as f64
}

fn write_window(tally: &Tally, peers: f64, ports: f64, row: &mut Row<'_>) {
    let (flows, told) = (f64::from(tally.flows), f64::from(tally.told));
    row.push(flows);
    row.push(ports);
    row.push(peers);
    row.ratio(tally.packets as f64, told);
    row.ratio(flows - f64::from(tally.answered), flows);
    row.ratio(f64::from(tally.reset), flows);
    row.ratio(tally.bytes as f64, told);
    row.optional(log_deviation(u64::from(tally.told), tally.log, tally.log_squares));
    row.ratio(f64::from(tally.tcp), flows);
}

impl Many {
    fn new(look_ahead_ns: i64) -> Self {
        let distinct = || Distinct::new(look_ahead_ns);
        Self { tallies: Rings::new(look_ahead_ns), peers: distinct(), ports: distinct() }
    }

    fn add(&mut self, entry: &Entry) {
        let Begin { start_ns, peer, port, .. } = entry.begin;
        self.tallies.update(start_ns, |tally| tally.add(&entry.tally));
        self.peers.add(peer, start_ns);
        self.ports.add(port, start_ns);
    }

    fn read(&self, w: usize, start_ns: i64) -> (Tally, f64, f64) {
        let mut tally = Tally::default();
        self.tallies.each(w, start_ns).for_each(|bucket| tally.add(bucket));
        (tally, self.peers.count(w, start_ns), self.ports.count(w, start_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AHEAD: i64 = 5_000_000_000;

    fn written(role: &Role, start_ns: i64) -> Vec<u32> {
        let mut out = Vec::new();
        role.write(start_ns, &mut Row(&mut out));
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
                let begin = Begin { serial, start_ns: now, peer, port, tcp: peer == 1 };
                for role in [&mut few, &mut many] {
                    role.begin(begin, AHEAD);
                    if what & 1 == 1 {
                        role.later(serial, now, Told::default(), Later::Answer);
                    }
                    if what & 2 == 2 {
                        let totals = |packets, payload_bytes| Later::Totals { packets, payload_bytes };
                        role.later(serial, now, Told::default(), totals(2, 100));
                        role.later(serial, now, Told::now(2, 100), totals(3, 1000 + port));
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
            role.begin(Begin { serial: n, start_ns, peer: n % 5, port: n, tcp: true }, AHEAD);
            if n % 2 == 0 {
                role.later(n, start_ns, Told::default(), Later::Answer);
            }
        }
        let mut out = Vec::new();
        role.write(119_000_000_000, &mut Row(&mut out));
        // In 10 s: eleven flows to eleven ports and five peers, five of them not answered.
        assert_eq!(out[..3], [11.0, 11.0, 5.0]);
        assert!((out[4] - 6.0 / 11.0).abs() < 1e-6);
        assert!(out[3].is_nan());
        assert_eq!(out[9..12], [20.0, 20.0, 5.0]);
    }
}
