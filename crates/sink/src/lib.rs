//! Writes each prediction and threat once.
