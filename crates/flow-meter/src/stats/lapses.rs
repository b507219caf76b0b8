//! When a flow was active, when it was idle, and its subflows.
//!
//! A gap of more than [`IDLE_NS`] is an idle period, what lies between two of them an active one. A gap of more than
//! [`SUBFLOW_NS`] begins a subflow. Both bounds are `CICFlowMeter`'s.

use super::{Row, write_spread};

/// A longer silence is an idle period.
const IDLE_NS: i64 = 5_000_000_000;
/// A longer silence begins a subflow.
const SUBFLOW_NS: i64 = 1_000_000_000;

/// Lengths of the periods of one kind, seconds.
#[derive(Debug, Clone, Copy)]
struct Periods {
    count: u32,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
}

impl Periods {
    const NONE: Self = Self { count: 0, sum: 0.0, squares: 0.0, min: f32::INFINITY, max: 0.0 };

    fn add(&mut self, ns: i64) {
        let length = ns as f64 * 1e-9;
        self.count += 1;
        self.sum += length;
        self.squares += length * length;
        self.min = self.min.min(length as f32);
        self.max = self.max.max(length as f32);
    }

    fn write(&self, row: &mut Row<'_>) {
        write_spread(f64::from(self.count), self.sum, self.squares, self.min, self.max, row);
    }
}

#[derive(Debug, Clone)]
struct Long {
    active: Periods,
    idle: Periods,
    /// Begin of the active period that goes on.
    active_since_ns: i64,
}

/// Most flows have no idle period, and so nothing elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lapses {
    subflow_gaps: u32,
    long: Option<Box<Long>>,
}

impl Lapses {
    /// Gives back what lies elsewhere.
    pub(crate) fn forget(&mut self) {
        self.long = None;
    }

    /// Counts the gap before a packet; `start_ns` is when the flow's part began.
    #[inline]
    pub(crate) fn update(&mut self, start_ns: i64, last_ns: i64, ts_ns: i64) {
        if ts_ns - last_ns > SUBFLOW_NS {
            self.silence(start_ns, last_ns, ts_ns);
        }
    }

    #[cold]
    fn silence(&mut self, start_ns: i64, last_ns: i64, ts_ns: i64) {
        self.subflow_gaps = self.subflow_gaps.saturating_add(1);
        if ts_ns - last_ns > IDLE_NS {
            let long = self.long.get_or_insert_with(|| {
                Box::new(Long { active: Periods::NONE, idle: Periods::NONE, active_since_ns: start_ns })
            });
            long.active.add(last_ns - long.active_since_ns);
            long.idle.add(ts_ns - last_ns);
            long.active_since_ns = ts_ns;
        }
    }

    /// Packets and payload bytes per subflow for each direction.
    pub(crate) fn write_subflows(&self, packets: [u64; 2], bytes: [u64; 2], row: &mut Row<'_>) {
        let subflows = 1.0 + f64::from(self.subflow_gaps);
        let each = |total: u64| total as f64 / subflows;
        row.all([each(packets[0]), each(bytes[0]), each(packets[1]), each(bytes[1])]);
    }

    /// Active and idle periods. Without an idle one the whole part is one active period that ends at `last_ns`.
    pub(crate) fn write(&self, start_ns: i64, last_ns: i64, row: &mut Row<'_>) {
        let (mut active, idle, since_ns) = match &self.long {
            Some(long) => (long.active, long.idle, long.active_since_ns),
            None => (Periods::NONE, Periods::NONE, start_ns),
        };
        active.add(last_ns - since_ns);
        active.write(row);
        idle.write(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_splits() {
        const S: i64 = 1_000_000_000;
        let mut lapses = Lapses::default();
        let times = [0, 1, 3, 13, 14, 20];
        times.windows(2).for_each(|pair| lapses.update(0, pair[0] * S, pair[1] * S));
        let mut out = Vec::new();
        lapses.write_subflows([8, 4], [80, 0], &mut Row(&mut out));
        // Gaps of 2, 10 and 6 s begin subflows: four of them.
        assert_eq!(out, [2.0, 20.0, 1.0, 0.0]);
        out.clear();
        lapses.write(0, 20 * S, &mut Row(&mut out));
        // Active 0–3, 13–14 and 20–20; idle 10 and 6 s.
        assert_eq!(out[..4], [4.0 / 3.0, 1.247_219_1, 0.0, 3.0]);
        assert_eq!(out[4..], [8.0, 2.0, 6.0, 10.0]);
        out.clear();
        Lapses::default().write(0, 2 * S, &mut Row(&mut out));
        assert_eq!(out[..4], [2.0, 0.0, 2.0, 2.0]);
        assert!(out[4].is_nan());
    }
}
