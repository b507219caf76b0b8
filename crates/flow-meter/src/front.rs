//! The part of metering that sees every packet in order: decoding, the clock, fragments, and which table a packet's flow
//! is in.

use crate::decode::{Layer as Hop, Packet, decode_into};
use crate::fragments::Fragments;
use crate::frame::Frame;
use crate::key::{FlowKey, Layer, source_is_low};
use crate::meter::{CLAMP_NS, MeterCounters};
use crate::skip::SkipReason;
use hashbrown::DefaultHashBuilder;

/// One packet on its way to the table of its flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) packet: Packet,
    /// Counts the packets of the input, those of tunnels included.
    pub(crate) number: u64,
    /// Of the flow's key.
    pub(crate) hash: u32,
    /// Which frame of the batch it came in.
    pub(crate) frame: u32,
    /// The packets that carried it: from here on in `Packets::hops`, outermost first.
    pub(crate) hops_at: u32,
    pub(crate) hops: u8,
    pub(crate) layer: Layer,
    /// Of the flow's key.
    pub(crate) source_is_low: bool,
}

/// Packets of one batch of frames for one table.
#[derive(Debug, Default)]
pub struct Packets {
    pub(crate) items: Vec<Item>,
    pub(crate) hops: Vec<Hop>,
    /// Before which items all flows end, because the clock jumped.
    pub(crate) drains: Vec<usize>,
    /// Packet time at the end of the batch, whether or not this table got a packet then.
    pub(crate) now_ns: Option<i64>,
}

impl Packets {
    /// Makes ready for the next batch.
    pub fn clear(&mut self) {
        self.items.clear();
        self.hops.clear();
        self.drains.clear();
    }

    /// A place at the end for the packet of the batch's `frame`th.
    #[inline]
    fn begin(&mut self, frame: u32) -> &mut Item {
        self.items.push_mut(Item { frame, ..Item::EMPTY })
    }

    /// The packet at the end was carried by others.
    #[cold]
    fn carried_by(&mut self, hops: &[Hop]) {
        if let Some(item) = self.items.last_mut() {
            item.hops_at = self.hops.len() as u32;
            item.hops = hops.len() as u8;
            self.hops.extend_from_slice(hops);
        }
    }
}

impl Item {
    const EMPTY: Self = Self {
        packet: Packet::EMPTY,
        number: 0,
        hash: 0,
        frame: 0,
        hops_at: 0,
        hops: 0,
        layer: Layer::Inner,
        source_is_low: false,
    };
}

/// Reads every frame of an input.
#[derive(Default)]
pub struct Front {
    fragments: Fragments,
    counters: MeterCounters,
    hasher: DefaultHashBuilder,
    outer: Vec<Hop>,
    now_ns: Option<i64>,
    packets: u64,
}

impl Front {
    /// Decodes the frame that is the batch's `index`th and gives its packets to the tables of their flows.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, index: u32, tables: &mut [Packets]) {
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(frame.wire_len);
        let Some(first) = tables.first_mut() else { return };
        // A packet is written where it will be read: in the first table, until it is known to be another's.
        let item = first.begin(index);
        if let Err(reason) = decode_into(frame, &mut self.outer, &mut item.packet) {
            first.items.pop();
            self.skip(reason, frame);
            return;
        }
        item.packet.wire_len = frame.wire_len;
        // Packet time never goes back: a little is clamped, more begins a new epoch.
        let ts_ns = bounded(frame.ts_ns);
        let late = self.now_ns.filter(|now_ns| ts_ns < *now_ns);
        item.packet.ts_ns = late.filter(|now_ns| ts_ns >= now_ns - CLAMP_NS).unwrap_or(ts_ns);
        self.now_ns = Some(item.packet.ts_ns);
        if late.is_some() {
            self.went_back(item.packet.ts_ns == ts_ns, tables);
        }
        let hops = self.outer.len();
        self.give(Layer::Inner, hops, tables);
        if hops > 0 {
            self.give_outer(index, frame.wire_len, tables);
        }
    }

    #[cold]
    fn skip(&mut self, reason: SkipReason, frame: &Frame<'_>) {
        self.counters.skipped[reason as usize] += 1;
        self.counters.skipped_wire_bytes += u64::from(frame.wire_len);
    }

    /// The clock went back: far enough for a new epoch, or by so little that the packet counts as simultaneous.
    #[cold]
    fn went_back(&mut self, far: bool, tables: &mut [Packets]) {
        if !far {
            self.counters.clamped += 1;
            return;
        }
        self.counters.epochs += 1;
        for (at, table) in tables.iter_mut().enumerate() {
            // The packet at hand lies in the first table already, and comes after.
            table.drains.push(table.items.len() - usize::from(at == 0));
        }
    }

    /// The packets that carried the one before. Whatever carries it belongs to the innermost packet: each byte on the wire
    /// is counted once.
    #[cold]
    fn give_outer(&mut self, index: u32, wire_len: u32, tables: &mut [Packets]) {
        self.counters.tunnelled += 1;
        let ts_ns = self.now_ns.unwrap_or_default();
        for hops in 0..self.outer.len() {
            if let Some(first) = tables.first_mut() {
                first.begin(index).packet = Packet { ts_ns, wire_len, ..self.outer[hops].packet };
            }
            self.give(Layer::Outer, hops, tables);
        }
    }

    /// Gives the packet at the end of the first table to the table of its flow.
    #[inline]
    fn give(&mut self, layer: Layer, hops: usize, tables: &mut [Packets]) {
        let count = tables.len();
        let Some((first, others)) = tables.split_first_mut() else { return };
        let Some(item) = first.items.last_mut() else { return };
        if item.packet.fragment.is_some() {
            self.fragments.resolve(&mut item.packet);
        }
        item.source_is_low = source_is_low(&item.packet);
        let hash = FlowKey::hash_of(&item.packet, layer, item.source_is_low, &self.hasher);
        item.hash = hash as u32;
        item.layer = layer;
        item.number = self.packets;
        self.packets += 1;
        // High bits choose the table, low bits the cell in it.
        let at = if count > 1 { (hash >> 48) as usize % count } else { 0 };
        let table = match at.checked_sub(1).and_then(|at| others.get_mut(at)) {
            Some(other) => {
                other.items.extend(first.items.pop());
                other
            }
            None => first,
        };
        if hops > 0 {
            table.carried_by(&self.outer[..hops]);
        }
    }

    /// Tells every table the time at the end of the batch.
    pub fn finish(&mut self, tables: &mut [Packets]) {
        tables.iter_mut().for_each(|table| table.now_ns = self.now_ns);
    }

    /// A live source's time where no packet tells it. Gives the time that it is now.
    pub(crate) fn advance(&mut self, now_ns: i64) -> i64 {
        let now_ns = bounded(now_ns);
        let now_ns = self.now_ns.map_or(now_ns, |last| last.max(now_ns));
        self.now_ns = Some(now_ns);
        now_ns
    }

    /// What was seen so far: all but what the tables and the context count.
    #[must_use]
    pub fn counters(&self) -> MeterCounters {
        MeterCounters {
            orphan_fragments: self.fragments.orphans(),
            evicted_fragments: self.fragments.evicted(),
            ..self.counters
        }
    }
}

/// 1933 to 2116: neither a time-out added nor the difference of two times can overflow.
fn bounded(ts_ns: i64) -> i64 {
    ts_ns.clamp(-(1 << 60), 1 << 62)
}
