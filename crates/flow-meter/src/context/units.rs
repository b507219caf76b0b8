//! What a flow carried, as the tables of hosts and pairs add it up.

use crate::events::Totals;

/// log2 of bytes is kept in 1/1024ths, so that sums are exact whatever the order.
pub(crate) const LOG_UNIT: f64 = 1024.0;

/// The totals of one flow, told before or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told(Option<Totals>);

impl Told {
    pub(crate) fn before(self) -> Option<Totals> {
        self.0
    }

    pub(crate) fn now(totals: Totals) -> Self {
        Self(Some(totals))
    }
}

/// `1024 log2(1 + bytes)`.
pub(crate) fn log_units(bytes: u64) -> u64 {
    ((1.0 + bytes as f64).log2() * LOG_UNIT).round() as u64
}
