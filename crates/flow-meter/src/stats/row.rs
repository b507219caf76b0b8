//! Features of one record, filled from left to right.

/// The features written so far.
pub(crate) struct Row<'a>(pub(crate) &'a mut Vec<f32>);

impl Row<'_> {
    #[inline]
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value as f32);
    }

    /// Several at once, which costs one look at the room that is left.
    #[inline]
    pub(crate) fn all<const N: usize>(&mut self, values: [f64; N]) {
        let mut written = [0.0; N];
        for (written, value) in written.iter_mut().zip(values) {
            *written = value as f32;
        }
        self.0.extend_from_slice(&written);
    }

    /// A share or mean that has no meaning where the divisor is 0.
    #[inline]
    pub(crate) fn ratio(&mut self, value: f64, divisor: f64) {
        self.push(ratio(value, divisor));
    }

    #[inline]
    pub(crate) fn optional(&mut self, value: Option<f64>) {
        self.push(value.unwrap_or(f64::NAN));
    }

    pub(crate) fn absent(&mut self, count: usize) {
        self.0.extend(std::iter::repeat_n(f32::NAN, count));
    }
}

/// Several shares of one whole.
#[inline]
pub(crate) fn ratios<const N: usize>(values: [f64; N], divisor: f64) -> [f64; N] {
    if divisor > 0.0 { values.map(|value| value / divisor) } else { [f64::NAN; N] }
}

/// NaN where the divisor is 0.
#[inline]
pub(crate) fn ratio(value: f64, divisor: f64) -> f64 {
    if divisor > 0.0 { value / divisor } else { f64::NAN }
}
