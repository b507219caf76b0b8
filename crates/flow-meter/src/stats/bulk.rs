//! Bulks: four or more packets with payload in one direction, at most a second apart, and none from the other end
//! between them. `CICFlowMeter`'s notion, counted as its description says.

use super::Row;
use super::row::ratio;
use crate::key::Direction;

/// Packets that make a bulk.
const PACKETS_MIN: u32 = 4;
/// A longer gap ends it.
const GAP_MAX_NS: i64 = 1_000_000_000;

/// Totals of the bulks of one direction.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    bulks: u64,
    packets: u64,
    bytes: u64,
    duration_ns: i64,
}

/// The packets with payload that may become a bulk, and those that did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bulk {
    packets: u32,
    backward: bool,
    bytes: u64,
    start_ns: i64,
    last_ns: i64,
    totals: Option<Box<[Totals; 2]>>,
}

impl Bulk {
    /// Gives back what lies elsewhere.
    pub(crate) fn forget(&mut self) {
        self.totals = None;
    }

    /// Counts a packet with payload.
    #[inline]
    pub(crate) fn update(&mut self, direction: Direction, payload_len: u32, ts_ns: i64) {
        let backward = direction == Direction::Backward;
        if self.packets > 0 && backward == self.backward && ts_ns - self.last_ns <= GAP_MAX_NS {
            self.packets = self.packets.saturating_add(1);
            self.bytes += u64::from(payload_len);
            self.last_ns = ts_ns;
            return;
        }
        if self.packets >= PACKETS_MIN {
            self.close();
        }
        (self.packets, self.bytes) = (1, u64::from(payload_len));
        (self.start_ns, self.last_ns, self.backward) = (ts_ns, ts_ns, backward);
    }

    fn close(&mut self) {
        let run = self.run();
        let all = &mut self.totals.get_or_insert_default()[usize::from(self.backward)];
        all.bulks += 1;
        all.packets += run.packets;
        all.bytes += run.bytes;
        all.duration_ns += run.duration_ns;
    }

    fn run(&self) -> Totals {
        Totals {
            bulks: 1,
            packets: u64::from(self.packets),
            bytes: self.bytes,
            duration_ns: self.last_ns - self.start_ns,
        }
    }

    /// Per direction: bytes and packets a bulk, and bytes a second within bulks; 0 where there was no bulk.
    pub(crate) fn write(&self, row: &mut Row<'_>) {
        for backward in [false, true] {
            let mut all = self.totals.as_ref().map_or(Totals::default(), |all| all[usize::from(backward)]);
            if backward == self.backward && self.packets >= PACKETS_MIN {
                let run = self.run();
                all.bulks += run.bulks;
                all.packets += run.packets;
                all.bytes += run.bytes;
                all.duration_ns += run.duration_ns;
            }
            if all.bulks == 0 {
                row.all([0.0; 3]);
                continue;
            }
            let bulks = all.bulks as f64;
            let rate = ratio(all.bytes as f64, all.duration_ns as f64 * 1e-9);
            row.all([all.bytes as f64 / bulks, all.packets as f64 / bulks, rate]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_in_a_row_make_a_bulk() {
        const MS: i64 = 1_000_000;
        let mut bulk = Bulk::default();
        let send = |bulk: &mut Bulk, direction, at_ms: i64| bulk.update(direction, 100, at_ms * MS);
        // Three are none; five in half a second are; after a pause of more than a second a new one of four begins.
        (0..3).for_each(|n| send(&mut bulk, Direction::Forward, n));
        (0..5).for_each(|n| send(&mut bulk, Direction::Backward, 100 + n * 125));
        (0..4).for_each(|n| send(&mut bulk, Direction::Backward, 2000 + n * 500));
        let mut out = Vec::new();
        bulk.write(&mut Row(&mut out));
        assert_eq!(out, [0.0, 0.0, 0.0, 450.0, 4.5, 450.0]);
    }
}
