//! Writes each prediction and threat once: two stages that commit only after the store has acknowledged.
//!
//! At least once on the bus, once in the store: a batch that comes again after a crash finds its documents there already.
//! What the store rejects for good goes to the dead letters with its reason; what it cannot take now is tried again, and a full disk
//! is waited for by a service and ends a command ([`WhenFull`]).

mod counters;
mod stages;

pub use counters::SinkCounters;
pub use stages::{PredictionSink, Sink, Stored, ThreatSink, WhenFull};
