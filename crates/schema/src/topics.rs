//! Topic names. The major version of a message's schema is part of its topic's name.

/// Prefix of every topic unless configured otherwise.
pub const PREFIX: &str = "flowcatcher";

/// Flow records, keyed by flow.
pub const FLOWS: &str = "flows.v1";
/// Host windows, keyed by host.
pub const HOSTS: &str = "hosts.v1";
/// Predictions; those that are evidence are keyed by their subject.
pub const PREDICTIONS: &str = "predictions.v1";
/// Threats, keyed by threat id.
pub const THREATS: &str = "threats.v1";
/// Messages that could not be read or stored, with their origin.
pub const DEAD_LETTERS: &str = "dead-letters.v1";
