//! Frames with timestamps in, flow records with host context out; a capture always gives the same records.
//!
//! This crate knows no clock, file, socket, thread or log: packet time is an argument, records go into a buffer
//! that the caller gives.

mod app;
mod community;
mod context;
mod decode;
mod events;
mod flow;
mod fragments;
mod frame;
mod front;
mod join;
mod key;
mod meter;
mod prefetch;
mod record;
mod skip;
mod slab;
mod stats;
mod table;
mod wheel;

pub use community::community_id;
pub use context::ContextLimits;
pub use decode::{ARP, Decoded, Fragment, Layer, Packet, Span, TUNNELS_MAX, Tcp, TunnelKind, decode};
pub use fragments::FRAGMENTS_MAX;
pub use frame::{Frame, LinkType};
pub use join::{Counted, Joiner, Metered, Receiver};
pub use key::{address, protocol};
pub use meter::{CLAMP_NS, FlowLimits, Meter, MeterConfig, MeterCounters};
pub use record::{FlowEnd, FlowSummary, Record};
pub use skip::SkipReason;
