//! Judges flow records and correlates the evidence.
