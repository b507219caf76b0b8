//! Gradient boosted trees on histograms: what is fitted, with which settings, and what comes out.
//!
//! Leaf-wise growth with histogram subtraction, as `LightGBM` grows its trees. A missing value (NaN) has a direction of
//! its own in every node. The same rows, settings and seed give the same trees for any number of threads: every sum is
//! taken by one thread, in row order.

mod bins;
mod boost;
mod grow;
mod histogram;
mod random;
mod split;
mod tree;

pub use boost::fit;
pub(crate) use boost::{sigmoid, softmax};
pub use random::Random;
pub use tree::{Ensemble, Node, Tree};

/// What the trees are to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Targets 0 and 1; one output, the log-odds of 1.
    Binary,
    /// Targets 0 to `classes` - 1; one output a class, their softmax the probabilities.
    Softmax {
        /// How many there are.
        classes: usize,
    },
}

impl Objective {
    /// Outputs of the fitted ensemble.
    #[must_use]
    pub fn outputs(self) -> usize {
        match self {
            Self::Binary => 1,
            Self::Softmax { classes } => classes,
        }
    }

    fn targets(self) -> usize {
        match self {
            Self::Binary => 2,
            Self::Softmax { classes } => classes,
        }
    }
}

/// Settings of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Trees an output, at most.
    pub rounds: usize,
    /// Factor on every leaf.
    pub learning_rate: f64,
    /// Leaves a tree, at most.
    pub leaves_max: usize,
    /// Rows a leaf, at least.
    pub leaf_rows_min: u32,
    /// Sum of second derivatives a leaf, at least.
    pub leaf_hessian_min: f64,
    /// Ridge penalty on leaf values.
    pub l2: f64,
    /// Bins a column, at most; the bin of missing values comes on top. 2 to 255.
    pub bins_max: usize,
    /// Share of the rows that each round sees.
    pub row_share: f64,
    /// Share of the columns that each round sees.
    pub column_share: f64,
    /// Rounds without progress on the validation rows after which the fit ends; the best round is kept.
    pub patience: Option<usize>,
    /// Seed of the sampling.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rounds: 100,
            learning_rate: 0.1,
            leaves_max: 31,
            leaf_rows_min: 20,
            leaf_hessian_min: 1e-3,
            l2: 0.0,
            bins_max: 254,
            row_share: 1.0,
            column_share: 1.0,
            patience: None,
            seed: 1,
        }
    }
}

/// Row-major values.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    /// `rows * columns` values; NaN where one is missing.
    pub values: &'a [f32],
    /// Values a row.
    pub columns: usize,
}

impl<'a> Matrix<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// One row's values.
    #[must_use]
    pub fn row(&self, at: usize) -> &'a [f32] {
        &self.values[at * self.columns..(at + 1) * self.columns]
    }
}

/// Rows with their answers.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The values.
    pub matrix: Matrix<'a>,
    /// The answer of each row.
    pub targets: &'a [u32],
    /// How much each row counts.
    pub weights: &'a [f32],
}

/// Why a fit was refused: the caller gave something that cannot be fitted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FitError {
    /// There is nothing to learn from.
    #[error("no rows or no columns to fit on")]
    Empty,
    /// The parts of a sample do not belong together.
    #[error(
        "{values} values in rows of {columns}, {targets} targets and {weights} weights do not fit together"
    )]
    Shape {
        /// Values given.
        values: usize,
        /// Values a row.
        columns: usize,
        /// Targets given.
        targets: usize,
        /// Weights given.
        weights: usize,
    },
    /// A target is out of range.
    #[error("row {row} has target {target}, but the objective knows only {known}")]
    Target {
        /// Which row.
        row: usize,
        /// Its target.
        target: u32,
        /// Targets that there are.
        known: usize,
    },
    /// A weight is negative or not finite.
    #[error("row {row} has a weight that is negative or not finite")]
    Weight {
        /// Which row.
        row: usize,
    },
    /// A target has no row of positive weight.
    #[error("no row has target {target}: leave it out, or add rows")]
    Missing {
        /// Which target.
        target: usize,
    },
    /// A setting is out of its range.
    #[error("{0} is out of range")]
    Setting(&'static str),
}

impl Sample<'_> {
    fn check(&self, objective: Objective) -> Result<(), FitError> {
        let Matrix { values, columns } = self.matrix;
        if values.is_empty() || columns == 0 {
            return Err(FitError::Empty);
        }
        let rows = self.targets.len();
        if rows * columns != values.len() || self.weights.len() != rows {
            let (targets, weights) = (rows, self.weights.len());
            return Err(FitError::Shape { values: values.len(), columns, targets, weights });
        }
        let known = objective.targets();
        if let Some(row) = self.targets.iter().position(|&target| target as usize >= known) {
            return Err(FitError::Target { row, target: self.targets[row], known });
        }
        match self.weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
            Some(row) => Err(FitError::Weight { row }),
            None => Ok(()),
        }
    }
}

impl Params {
    fn check(&self) -> Result<(), FitError> {
        let share = |share: f64| share > 0.0 && share <= 1.0;
        let rules = [
            (self.rounds > 0, "rounds"),
            (self.learning_rate > 0.0 && self.learning_rate.is_finite(), "learning_rate"),
            (self.leaves_max >= 2, "leaves_max"),
            (self.leaf_hessian_min >= 0.0, "leaf_hessian_min"),
            (self.l2 >= 0.0 && self.l2.is_finite(), "l2"),
            ((2..=255).contains(&self.bins_max), "bins_max"),
            (share(self.row_share), "row_share"),
            (share(self.column_share), "column_share"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, setting)) => Err(FitError::Setting(setting)),
            None => Ok(()),
        }
    }
}
