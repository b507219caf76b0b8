//! Packets over time in at most [`BUCKETS_MAX`] buckets, however long the time.
//!
//! The width is the smallest of 1/64 s, 1/32 s, ... 1 s, 2 s, ... that covers everything seen. Bucket edges are multiples
//! of the width and a flow is cut by one function of time, so the result does not depend on the order of flows nor on when
//! the width grew.

use crate::stats::{Count, TimePoint, Timeline};
use crate::summary::Sighting;

/// Most buckets of one timeline.
pub(crate) const BUCKETS_MAX: i64 = 512;
/// Narrowest bucket: 1/64 s, so that doubling it gives whole seconds.
const WIDTH_MIN_NS: i64 = 15_625_000;

/// What is counted in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bucket {
    pub(crate) count: Count,
    pub(crate) abnormal: u64,
}

impl Bucket {
    fn join(&mut self, other: &Self) {
        self.count.join(other.count);
        self.abnormal += other.abnormal;
    }
}

/// Buckets without gaps from the first to the last that was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets {
    pub(crate) width_ns: i64,
    /// Number of the first bucket: its start over the width.
    pub(crate) first: i64,
    pub(crate) cells: Vec<Bucket>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { width_ns: WIDTH_MIN_NS, first: 0, cells: Vec::new() }
    }
}

impl Buckets {
    pub(crate) fn add(&mut self, flow: &Sighting<'_>) {
        let end_ns = flow.end_ns.max(flow.start_ns);
        self.cover(flow.start_ns, end_ns);
        self.change(flow, |bucket, part, abnormal| {
            bucket.count.join(part);
            bucket.abnormal += abnormal;
        });
    }

    /// Takes back what [`Buckets::add`] added. The width stays.
    pub(crate) fn remove(&mut self, flow: &Sighting<'_>) {
        self.change(flow, |bucket, part, abnormal| {
            bucket.count.part(part);
            bucket.abnormal = bucket.abnormal.saturating_sub(abnormal);
        });
    }

    /// Hands each bucket its part of a flow. Nothing outside of what is covered is touched.
    fn change(&mut self, flow: &Sighting<'_>, mut apply: impl FnMut(&mut Bucket, Count, u64)) {
        let end_ns = flow.end_ns.max(flow.start_ns);
        let (from, to) = (self.number(flow.start_ns), self.number(end_ns));
        let share = Share { start_ns: flow.start_ns, duration_ns: end_ns.wrapping_sub(flow.start_ns) as u64 };
        let (mut packets_before, mut bytes_before) = (0, 0);
        for number in from..=to {
            // The last bucket takes the rest, so that parts always sum to the whole.
            let edge = (number < to).then(|| (number + 1) * self.width_ns);
            let packets = share.of(flow.packets, edge);
            let bytes = share.of(flow.bytes, edge);
            let is_first = u64::from(number == from);
            let part =
                Count { flows: is_first, packets: packets - packets_before, bytes: bytes - bytes_before };
            (packets_before, bytes_before) = (packets, bytes);
            let at = usize::try_from(number - self.first).ok();
            if let Some(bucket) = at.and_then(|at| self.cells.get_mut(at)) {
                apply(bucket, part, is_first * u64::from(flow.is_abnormal));
            }
        }
    }

    fn number(&self, time_ns: i64) -> i64 {
        time_ns.div_euclid(self.width_ns)
    }

    /// Makes room for all buckets from `from_ns` to `to_ns`, wider ones if need be.
    fn cover(&mut self, from_ns: i64, to_ns: i64) {
        loop {
            let (mut from, mut to) = (self.number(from_ns), self.number(to_ns));
            if !self.cells.is_empty() {
                from = from.min(self.first);
                to = to.max(self.first + self.cells.len() as i64 - 1);
            }
            if to - from < BUCKETS_MAX {
                return self.extend(from, to);
            }
            self.double();
        }
    }

