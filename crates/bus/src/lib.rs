//! Carries messages between stages.
