//! Frames with timestamps in, flow records with host context out; a capture always gives the same records.
//!
//! This crate knows no clock, file, socket, thread or log: packet time is an argument, records go into a buffer
//! that the caller gives.

mod app;
mod community;
mod context;
mod decode;
mod flow;
mod fragments;
mod frame;
mod key;
mod meter;
mod record;
mod skip;
mod stats;
mod table;
mod wheel;

pub use community::community_id;
pub use context::ContextLimits;
pub use decode::{ARP, Decoded, Fragment, Layer, Packet, Span, TUNNELS_MAX, Tcp, TunnelKind, decode};
pub use fragments::FRAGMENTS_MAX;
pub use frame::{Frame, LinkType};
pub use key::{Direction, Endpoint, FlowKey, address, protocol};
pub use meter::{CLAMP_NS, FlowLimits, Meter, MeterConfig, MeterCounters};
pub use record::FlowEnd;
pub use skip::SkipReason;