    fn extend(&mut self, from: i64, to: i64) {
        if self.cells.is_empty() {
            self.first = from;
        }
        let before = (self.first - from) as usize;
        if before > 0 {
            self.cells.splice(0..0, std::iter::repeat_n(Bucket::default(), before));
            self.first = from;
        }
        self.cells.resize((to - from + 1) as usize, Bucket::default());
    }

    fn double(&mut self) {
        self.width_ns *= 2;
        let first = self.first.div_euclid(2);
        let mut wider: Vec<Bucket> = Vec::with_capacity(self.cells.len() / 2 + 1);
        for (at, bucket) in self.cells.iter().enumerate() {
            let number = (self.first + at as i64).div_euclid(2) - first;
            match wider.get_mut(number as usize) {
                Some(there) => there.join(bucket),
                None => wider.push(*bucket),
            }
        }
        self.first = first;
        self.cells = wider;
    }

    /// For readers.
    pub(crate) fn timeline(&self) -> Timeline {
        let mut points = Vec::new();
        for (at, bucket) in self.cells.iter().enumerate() {
            if *bucket != Bucket::default() {
                let start_ns = (self.first + at as i64).saturating_mul(self.width_ns);
                points.push(TimePoint { start_ns, count: bucket.count, abnormal: bucket.abnormal });
            }
        }
        Timeline { bucket_ns: if points.is_empty() { 0 } else { self.width_ns }, points }
    }
}

/// How much of a flow's total had passed at a moment.
struct Share {
    start_ns: i64,
    duration_ns: u64,
}

impl Share {
    /// Up to `edge_ns`, or all of it. Depends on the edge alone, so a wide bucket holds what its two halves held.
    fn of(&self, total: u64, edge_ns: Option<i64>) -> u64 {
        let Some(edge_ns) = edge_ns else { return total };
        let passed = edge_ns.wrapping_sub(self.start_ns) as u64;
        let share = passed as f64 / self.duration_ns as f64;
        ((total as f64 * share) as u64).min(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(start_ns: i64, end_ns: i64, packets: u64) -> Sighting<'static> {
        Sighting { start_ns, end_ns, packets, bytes: packets * 100, ..Sighting::example() }
    }

    fn of(flows: &[Sighting<'_>]) -> Buckets {
        let mut buckets = Buckets::default();
        flows.iter().for_each(|flow| buckets.add(flow));
        buckets
    }

    #[test]
    fn a_flow_is_spread_over_its_duration_and_nothing_is_lost() {
        let line = of(&[flow(0, 1_000_000_000, 640)]).timeline();
        assert_eq!(line.bucket_ns, WIDTH_MIN_NS);
        assert_eq!(line.points.len(), 64);
        assert!(line.points.iter().all(|point| (9..=11).contains(&point.count.packets)));
        assert_eq!(line.points.iter().map(|point| point.count.packets).sum::<u64>(), 640);
        assert_eq!(line.points.iter().map(|point| point.count.flows).sum::<u64>(), 1);
    }

    #[test]
    fn order_does_not_matter_and_removal_takes_all_back() {
        let mut flows = vec![
            flow(5_000_000_000, 9_100_000_000, 1001),
            flow(0, 0, 1),
            flow(-3_000_000_000, 700_000_000_000, 77),
            flow(1_000_000_000_000, 1_000_000_500_000, 5),
            flow(12, 11, 4),
        ];
        let forth = of(&flows);
        flows.reverse();
        let mut back = of(&flows);
        assert_eq!(forth, back);
        assert!(forth.cells.len() as i64 <= BUCKETS_MAX);
        flows.iter().for_each(|flow| back.remove(flow));
        assert_eq!(back.timeline(), Timeline::default());
    }

    #[test]
    fn any_time_is_taken() {
        let flows = [flow(i64::MIN, i64::MAX, 10), flow(0, i64::MAX, 3), flow(i64::MAX, i64::MIN, 1)];
        let line = of(&flows).timeline();
        assert_eq!(line.points.iter().map(|point| point.count.packets).sum::<u64>(), 14);
        assert!(line.points.len() as i64 <= BUCKETS_MAX);
    }
}
