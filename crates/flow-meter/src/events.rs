//! What a table of flows tells the context, in an order that logs of several tables can be merged into.
//!
//! A moment says when something happened, and is made of packet time and packet numbers alone: never of when a table
//! came to notice. So the merged logs of several tables, each with some of the flows, are the log of one table with all.

use crate::context::Parties;
use crate::record::{FlowEnd, FlowSummary};

/// What comes first at one nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Time-outs that this time ends.
    TimeOut,
    /// Packets.
    Packet,
    /// Contexts read: they see all packets of their last nanosecond.
    Reading,
    /// The input ends, or its clock jumps: all flows end.
    Drain,
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// Times that the clock went back.
    pub(crate) epoch: u32,
    /// Packet time.
    pub(crate) at_ns: i64,
    pub(crate) phase: Phase,
    /// Number of a packet: the one that came, or the one that the flow began with.
    pub(crate) number: u64,
}

/// A flow's place in its table. It is given to another only after its flow was read and ended.
pub(crate) type At = u32;

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) moment: Moment,
    pub(crate) at: At,
    pub(crate) what: What,
}

/// Payload bytes from the initiator and from the responder, and packets, of a flow so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    pub(crate) forward_bytes: u64,
    pub(crate) backward_bytes: u64,
}

impl Totals {
    pub(crate) fn bytes(&self) -> u64 {
        self.forward_bytes.saturating_add(self.backward_bytes)
    }
}

#[derive(Debug)]
pub(crate) enum What {
    Begin(Parties),
    /// The responder's first packet.
    Answer,
    /// The first RST.
    Reset,
    /// What the flow carried, when it closed or ended.
    Carried(Totals),
    /// The context of the part that began at `start_ns` is due. What an open flow has carried so far comes with it.
    Read {
        start_ns: i64,
        carried: Option<Totals>,
    },
    /// A part is over, and with `End` not being `Active` the flow.
    Part(FlowEnd, Box<FlowSummary>),
}

/// Events in the order of their moments, and used summaries on their way back.
#[derive(Debug, Default)]
pub struct Log {
    pub(crate) events: Vec<Event>,
    #[expect(clippy::vec_box, reason = "the boxes go from hand to hand; their contents stay where they are")]
    pub(crate) spare: Vec<Box<FlowSummary>>,
}

impl Log {
    /// Forgets what it says; what it says of parts of flows is used again.
    pub fn clear(&mut self) {
        for event in self.events.drain(..) {
            if let What::Part(_, summary) = event.what {
                self.spare.push(summary);
            }
        }
    }
}
