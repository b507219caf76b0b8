//! The meter: one input's packets in, its flow records out.

use crate::context::ContextLimits;
use crate::decode::{Decoded, Layer, decode};
use crate::fragments::Fragments;
use crate::frame::Frame;
use crate::record::FlowEnd;
use crate::skip::SkipReason;
use crate::table::FlowTable;
use schema::{CaptureId, FlowRecord};

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
    /// Flows begun.
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
}

/// Turns the frames of one input into flow records. The same frames give the same records, whatever the clock, the
/// number of calls or what is done with `out` between them.
pub struct Meter {
    table: FlowTable,
    fragments: Fragments,
    counters: MeterCounters,
    outer: Vec<Layer>,
    now_ns: Option<i64>,
}

impl Meter {
    /// A meter without flows.
    #[must_use]
    pub fn new(config: MeterConfig) -> Self {
        Self {
            table: FlowTable::new(config),
            fragments: Fragments::default(),
            counters: MeterCounters::default(),
            outer: Vec::new(),
            now_ns: None,
        }
    }

    /// Counts one frame. Records that are complete by its time are appended to `out`.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<FlowRecord>) {
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(frame.wire_len);
        let mut packet = match decode(frame, &mut self.outer) {
            Decoded::Packet(packet) => packet,
            Decoded::Skip(reason) => {
                self.counters.skipped[reason as usize] += 1;
                return;
            }
        };
        packet.ts_ns = self.clock(frame.ts_ns, out);
        if packet.fragment.is_some() {
            self.fragments.resolve(&mut packet);
        }
        self.table.push(&packet, frame.bytes, out);
    }

    /// Packet time never goes back: a little is clamped, more begins a new epoch.
    fn clock(&mut self, ts_ns: i64, out: &mut Vec<FlowRecord>) -> i64 {
        // 1933 to 2116: neither a time-out added nor the difference of two times can overflow.
        let ts_ns = ts_ns.clamp(-(1 << 60), 1 << 62);
        let now_ns = match self.now_ns {
            Some(now_ns) if ts_ns < now_ns - CLAMP_NS => {
                self.counters.epochs += 1;
                self.table.drain(out);
                ts_ns
            }
            Some(now_ns) if ts_ns < now_ns => {
                self.counters.clamped += 1;
                now_ns
            }
            _ => ts_ns,
        };
        self.now_ns = Some(now_ns);
        now_ns
    }

    /// Tells a live source's time where no packet does. Files never need it.
    pub fn advance(&mut self, now_ns: i64, out: &mut Vec<FlowRecord>) {
        let now_ns = now_ns.clamp(-(1 << 60), 1 << 62);
        if self.now_ns.is_none_or(|last| now_ns > last) {
            self.now_ns = Some(now_ns);
            self.table.advance(now_ns, out);
        }
    }

    /// Ends every flow: the input is over.
    pub fn drain(&mut self, out: &mut Vec<FlowRecord>) {
        self.table.drain(out);
    }

    /// Flows open now.
    #[must_use]
    pub fn open_flows(&self) -> usize {
        self.table.open()
    }

    /// What was seen so far.
    #[must_use]
    pub fn counters(&self) -> MeterCounters {
        let (evicted_hosts, evicted_pairs) = self.table.evicted_hosts_and_pairs();
        MeterCounters {
            flows: self.table.started(),
            ended: *self.table.ended(),
            orphan_fragments: self.fragments.orphans(),
            evicted_fragments: self.fragments.evicted(),
            early_contexts: self.table.early_contexts(),
            evicted_hosts,
            evicted_pairs,
            ..self.counters
        }
    }
}
