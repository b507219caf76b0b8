//! Number to name maps.
