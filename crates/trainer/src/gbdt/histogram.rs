//! Sums of derivatives by column and bin: all that the search for a split looks at.

use super::bins::BinnedColumn;
use rayon::prelude::*;

/// First and second derivative of the loss at a row, weighted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slope {
    pub(super) gradient: f32,
    pub(super) hessian: f32,
}

/// Sums over the rows of a bin, or of a leaf.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) rows: u32,
}

impl Sum {
    pub(super) fn add(&mut self, other: &Self) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
        self.rows += other.rows;
    }

    pub(super) fn without(&self, part: &Self) -> Self {
        Self {
            gradient: self.gradient - part.gradient,
            hessian: self.hessian - part.hessian,
            rows: self.rows - part.rows,
        }
    }

    fn add_row(&mut self, slope: Slope) {
        self.gradient += f64::from(slope.gradient);
        self.hessian += f64::from(slope.hessian);
        self.rows += 1;
    }
}

/// Sums of every bin of the columns in play, column after column.
pub(super) type Histogram = Vec<Sum>;

/// Below this many additions, starting threads costs more than they save.
const PARALLEL_MIN: usize = 100_000;

/// Where each column's sums lie, for the columns that a tree may ask about.
pub(super) struct Layout<'a> {
    columns: &'a [BinnedColumn],
    /// Column, and where its sums begin.
    places: Vec<(usize, usize)>,
    size: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(columns: &'a [BinnedColumn], chosen: &[usize]) -> Self {
        let mut size = 0;
        let mut places = Vec::with_capacity(chosen.len());
        for &column in chosen {
            places.push((column, size));
            size += columns[column].present() + 1;
        }
        Self { columns, places, size }
    }

    pub(super) fn column(&self, column: usize) -> &'a BinnedColumn {
        &self.columns[column]
    }

    /// Columns with their sums.
    pub(super) fn parts<'h>(
        &'h self,
        histogram: &'h [Sum],
    ) -> impl IndexedParallelIterator<Item = (usize, &'h BinnedColumn, &'h [Sum])> {
        self.places.par_iter().map(|&(column, start)| {
            let binned = &self.columns[column];
            (column, binned, &histogram[start..=start + binned.present()])
        })
    }

    /// Sums over `rows`; `buffer` is reused. Every column is summed by one thread in row order.
    pub(super) fn sum(&self, rows: &[u32], slopes: &[Slope], mut buffer: Histogram) -> Histogram {
        buffer.clear();
        buffer.resize(self.size, Sum::default());
        let ordered: Vec<Slope> = rows.iter().map(|&row| slopes[row as usize]).collect();
        let add = |(bins, sums): (&[u8], &mut [Sum])| {
            for (&row, &slope) in rows.iter().zip(&ordered) {
                sums[usize::from(bins[row as usize])].add_row(slope);
            }
        };
        let parts = self.split(&mut buffer);
        if rows.len() * self.places.len() < PARALLEL_MIN {
            parts.into_iter().for_each(add);
        } else {
            parts.into_par_iter().for_each(add);
        }
        buffer
    }

    fn split<'h>(&'h self, mut rest: &'h mut [Sum]) -> Vec<(&'h [u8], &'h mut [Sum])> {
        let mut parts = Vec::with_capacity(self.places.len());
        for &(column, _) in &self.places {
            let binned = &self.columns[column];
            let (part, after) = rest.split_at_mut(binned.present() + 1);
            parts.push((binned.bins.as_slice(), part));
            rest = after;
        }
        parts
    }
}

/// Turns a parent's sums into those of one child by taking away the other's.
pub(super) fn subtract(parent: &mut [Sum], child: &[Sum]) {
    for (sum, part) in parent.iter_mut().zip(child) {
        *sum = sum.without(part);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Matrix, bins};
    use super::*;

    #[test]
    fn a_child_by_subtraction_is_the_child_by_summing() {
        let values: Vec<f32> =
            (0..60).map(|n| if n % 7 == 0 { f32::NAN } else { (n * 31 % 17) as f32 }).collect();
        let columns = bins::bin(Matrix { values: &values, columns: 3 }, 8);
        let slopes: Vec<Slope> = (0..20).map(|n| Slope { gradient: n as f32, hessian: 1.0 }).collect();
        let layout = Layout::new(&columns, &[0, 2]);
        let (left, right): (Vec<u32>, Vec<u32>) = (0..20).partition(|row| row % 3 == 0);
        let all: Vec<u32> = (0..20).collect();
        let mut parent = layout.sum(&all, &slopes, Vec::new());
        subtract(&mut parent, &layout.sum(&left, &slopes, Vec::new()));
        let direct = layout.sum(&right, &slopes, vec![Sum { rows: 9, ..Sum::default() }]);
        assert_eq!(parent.len(), direct.len());
        for (a, b) in parent.iter().zip(&direct) {
            assert_eq!(a.rows, b.rows);
            assert!((a.gradient - b.gradient).abs() < 1e-9);
        }
        assert_eq!(direct.iter().map(|sum| sum.rows).sum::<u32>(), 2 * right.len() as u32);
    }
}
