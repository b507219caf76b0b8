//! The meter: one input's packets in, its flow records out.

use crate::context::ContextLimits;
use crate::frame::Frame;
use crate::front::{Front, Packets};
use crate::join::{Joiner, Receiver};
use crate::record::FlowEnd;
use crate::skip::SkipReason;
use crate::table::{FlowTable, TableCounters};
use schema::CaptureId;

const S: i64 = 1_000_000_000;
/// Time that goes back by at most this is clamped; by more, a new epoch begins.
pub const CLAMP_NS: i64 = S;

/// When flows end, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowLimits {
    /// A TCP attempt without an answer, nanoseconds.
    pub idle_unanswered_ns: i64,
    /// Any other TCP flow, nanoseconds.
    pub idle_tcp_ns: i64,
    /// UDP, nanoseconds.
    pub idle_udp_ns: i64,
    /// ICMP and the rest, nanoseconds.
    pub idle_other_ns: i64,
    /// A flow longer than this leaves in parts, nanoseconds.
    pub active_ns: i64,
    /// Late packets still belong to a connection so long after its end, nanoseconds.
    pub closed_linger_ns: i64,
    /// Flows open at once; the one nearest to its idle time-out makes room. As many again may wait for their context.
    pub flows_max: usize,
    /// Whether records carry the first payload bytes of each direction (at most 256).
    pub keep_first_payload: bool,
}

impl FlowLimits {
    /// A flow that was silent for less is not idle, whatever its kind.
    #[inline]
    pub(crate) fn idle_min_ns(&self) -> i64 {
        let datagrams = self.idle_udp_ns.min(self.idle_other_ns);
        self.idle_unanswered_ns.min(self.idle_tcp_ns).min(datagrams)
    }
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            idle_unanswered_ns: 10 * S,
            idle_tcp_ns: 120 * S,
            idle_udp_ns: 60 * S,
            idle_other_ns: 30 * S,
            active_ns: 120 * S,
            closed_linger_ns: 5 * S,
            flows_max: 131_072,
            keep_first_payload: false,
        }
    }
}

/// What a meter is told at its start.
#[derive(Debug, Clone)]
pub struct MeterConfig {
    /// Part of every flow's id.
    pub capture: CaptureId,
    /// Name of the sensor or file, for people.
    pub sensor: String,
    /// Limits of the flow table.
    pub flows: FlowLimits,
    /// Limits of the context.
    pub context: ContextLimits,
}

impl MeterConfig {
    /// Default limits.
    #[must_use]
    pub fn new(capture: CaptureId, sensor: impl Into<String>) -> Self {
        Self {
            capture,
            sensor: sensor.into(),
            flows: FlowLimits::default(),
            context: ContextLimits::default(),
        }
    }
}

/// What a meter has seen. Every packet is in a flow or in `skipped`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeterCounters {
    /// Frames pushed.
    pub packets: u64,
    /// Their length on the wire, bytes.
    pub wire_bytes: u64,
    /// In no flow, by [`SkipReason`].
    pub skipped: [u64; SkipReason::COUNT],
    /// Length on the wire of the skipped, bytes.
    pub skipped_wire_bytes: u64,
    /// Packets that carried others. Their own conversations are flows of the outer layer.
    pub tunnelled: u64,
    /// Flows begun, those of the outer layer included.
    pub flows: u64,
    /// Records by [`FlowEnd`].
    pub ended: [u64; FlowEnd::COUNT],
    /// Packets a little before the one before them, taken as simultaneous.
    pub clamped: u64,
    /// Times that the clock went back by more than [`CLAMP_NS`] and all flows were ended.
    pub epochs: u64,
    /// Later fragments whose first was never seen.
    pub orphan_fragments: u64,
    /// First fragments forgotten for want of room.
    pub evicted_fragments: u64,
    /// Contexts read before their look-ahead was over, because too many flows waited.
    pub early_contexts: u64,
    /// Hosts of the context forgotten for want of room.
    pub evicted_hosts: u64,
    /// Pairs of the context forgotten for want of room.
    pub evicted_pairs: u64,
    /// Host windows given.
    pub host_windows: u64,
}

impl MeterCounters {
    /// Those of the front, with what tables and context counted.
    #[must_use]
    pub fn with(mut self, tables: &[TableCounters], joiner: &Joiner) -> Self {
        for table in tables {
            self.flows += table.started;
            self.early_contexts += table.early_contexts;
            self.ended.iter_mut().zip(table.ended).for_each(|(all, one)| *all += one);
        }
        (self.evicted_hosts, self.evicted_pairs) = joiner.evicted_hosts_and_pairs();
        self.host_windows = joiner.host_windows();
        self
    }
}

/// Turns the frames of one input into flow records. The same frames give the same records, whatever the clock, the
/// number of calls or what is done with the records between them.
pub struct Meter {
    front: Front,
    packets: [Packets; 1],
    table: FlowTable,
    joiner: Joiner,
}

/// Frames that are decoded before the first of them is counted.
const TOGETHER: usize = 128;

impl Meter {
    /// A meter without flows.
    #[must_use]
    pub fn new(config: MeterConfig) -> Self {
        Self {
            front: Front::default(),
            packets: [Packets::default()],
            table: FlowTable::new(config.flows, config.context.look_ahead_ns),
            joiner: Joiner::new(config.capture, config.sensor, config.context, 1),
        }
    }

    /// Counts one frame. What is complete by its time is given to `out`.
    pub fn push(&mut self, frame: &Frame<'_>, out: &mut impl Receiver) {
        self.front.push(frame, 0, &mut self.packets);
        self.count(out, |_| frame.bytes);
    }

    /// Counts frames that lie in memory together, which is faster than one at a time.
    pub fn push_all<'a>(&mut self, frames: impl IntoIterator<Item = Frame<'a>>, out: &mut impl Receiver) {
        let mut frames = frames.into_iter();
        let mut bytes: [&[u8]; TOGETHER] = [&[]; TOGETHER];
        loop {
            let mut count = 0;
            for frame in frames.by_ref().take(TOGETHER) {
                self.front.push(&frame, count as u32, &mut self.packets);
                bytes[count] = frame.bytes;
                count += 1;
            }
            if count == 0 {
                return;
            }
            self.count(out, |index| bytes.get(index as usize).copied().unwrap_or_default());
        }
    }

    fn count<'a>(&mut self, out: &mut impl Receiver, bytes: impl Fn(u32) -> &'a [u8]) {
        self.front.finish(&mut self.packets);
        let [packets] = &mut self.packets;
        self.table.push(packets, bytes);
        packets.clear();
        self.join(out);
    }

    fn join(&mut self, out: &mut impl Receiver) {
        self.joiner.take(std::slice::from_mut(self.table.log()), out);
    }

    /// Tells a live source's time where no packet does. Files never need it.
    pub fn advance(&mut self, now_ns: i64, out: &mut impl Receiver) {
        let now_ns = self.front.advance(now_ns);
        self.count(out, |_| &[]);
        self.joiner.advance(now_ns, out);
    }

    /// Ends every flow: the input is over.
    pub fn drain(&mut self, out: &mut impl Receiver) {
        self.table.drain();
        self.join(out);
    }

    /// Flows open now.
    #[must_use]
    pub fn open_flows(&self) -> usize {
        self.table.counters().open
    }

    /// What was seen so far.
    #[must_use]
    pub fn counters(&self) -> MeterCounters {
        self.front.counters().with(&[self.table.counters()], &self.joiner)
    }
}
