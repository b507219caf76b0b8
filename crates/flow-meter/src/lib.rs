//! Frames with timestamps in, flow records with host context out; a capture always gives the same records.
//!
//! This crate knows no clock, file, socket, thread or log: packet time is an argument, records go to a [`Receiver`]
//! that the caller gives.
//!
//! [`Meter`] does it all. Its three parts can also be run on threads of their own: a [`Front`] that sees every packet, any
//! number of [`FlowTable`]s with a share of the flows each, and a [`Joiner`] that merges what they tell. The records are
//! the same, in the same order, for any number of tables, as long as no limit is hit.

mod app;
mod cic;
mod community;
mod context;
mod decode;
mod events;
mod flow;
mod fragments;
mod frame;
mod front;
mod index;
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

pub use cic::{CIC_FLOWS_MAX, CicCounters, CicMeter};
pub use community::community_id;
pub use context::ContextLimits;
pub use decode::{ARP, Decoded, Fragment, Layer, Packet, Span, TUNNELS_MAX, Tcp, TunnelKind, decode};
pub use events::Log;
pub use fragments::FRAGMENTS_MAX;
pub use frame::{Frame, LinkType};
pub use front::{Front, Packets};
pub use join::{Counted, Joiner, Metered, Receiver};
pub use key::{address, protocol};
pub use meter::{CLAMP_NS, FlowLimits, Meter, MeterConfig, MeterCounters};
pub use record::{FlowEnd, FlowSummary, Record};
pub use skip::SkipReason;
pub use table::{FlowTable, TableCounters};
