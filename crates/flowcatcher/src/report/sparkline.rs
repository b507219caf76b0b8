//! Packets over time in few buckets, and how they look in one line.

const NS: i64 = 1_000_000_000;
/// Buckets at most; when time runs past the last, each becomes twice as wide.
const BUCKETS: usize = 1024;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Packets per bucket of time. A flow's packets are spread evenly over its duration.
#[derive(Debug, Default)]
pub(crate) struct Course {
    first: Option<i64>,
    /// Bucket width, seconds; 0 while empty.
    width_s: i64,
    packets: Vec<f64>,
}

impl Course {
    pub(crate) fn add(&mut self, start_ns: i64, end_ns: i64, packets: u64) {
        let (start, end) = (start_ns.div_euclid(NS), end_ns.div_euclid(NS));
        let first = *self.first.get_or_insert(start);
        self.width_s = self.width_s.max(1);
        if start < first {
            self.begin_earlier(first, start);
        }
        let first = self.first.unwrap_or(start);
        while (end - first) / self.width_s >= BUCKETS as i64 {
            self.widen();
        }
        let bucket = |second: i64| ((second - first) / self.width_s) as usize;
        let (from, to) = (bucket(start), bucket(end).max(bucket(start)));
        if self.packets.len() <= to {
            self.packets.resize(to + 1, 0.0);
        }
        let share = packets as f64 / (to - from + 1) as f64;
        self.packets[from..=to].iter_mut().for_each(|count| *count += share);
    }

    fn begin_earlier(&mut self, first: i64, start: i64) {
        while (first - start) / self.width_s >= BUCKETS as i64 {
            self.widen();
        }
        let buckets = (first - start + self.width_s - 1) / self.width_s;
        self.packets.splice(0..0, std::iter::repeat_n(0.0, buckets as usize));
        self.first = Some(first - buckets * self.width_s);
        while self.packets.len() > BUCKETS {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width_s *= 2;
        self.packets = self.packets.chunks(2).map(|pair| pair.iter().sum()).collect();
    }

    /// Packets per second, in at most `columns` equal stretches.
    pub(crate) fn rates(&self, columns: usize) -> Vec<f64> {
        let each = self.packets.len().div_ceil(columns.max(1)).max(1);
        let seconds = |chunk: &[f64]| (chunk.len() as i64 * self.width_s) as f64;
        self.packets.chunks(each).map(|chunk| chunk.iter().sum::<f64>() / seconds(chunk)).collect()
    }
}

/// One character a rate, relative to the highest.
pub(crate) fn sparkline(rates: &[f64]) -> String {
    let highest = rates.iter().copied().fold(0.0, f64::max);
    let bar = |rate: &f64| {
        let step = if highest > 0.0 { rate / highest * (BARS.len() - 1) as f64 } else { 0.0 };
        BARS[(step.round() as usize).min(BARS.len() - 1)]
    };
    rates.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_grow_in_both_directions_and_keep_every_packet() {
        let mut course = Course::default();
        for (start_s, end_s) in [(5_000, 5_000), (5_010, 5_019), (1_000, 1_000), (90_000, 90_001), (-7, 3)] {
            course.add(start_s * NS, end_s * NS, 100);
        }
        assert!(course.packets.len() <= BUCKETS);
        assert!((course.packets.iter().sum::<f64>() - 500.0).abs() < 1e-6);
        assert_eq!(course.rates(40).len().min(41), course.rates(40).len());
        // Ever earlier flows make it wider, not longer.
        for second in (0..100).rev() {
            course.add(second * -100_000 * NS, second * -100_000 * NS, 1);
        }
        assert!(course.packets.len() <= BUCKETS);
        assert_eq!(sparkline(&[0.0, 5.0, 10.0]), "▁▅█");
    }
}
