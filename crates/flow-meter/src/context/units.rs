//! What a flow carried, as the tables of hosts and pairs add it up.

use crate::events::Totals;

/// log2 of bytes is kept in 1/1024ths, so that sums are exact whatever the order.
pub(crate) const LOG_UNIT: f64 = 1024.0;

/// The totals of one flow, and [`log_units`] of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) totals: Totals,
    pub(crate) log: u32,
}

impl Told {
    /// The logarithm, wide enough for sums.
    pub(crate) fn log(&self) -> u64 {
        u64::from(self.log)
    }

    pub(crate) fn new(totals: Totals) -> Self {
        Self { totals, log: log_units(totals.bytes()) }
    }
}

/// `1024 log2(1 + bytes)`.
fn log_units(bytes: u64) -> u32 {
    ((1.0 + bytes as f64).log2() * LOG_UNIT).round() as u32
}
