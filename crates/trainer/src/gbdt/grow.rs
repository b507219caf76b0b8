//! One tree, grown leaf by leaf: always the leaf whose split is worth most.

use super::Params;
use super::histogram::{Histogram, Layout, Slope, Sum, subtract};
use super::split::{self, Split};
use super::tree::{Node, Tree};
use std::ops::Range;

/// A leaf while its tree still grows.
struct Leaf {
    node: usize,
    /// Its rows, as a range of the grower's order.
    rows: Range<usize>,
    total: Sum,
    histogram: Histogram,
    split: Option<Split>,
}

/// Grows trees over the same rows; keeps its buffers from tree to tree.
#[derive(Default)]
pub(super) struct Grower {
    rows: Vec<u32>,
    aside: Vec<u32>,
    spare: Vec<Histogram>,
}

impl Grower {
    /// Grows a tree on `rows` and adds its values to their margins.
    pub(super) fn grow(
        &mut self,
        layout: &Layout<'_>,
        rows: &[u32],
        slopes: &[Slope],
        params: &Params,
        margins: &mut [f64],
    ) -> Tree {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        let mut tree = Tree { nodes: Vec::with_capacity(2 * params.leaves_max - 1) };
        let mut leaves = vec![self.root(layout, slopes, params, &mut tree)];
        while leaves.len() < params.leaves_max {
            let Some((at, split)) = worth_most(&leaves) else { break };
            let leaf = leaves.swap_remove(at);
            let is_last = leaves.len() + 2 == params.leaves_max;
            let children = self.part(layout, slopes, params, &mut tree, leaf, split, is_last);
            leaves.extend(children);
        }
        for leaf in leaves {
            if let Node::Leaf(value) = tree.nodes[leaf.node] {
                self.rows[leaf.rows].iter().for_each(|&row| margins[row as usize] += f64::from(value));
            }
            self.spare.push(leaf.histogram);
        }
        tree
    }

    fn root(&mut self, layout: &Layout<'_>, slopes: &[Slope], params: &Params, tree: &mut Tree) -> Leaf {
        let buffer = self.spare.pop().unwrap_or_default();
        let histogram = layout.sum(&self.rows, slopes, buffer);
        let mut total = Sum::default();
        for &row in &self.rows {
            let Slope { gradient, hessian } = slopes[row as usize];
            total.add(&Sum { gradient: gradient.into(), hessian: hessian.into(), rows: 1 });
        }
        let split = split::best(layout, &histogram, &total, params);
        let node = push_leaf(tree, &total, params);
        Leaf { node, rows: 0..self.rows.len(), total, histogram, split }
    }

    /// Splits a leaf in two. The children of a tree's last split are not searched.
    #[allow(clippy::too_many_arguments, reason = "the parts of one step, all borrowed apart")]
    fn part(
        &mut self,
        layout: &Layout<'_>,
        slopes: &[Slope],
        params: &Params,
        tree: &mut Tree,
        leaf: Leaf,
        split: Split,
        is_last: bool,
    ) -> [Leaf; 2] {
        let left_count = self.order(layout, leaf.rows.clone(), split);
        let middle = leaf.rows.start + left_count;
        let ranges = [leaf.rows.start..middle, middle..leaf.rows.end];
        let totals = [split.left, leaf.total.without(&split.left)];
        let nodes = totals.map(|total| push_leaf(tree, &total, params));
        tree.nodes[leaf.node] = question(layout, split, nodes, &totals);

        let mut histograms = [Histogram::new(), Histogram::new()];
        let mut splits = [None, None];
        if is_last {
            self.spare.push(leaf.histogram);
        } else {
            let small = usize::from(ranges[0].len() > ranges[1].len());
            let buffer = self.spare.pop().unwrap_or_default();
            histograms[small] = layout.sum(&self.rows[ranges[small].clone()], slopes, buffer);
            let mut large = leaf.histogram;
            subtract(&mut large, &histograms[small]);
            histograms[1 - small] = large;
            for side in 0..2 {
                splits[side] = split::best(layout, &histograms[side], &totals[side], params);
            }
        }
        let [left_histogram, right_histogram] = histograms;
        let [left_rows, right_rows] = ranges;
        [
            Leaf {
                node: nodes[0],
                rows: left_rows,
                total: totals[0],
                histogram: left_histogram,
                split: splits[0],
            },
            Leaf {
                node: nodes[1],
                rows: right_rows,
                total: totals[1],
                histogram: right_histogram,
                split: splits[1],
            },
        ]
    }

    /// Orders the rows of a range: those that go left first, each side in its old order. Returns how many go left.
    fn order(&mut self, layout: &Layout<'_>, range: Range<usize>, split: Split) -> usize {
        let column = layout.column(split.column);
        let missing = column.present();
        let rows = &mut self.rows[range];
        self.aside.clear();
        let mut left = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            let bin = usize::from(column.bins[row as usize]);
            let goes_left = if bin == missing { split.missing_left } else { bin <= split.bin };
            if goes_left {
                rows[left] = row;
                left += 1;
            } else {
                self.aside.push(row);
            }
        }
        rows[left..].copy_from_slice(&self.aside);
        left
    }
}

fn push_leaf(tree: &mut Tree, total: &Sum, params: &Params) -> usize {
    tree.nodes.push(Node::Leaf((split::leaf_value(total, params) * params.learning_rate) as f32));
    tree.nodes.len() - 1
}

fn question(layout: &Layout<'_>, split: Split, nodes: [usize; 2], totals: &[Sum; 2]) -> Node {
    let column = layout.column(split.column);
    // Without a threshold after the bin, the question is only whether there is a value.
    let threshold = column.thresholds.get(split.bin).copied().unwrap_or(f32::INFINITY);
    // Where training never saw a missing value, one goes with the heavier child.
    let heavier_left = totals[0].rows >= totals[1].rows;
    let missing_left = if column.has_missing { split.missing_left } else { heavier_left };
    let [left, right] = nodes.map(|node| node as u32);
    Node::Split { column: split.column as u32, threshold, missing_left, left, right }
}

fn worth_most(leaves: &[Leaf]) -> Option<(usize, Split)> {
    let splits = leaves.iter().enumerate().filter_map(|(at, leaf)| Some((at, leaf.split?)));
    splits.reduce(|best, next| if next.1.gain > best.1.gain { next } else { best })
}
