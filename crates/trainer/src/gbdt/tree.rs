//! Fitted trees and what they answer.

/// A node of a tree. Children come after their parent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// A question.
    Split {
        /// The column asked about.
        column: u32,
        /// A value goes left when it is not above this.
        threshold: f32,
        /// Whether a missing value goes left.
        missing_left: bool,
        /// Where the left child is.
        left: u32,
        /// Where the right child is.
        right: u32,
    },
    /// An answer.
    Leaf(f32),
}

/// One tree; the root is the first node.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// All nodes.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The answer for a row.
    #[must_use]
    pub fn value(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(value) => return value,
                Node::Split { column, threshold, missing_left, left, right } => {
                    let value = row[column as usize];
                    let goes_left = if value.is_nan() { missing_left } else { value <= threshold };
                    at = if goes_left { left } else { right } as usize;
                }
            }
        }
    }
}

/// A fitted model: for every output a base value and its trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// Values a row must have.
    pub columns: usize,
    /// The margin before the first tree, one an output.
    pub base: Vec<f32>,
    /// Trees in the order fitted: one an output, round after round.
    pub rounds: Vec<Vec<Tree>>,
}

impl Ensemble {
    /// Writes the margins of a row, one an output.
    ///
    /// Sums in f32 in tree order and adds the base last, as ONNX Runtime does, so that both agree to the last bit.
    ///
    /// # Panics
    /// When `row` or `margins` is shorter than the model's columns or outputs.
    pub fn margins(&self, row: &[f32], margins: &mut [f32]) {
        for (output, margin) in margins.iter_mut().enumerate().take(self.base.len()) {
            let sum: f32 = self.rounds.iter().map(|trees| trees[output].value(row)).sum();
            *margin = sum + self.base[output];
        }
    }

    /// The margin of the first output: the only one of a binary model.
    #[must_use]
    pub fn margin(&self, row: &[f32]) -> f32 {
        let mut margin = [0.0];
        self.margins(row, &mut margin);
        margin[0]
    }

    /// Nodes of all trees.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.rounds.iter().flatten().map(|tree| tree.nodes.len()).sum()
    }

    /// Columns that any tree asks about, ascending.
    #[must_use]
    pub fn columns_used(&self) -> Vec<usize> {
        let asked = self.rounds.iter().flatten().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
            Node::Split { column, .. } => Some(*column as usize),
            Node::Leaf(_) => None,
        });
        let unique: std::collections::BTreeSet<usize> = asked.collect();
        unique.into_iter().collect()
    }

    /// The same model over fewer columns: `kept` names those that remain, ascending, by their present position.
    ///
    /// # Panics
    /// When a column in use is not among `kept`.
    #[must_use]
    pub fn over_columns(&self, kept: &[usize]) -> Self {
        let mut model = self.clone();
        model.columns = kept.len();
        for node in model.rounds.iter_mut().flatten().flat_map(|tree| &mut tree.nodes) {
            if let Node::Split { column, .. } = node {
                let at = kept.binary_search(&(*column as usize)).expect("every column in use is kept");
                *column = at as u32;
            }
        }
        model
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump(column: u32, missing_left: bool) -> Tree {
        let split = Node::Split { column, threshold: 1.0, missing_left, left: 1, right: 2 };
        Tree { nodes: vec![split, Node::Leaf(-1.0), Node::Leaf(2.0)] }
    }

    #[test]
    fn values_and_missing_values_go_their_way() {
        let check = |missing_left, value: f32, expected: f32| {
            assert_eq!(stump(0, missing_left).value(&[value]).to_bits(), expected.to_bits(), "{value}");
        };
        check(true, 1.0, -1.0);
        check(true, 1.1, 2.0);
        check(true, f32::NAN, -1.0);
        check(false, f32::NAN, 2.0);
        check(false, f32::INFINITY, 2.0);
        check(false, f32::NEG_INFINITY, -1.0);
    }

    #[test]
    fn columns_may_be_left_out_when_no_tree_asks_about_them() {
        let model = Ensemble {
            columns: 9,
            base: vec![0.5],
            rounds: vec![vec![stump(7, true)], vec![stump(2, true)]],
        };
        assert_eq!(model.columns_used(), [2, 7]);
        let small = model.over_columns(&[2, 4, 7]);
        let wide = [0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(small.margin(&[5.0, 0.0, 0.0]).to_bits(), model.margin(&wide).to_bits());
        assert_eq!((small.columns, small.nodes()), (3, 6));
    }
}
