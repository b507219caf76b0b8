//! Writes, searches and aggregates predictions.
