//! What is counted of a flow, one family a file. Each family has `update` (one packet, no allocation) and `write`
//! (its features, in the order of `schema::FEATURES`).

mod bulk;
mod bytes;
mod first;
mod flags;
mod history;
mod lapses;
mod row;
mod sequence;
mod side;
mod spread;
mod stage;
mod tcp;

pub(crate) use bulk::Bulk;
pub(crate) use bytes::Head;
pub(crate) use first::FirstPackets;
pub(crate) use flags::Flags;

pub(crate) use lapses::Lapses;
pub(crate) use row::{Row, ratio, ratios};
pub(crate) use side::Side;
pub(crate) use spread::{Gaps, write_spread};
pub(crate) use tcp::{Connection, datagram_state};
