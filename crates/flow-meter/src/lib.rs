//! Frames with timestamps in, flow records with host context out; a capture always gives the same records.
//!
//! This crate knows no clock, file, socket, thread or log: packet time is an argument, records go into a buffer
//! that the caller gives.

pub mod frame;

pub use frame::{Frame, LinkType};
