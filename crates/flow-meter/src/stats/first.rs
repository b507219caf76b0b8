//! The flow's first thirty packets, kept whole, and the statistics of the first 10, 20 and 30.

use super::Row;
use super::row::ratio;
use crate::key::Direction;
use schema::features::FIRST_PACKETS;

const KEPT: usize = FIRST_PACKETS[FIRST_PACKETS.len() - 1];
/// Those kept within the flow; most flows never have more.
const NEAR: usize = 8;
const SERIES: usize = 5;
/// Mean, deviation, smallest, largest and three quartiles.
const OF_SERIES: usize = 7;
/// Six counts, and the numbers of each series.
const FEATURES: usize = 6 + SERIES * OF_SERIES;

/// Sizes, and the gap before each packet in seconds (0 before the first).
#[derive(Debug, Clone, Copy)]
struct Kept<const N: usize> {
    sizes: [u16; N],
    gaps_s: [f32; N],
}

/// Sizes, gaps and directions of the first packets.
#[derive(Debug, Clone)]
pub(crate) struct FirstPackets {
    near: Kept<NEAR>,
    far: Option<Box<Kept<{ KEPT - NEAR }>>>,
    /// Bit n: packet n came from the responder.
    backward: u32,
    count: u8,
}

impl Default for FirstPackets {
    fn default() -> Self {
        let near = Kept { sizes: [0; NEAR], gaps_s: [0.0; NEAR] };
        Self { near, far: None, backward: 0, count: 0 }
    }
}

impl FirstPackets {
    /// Gives back what lies elsewhere.
    pub(crate) fn forget(&mut self) {
        self.far = None;
    }

    #[inline]
    pub(crate) fn update(&mut self, direction: Direction, payload_len: u32, gap_s: f64) {
        let at = usize::from(self.count);
        if at >= KEPT {
            return;
        }
        let size = payload_len.min(u32::from(u16::MAX)) as u16;
        if at < NEAR {
            self.near.sizes[at] = size;
            self.near.gaps_s[at] = gap_s as f32;
        } else {
            let far = self.far.get_or_insert_with(|| {
                Box::new(Kept { sizes: [0; KEPT - NEAR], gaps_s: [0.0; KEPT - NEAR] })
            });
            far.sizes[at - NEAR] = size;
            far.gaps_s[at - NEAR] = gap_s as f32;
        }
        self.backward |= (direction as u32) << at;
        self.count += 1;
    }

    fn packet(&self, at: usize) -> (u16, f32) {
        match &self.far {
            Some(far) if at >= NEAR => (far.sizes[at - NEAR], far.gaps_s[at - NEAR]),
            _ => (self.near.sizes[at], self.near.gaps_s[at]),
        }
    }

    pub(crate) fn write(&self, row: &mut Row<'_>) {
        let mut walk = Walk::default();
        let mut written = 0;
        for limit in FIRST_PACKETS {
            let count = usize::from(self.count).min(limit);
            // A flow shorter than the limit has the same numbers again.
            if count == written {
                let from = row.0.len() - FEATURES;
                row.0.extend_from_within(from..);
            } else {
                (written..count).for_each(|at| walk.step(self.packet(at), self.backward >> at & 1 == 1));
                walk.write(row);
                written = count;
            }
        }
    }
}

const FWD: usize = 0;
const BWD: usize = 1;
const GAPS: usize = 2;
const FWD_GAPS: usize = 3;

/// From the first packet on: series that stay sorted as they grow, so that each limit costs only its own packets.
struct Walk {
    series: [Series; SERIES],
    bytes: [u32; 2],
    turns: u32,
    empty: u32,
    packets: u32,
    last_backward: bool,
    /// Seconds since the latest packet of each direction.
    since_s: [Option<f64>; 2],
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            series: [Series::NONE; SERIES],
            bytes: [0; 2],
            turns: 0,
            empty: 0,
            packets: 0,
            last_backward: false,
            since_s: [None; 2],
        }
    }
}

