//! Records in, predictions out, without state.
