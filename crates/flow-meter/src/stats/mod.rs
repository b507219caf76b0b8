//! What is counted of a flow, one family a file. Each family has `update` (one packet, no allocation) and `write`
//! (its features, in the order of `schema::FEATURES`).

mod bytes;
mod first;
mod spread;
mod tcp;

pub(crate) use bytes::Head;
pub(crate) use first::FirstPackets;
pub(crate) use spread::Spread;
pub(crate) use tcp::{History, TcpProgress, datagram_state};

/// Features of one record, filled from left to right.
pub(crate) struct Row<'a>(pub(crate) &'a mut Vec<f32>);

impl Row<'_> {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value as f32);
    }

    /// A share or mean that has no meaning where the divisor is 0.
    pub(crate) fn ratio(&mut self, value: f64, divisor: f64) {
        self.push(if divisor > 0.0 { value / divisor } else { f64::NAN });
    }

    pub(crate) fn optional(&mut self, value: Option<f64>) {
        self.push(value.unwrap_or(f64::NAN));
    }

    pub(crate) fn absent(&mut self, count: usize) {
        self.0.extend(std::iter::repeat_n(f32::NAN, count));
    }
}