impl Walk {
    #[inline]
    fn step(&mut self, (size, gap_s): (u16, f32), backward: bool) {
        let side = usize::from(backward);
        for since in self.since_s.iter_mut().flatten() {
            *since += f64::from(gap_s);
        }
        if self.packets > 0 {
            self.series[GAPS].add(gap_s);
            self.turns += u32::from(backward != self.last_backward);
        }
        if let Some(since) = self.since_s[side].replace(0.0) {
            self.series[FWD_GAPS + side].add(since as f32);
        }
        self.series[FWD + side].add(f32::from(size));
        self.bytes[side] += u32::from(size);
        self.empty += u32::from(size == 0);
        self.last_backward = backward;
        self.packets += 1;
    }

    fn write(&self, row: &mut Row<'_>) {
        row.all([
            self.series[FWD].count as f64,
            self.series[BWD].count as f64,
            f64::from(self.bytes[0]),
            f64::from(self.bytes[1]),
            f64::from(self.turns),
            ratio(f64::from(self.empty), f64::from(self.packets)),
        ]);
        self.series.iter().for_each(|one| one.write(row));
    }
}

/// At most thirty numbers on the stack, in ascending order.
#[derive(Clone, Copy)]
struct Series {
    values: [f32; KEPT],
    count: usize,
    sum: f64,
    squares: f64,
}

impl Series {
    const NONE: Self = Self { values: [0.0; KEPT], count: 0, sum: 0.0, squares: 0.0 };

    /// Insertion from the end: sizes and gaps of a flow are few and often come nearly sorted.
    #[inline]
    fn add(&mut self, value: f32) {
        let mut at = self.count;
        while at > 0 && self.values[at - 1] > value {
            self.values[at] = self.values[at - 1];
            at -= 1;
        }
        self.values[at] = value;
        self.count += 1;
        let value = f64::from(value);
        self.sum += value;
        self.squares += value * value;
    }

    #[inline]
    fn write(&self, row: &mut Row<'_>) {
        let Some(last) = self.count.checked_sub(1) else {
            row.0.extend_from_slice(&[f32::NAN; OF_SERIES]);
            return;
        };
        let n = self.count as f64;
        let mean = self.sum / n;
        let variance = (self.squares / n - mean * mean).max(0.0);
        let quarter = |quarter: usize| self.values[quarter * last / 4];
        row.0.extend_from_slice(&[
            mean as f32,
            variance.sqrt() as f32,
            self.values[0],
            self.values[last],
            quarter(1),
            quarter(2),
            quarter(3),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(packets: &[(Direction, u32, f64)]) -> Vec<f32> {
        let mut first = FirstPackets::default();
        for (direction, size, gap) in packets {
            first.update(*direction, *size, *gap);
        }
        let mut out = Vec::new();
        first.write(&mut Row(&mut out));
        assert_eq!(out.len(), 3 * FEATURES);
        out
    }

    #[test]
    fn a_short_flow_says_the_same_three_times() {
        let (f, b) = (Direction::Forward, Direction::Backward);
        let out = written(&[(f, 100, 0.0), (b, 0, 0.5), (f, 300, 0.25)]);
        // Two forward, one backward, 400 and 0 bytes, two turns, a third empty.
        assert_eq!(out[..6], [2.0, 1.0, 400.0, 0.0, 2.0, 1.0 / 3.0]);
        assert_eq!(out[6..10], [200.0, 100.0, 100.0, 300.0]);
        // The one gap between forward packets spans both gaps; the responder has none.
        assert_eq!(out[6 + 21], 0.75);
        assert!(out[6 + 28].is_nan());
        let bits = |part: &[f32]| part.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&out[..FEATURES]), bits(&out[FEATURES..2 * FEATURES]));
    }

    #[test]
    fn only_the_first_packets_count() {
        let packets: Vec<_> = (0..40).map(|n| (Direction::Forward, 39 - n, 1.0)).collect();
        let out = written(&packets);
        assert_eq!(out[0], 10.0);
        assert_eq!(out[FEATURES], 20.0);
        assert_eq!(out[2 * FEATURES], 30.0);
        assert_eq!(out[2], 345.0);
        // Smallest, largest and quartiles of 10 to 39.
        assert_eq!(out[2 * FEATURES + 8..2 * FEATURES + 13], [10.0, 39.0, 17.0, 24.0, 31.0]);
    }
}
