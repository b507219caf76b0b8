//! Mean, deviation, smallest and largest of a stream of numbers, in constant space.

use super::Row;

/// Running sums. Counts are kept here too, for gaps are one fewer than packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    count: u64,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
}

impl Default for Spread {
    fn default() -> Self {
        Self { count: 0, sum: 0.0, squares: 0.0, min: f32::INFINITY, max: f32::NEG_INFINITY }
    }
}

impl Spread {
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
        self.min = self.min.min(value as f32);
        self.max = self.max.max(value as f32);
    }

    pub(crate) fn write(&self, row: &mut Row<'_>) {
        if self.count == 0 {
            row.absent(4);
            return;
        }
        let n = self.count as f64;
        let mean = self.sum / n;
        row.push(mean);
        row.push((self.squares / n - mean * mean).max(0.0).sqrt());
        row.push(f64::from(self.min));
        row.push(f64::from(self.max));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn population_statistics() {
        let mut spread = Spread::default();
        let mut out = Vec::new();
        spread.write(&mut Row(&mut out));
        assert!(out.iter().all(|v| v.is_nan()));
        out.clear();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            spread.add(value);
        }
        spread.write(&mut Row(&mut out));
        assert_eq!(out, [5.0, 2.0, 2.0, 9.0]);
    }
}
