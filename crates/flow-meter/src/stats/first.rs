//! The flow's first thirty packets, kept whole, and the statistics of the first 10, 20 and 30.

use super::Row;
use crate::key::Direction;
use schema::features::FIRST_PACKETS;

const KEPT: usize = FIRST_PACKETS[FIRST_PACKETS.len() - 1];
/// Six counts, and seven numbers for each of four series.
const FEATURES: usize = 6 + 4 * 7;

/// Sizes, gaps and directions of the first packets.
#[derive(Debug, Clone)]
pub(crate) struct FirstPackets {
    sizes: [u16; KEPT],
    /// Seconds since the packet before; 0 for the first.
    gaps_s: [f32; KEPT],
    /// Bit n: packet n came from the responder.
    backward: u32,
    count: u8,
}

impl Default for FirstPackets {
    fn default() -> Self {
        Self { sizes: [0; KEPT], gaps_s: [0.0; KEPT], backward: 0, count: 0 }
    }
}

impl FirstPackets {
    #[inline]
    pub(crate) fn update(&mut self, direction: Direction, payload_len: u32, gap_s: f64) {
        let at = usize::from(self.count);
        if at < KEPT {
            self.sizes[at] = payload_len.min(u32::from(u16::MAX)) as u16;
            self.gaps_s[at] = gap_s as f32;
            self.backward |= (direction as u32) << at;
            self.count += 1;
        }
    }

    pub(crate) fn write(&self, row: &mut Row<'_>) {
        let mut written = 0;
        for limit in FIRST_PACKETS {
            let count = usize::from(self.count).min(limit);
            // A flow shorter than the limit has the same numbers again.
            if count == written {
                let from = row.0.len() - FEATURES;
                row.0.extend_from_within(from..);
            } else {
                self.write_first(count, row);
                written = count;
            }
        }
    }

    fn write_first(&self, count: usize, row: &mut Row<'_>) {
        let mut series: [Series; 4] = [Series::new(), Series::new(), Series::new(), Series::new()];
        let [fwd, bwd, gaps, fwd_gaps] = &mut series;
        let (mut turns, mut empty, mut bytes) = (0u32, 0u32, [0u32; 2]);
        let mut since_forward: Option<f64> = None;
        for at in 0..count {
            let backward = self.backward >> at & 1 == 1;
            let (size, gap) = (self.sizes[at], f64::from(self.gaps_s[at]));
            bytes[usize::from(backward)] += u32::from(size);
            empty += u32::from(size == 0);
            since_forward = since_forward.map(|since| since + gap);
            if at > 0 {
                gaps.add(gap as f32);
                turns += u32::from(backward != (self.backward >> (at - 1) & 1 == 1));
            }
            if backward {
                bwd.add(f32::from(size));
            } else {
                fwd.add(f32::from(size));
                if let Some(since) = since_forward {
                    fwd_gaps.add(since as f32);
                }
                since_forward = Some(0.0);
            }
        }
        row.push(fwd.count as f64);
        row.push(bwd.count as f64);
        row.push(f64::from(bytes[0]));
        row.push(f64::from(bytes[1]));
        row.push(f64::from(turns));
        row.ratio(f64::from(empty), count as f64);
        for one in &mut series {
            one.write(row);
        }
    }
}

/// At most thirty numbers on the stack.
struct Series {
    values: [f32; KEPT],
    count: usize,
}

impl Series {
    fn new() -> Self {
        Self { values: [0.0; KEPT], count: 0 }
    }

    fn add(&mut self, value: f32) {
        self.values[self.count] = value;
        self.count += 1;
    }

    fn write(&mut self, row: &mut Row<'_>) {
        let values = &mut self.values[..self.count];
        if values.is_empty() {
            row.absent(7);
            return;
        }
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        values.sort_unstable_by(f32::total_cmp);
        row.push(mean);
        row.push(variance.sqrt());
        row.push(f64::from(values[0]));
        row.push(f64::from(values[values.len() - 1]));
        for quarter in 1..4 {
            row.push(f64::from(values[quarter * (values.len() - 1) / 4]));
        }
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
        // The one gap between forward packets spans both gaps.
        assert_eq!(out[6 + 21], 0.75);
        let bits = |part: &[f32]| part.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&out[..FEATURES]), bits(&out[FEATURES..2 * FEATURES]));
    }

    #[test]
    fn only_the_first_packets_count() {
        let packets: Vec<_> = (0..40).map(|n| (Direction::Forward, n, 1.0)).collect();
        let out = written(&packets);
        assert_eq!(out[0], 10.0);
        assert_eq!(out[FEATURES], 20.0);
        assert_eq!(out[2 * FEATURES], 30.0);
        assert_eq!(out[2], 45.0);
        assert_eq!(out[2 * FEATURES + 9], 29.0);
    }
}
