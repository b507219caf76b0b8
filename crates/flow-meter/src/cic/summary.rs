//! Count, sum, mean, deviation, smallest and largest, as the library behind the program gives them.

/// Numbers as they come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    count: u64,
    sum: f64,
    mean: f64,
    /// Sum of squared differences from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Summary {
    pub(crate) const NONE: Self =
        Self { count: 0, sum: 0.0, mean: 0.0, squares: 0.0, min: f64::NAN, max: f64::NAN };

    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }

    /// NaN without numbers.
    pub(crate) fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// Of a sample; 0 for one number, NaN for none.
    pub(crate) fn variance(&self) -> f64 {
        match self.count {
            0 => f64::NAN,
            1 => 0.0,
            count => self.squares / (count - 1) as f64,
        }
    }

    pub(crate) fn deviation(&self) -> f64 {
        self.variance().sqrt()
    }

    pub(crate) fn min(&self) -> f64 {
        self.min
    }

    pub(crate) fn max(&self) -> f64 {
        self.max
    }
}
