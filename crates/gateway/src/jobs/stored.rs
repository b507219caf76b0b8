//! How many of a job's flows are in the store, told by the counts that the store keeps of each capture.
//!
//! The gateway sends flow records and never learns who judges and stores them. But a flow's id is a function of its
//! capture, so a capture's flows are all stored once the store counts as many of them as were sent, whatever was there
//! before.

use schema::CaptureId;
use std::collections::BTreeMap;

/// The captures of one job.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<CaptureId, Entry>);

#[derive(Debug, Default)]
struct Entry {
    /// In the store when the job came to the capture.
    before: u64,
    /// Sent by this job; the most, when it holds the capture twice.
    sent: u64,
}

impl Ledger {
    /// Before a capture is read: the store holds so many of its flows. Only the first time counts: later the job's own
    /// flows are among them.
    pub(crate) fn begin(&mut self, capture: CaptureId, before: u64) {
        self.0.entry(capture).or_insert(Entry { before, sent: 0 });
    }

    /// A capture was read and gave so many flows. Returns how many of them were known before.
    pub(crate) fn sent(&mut self, capture: CaptureId, flows: u64) -> u64 {
        let entry = self.0.entry(capture).or_default();
        let known = entry.before.max(entry.sent).min(flows);
        entry.sent = entry.sent.max(flows);
        known
    }

    /// All captures.
    pub(crate) fn captures(&self) -> impl Iterator<Item = CaptureId> {
        self.0.keys().copied()
    }

    /// How many flows of a capture are not stored yet when the store counts `stored`.
    pub(crate) fn missing(&self, capture: CaptureId, stored: u64) -> u64 {
        self.0.get(&capture).map_or(0, |entry| entry.sent.saturating_sub(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_before_is_told_from_what_is_new() {
        let check = |before: u64, sent: &[u64], known: &[u64], stored: u64, missing: u64| {
            let (capture, mut ledger) = (CaptureId::hash(&[b"a"]), Ledger::default());
            let mut told = Vec::new();
            for (at, flows) in sent.iter().enumerate() {
                ledger.begin(capture, if at == 0 { before } else { 7 });
                told.push(ledger.sent(capture, *flows));
            }
            assert_eq!(told, known, "{before} {sent:?}");
            assert_eq!(ledger.missing(capture, stored), missing, "{before} {sent:?}");
        };
        check(0, &[10], &[0], 4, 6);
        check(0, &[10], &[0], 10, 0);
        check(10, &[10], &[10], 10, 0);
        check(4, &[10], &[4], 9, 1);
        check(20, &[10], &[10], 20, 0);
        check(0, &[10, 10], &[0, 10], 5, 5);
        check(0, &[10, 12], &[0, 10], 12, 0);
    }
}
