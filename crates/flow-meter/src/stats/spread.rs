//! Mean, deviation, smallest and largest of sizes and of gaps, in constant space.
//!
//! Counts and sums are known elsewhere (packets, bytes, first and last time), so only the rest is kept here.

use super::row::{Row, ratio};

/// Payload sizes of one direction, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    squares: u64,
    min: u32,
    max: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { squares: 0, min: u32::MAX, max: 0 }
    }
}

impl Sizes {
    #[inline]
    pub(crate) fn add(&mut self, size: u32) {
        self.squares = self.squares.wrapping_add(u64::from(size) * u64::from(size));
        self.min = self.min.min(size);
        self.max = self.max.max(size);
    }

    /// Both directions together.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            squares: self.squares.wrapping_add(other.squares),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// Population variance of `count` sizes that add up to `sum`; NaN without any.
    pub(crate) fn variance(&self, count: u64, sum: u64) -> f64 {
        let mean = ratio(sum as f64, count as f64);
        let variance = ratio(self.squares as f64, count as f64) - mean * mean;
        if variance < 0.0 { 0.0 } else { variance }
    }

    /// Four features of `count` sizes that add up to `sum`.
    #[inline]
    pub(crate) fn write(&self, count: u64, sum: u64, row: &mut Row<'_>) {
        write_spread(count as f64, sum as f64, self.squares as f64, self.min as f32, self.max as f32, row);
    }
}

/// Gaps between packets, seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gaps {
    squares: f64,
    min: f32,
    max: f32,
}

impl Default for Gaps {
    fn default() -> Self {
        Self { squares: 0.0, min: f32::INFINITY, max: 0.0 }
    }
}

impl Gaps {
    #[inline]
    pub(crate) fn add(&mut self, gap_s: f64) {
        self.squares += gap_s * gap_s;
        let gap = gap_s as f32;
        self.min = if gap < self.min { gap } else { self.min };
        self.max = if gap > self.max { gap } else { self.max };
    }

    /// Four features of `count` gaps that add up to `sum_s`.
    #[inline]
    pub(crate) fn write(&self, count: u64, sum_s: f64, row: &mut Row<'_>) {
        write_spread(count as f64, sum_s, self.squares, self.min, self.max, row);
    }
}

/// Mean, population deviation, smallest, largest; absent without values.
#[inline]
pub(crate) fn write_spread(count: f64, sum: f64, squares: f64, min: f32, max: f32, row: &mut Row<'_>) {
    let mean = ratio(sum, count);
    let variance = ratio(squares, count) - mean * mean;
    // Not `max`: it would make 0 of an absent value.
    let deviation = if variance < 0.0 { 0.0 } else { variance.sqrt() };
    let ends = if count > 0.0 { [min, max] } else { [f32::NAN; 2] };
    row.0.extend_from_slice(&[mean as f32, deviation as f32, ends[0], ends[1]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn population_statistics() {
        let (mut sizes, mut gaps) = (Sizes::default(), Gaps::default());
        let mut out = Vec::new();
        sizes.write(0, 0, &mut Row(&mut out));
        gaps.write(0, 0.0, &mut Row(&mut out));
        assert!(out.iter().all(|v| v.is_nan()), "{out:?}");
        out.clear();
        for value in [2, 4, 4, 4, 5, 5, 7, 9] {
            sizes.add(value);
            gaps.add(f64::from(value));
        }
        sizes.write(8, 40, &mut Row(&mut out));
        gaps.write(8, 40.0, &mut Row(&mut out));
        assert_eq!(out, [5.0, 2.0, 2.0, 9.0, 5.0, 2.0, 2.0, 9.0]);
    }
}
