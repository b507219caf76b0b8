//! What became of the documents, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use store::WriteVerdict;

/// Documents by what the store said of them.
#[derive(Debug, Default)]
pub struct SinkCounters {
    stored: AtomicU64,
    already_stored: AtomicU64,
    rejected: AtomicU64,
}

impl SinkCounters {
    pub(crate) fn count(&self, verdict: &WriteVerdict) {
        let counter = match verdict {
            WriteVerdict::Stored => &self.stored,
            WriteVerdict::AlreadyStored => &self.already_stored,
            WriteVerdict::Rejected(_) => &self.rejected,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Name and value of each counter.
    #[must_use]
    pub fn values(&self) -> [(&'static str, u64); 3] {
        [("stored", &self.stored), ("already_stored", &self.already_stored), ("rejected", &self.rejected)]
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }
}
