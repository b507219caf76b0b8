//! The part of metering that sees every packet in order: decoding, the clock, fragments, and which table a packet's flow
//! is in.

use crate::decode::{Layer as Hop, Packet, decode_into};
use crate::fragments::Fragments;
use crate::frame::Frame;
use crate::key::{FlowKey, Layer, source_is_low};
use crate::meter::{CLAMP_NS, MeterCounters};
use crate::skip::SkipReason;
use hashbrown::DefaultHashBuilder;
use std::hash::BuildHasher;

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

    #[inline]
    fn put(&mut self, item: &Item, hops: &[Hop]) {
        self.items.push(*item);
        if let (Some(item), false) = (self.items.last_mut(), hops.is_empty()) {
            item.hops_at = self.hops.len() as u32;
            item.hops = hops.len() as u8;
            self.hops.extend_from_slice(hops);
        }
    }
}

/// Reads every frame of an input.
pub struct Front {
    fragments: Fragments,
    counters: MeterCounters,
    hasher: DefaultHashBuilder,
    outer: Vec<Hop>,
    /// The packet at hand.
    item: Item,
    now_ns: Option<i64>,
    packets: u64,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            fragments: Fragments::default(),
            counters: MeterCounters::default(),
            hasher: DefaultHashBuilder::default(),
            outer: Vec::new(),
            item: Item {
                packet: Packet::EMPTY,
                number: 0,
                hash: 0,
                frame: 0,
                hops_at: 0,
                hops: 0,
                layer: Layer::Inner,
                source_is_low: false,
            },
            now_ns: None,
            packets: 0,
        }
    }
}

impl Front {
    /// Decodes the frame that is the batch's `index`th and gives its packets to the tables of their flows.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, index: u32, tables: &mut [Packets]) {
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(frame.wire_len);
        // One place for every packet, and one copy out of it, late enough that its parts have been written.
        self.item.packet = Packet::EMPTY;
        if let Err(reason) = decode_into(frame, &mut self.outer, &mut self.item.packet) {
            self.skip(reason, frame);
            return;
        }
        self.item.frame = index;
        self.item.packet.ts_ns = self.clock(frame.ts_ns, tables);
        // Whatever carries it belongs to the innermost packet: each byte on the wire is counted once.
        self.item.packet.wire_len = frame.wire_len;
        let hops = self.outer.len();
        self.give(Layer::Inner, hops, tables);
        if hops > 0 {
            self.give_outer(tables);
        }
    }

    #[cold]
    fn skip(&mut self, reason: SkipReason, frame: &Frame<'_>) {
        self.counters.skipped[reason as usize] += 1;
        self.counters.skipped_wire_bytes += u64::from(frame.wire_len);
    }

    #[cold]
    fn give_outer(&mut self, tables: &mut [Packets]) {
        self.counters.tunnelled += 1;
        let Packet { ts_ns, wire_len, .. } = self.item.packet;
        for hops in 0..self.outer.len() {
            self.item.packet = Packet { ts_ns, wire_len, ..self.outer[hops].packet };
            self.give(Layer::Outer, hops, tables);
        }
    }

    /// Gives the packet at hand to the table of its flow.
    #[inline]
    fn give(&mut self, layer: Layer, hops: usize, tables: &mut [Packets]) {
        let item = &mut self.item;
        if item.packet.fragment.is_some() {
            self.fragments.resolve(&mut item.packet);
        }
        item.source_is_low = source_is_low(&item.packet);
        let hash = self.hasher.hash_one(FlowKey::new(&item.packet, layer, item.source_is_low));
        item.hash = hash as u32;
        item.layer = layer;
        item.number = self.packets;
        self.packets += 1;
        // High bits choose the table, low bits the cell in it.
        let table = if tables.len() > 1 { (hash >> 48) as usize % tables.len() } else { 0 };
        if let Some(table) = tables.get_mut(table) {
            table.put(item, &self.outer[..hops]);
        }
    }

    /// Tells every table the time at the end of the batch.
    pub fn finish(&mut self, tables: &mut [Packets]) {
        tables.iter_mut().for_each(|table| table.now_ns = self.now_ns);
    }

    /// Packet time never goes back: a little is clamped, more begins a new epoch.
    #[inline]
    fn clock(&mut self, ts_ns: i64, tables: &mut [Packets]) -> i64 {
        let ts_ns = bounded(ts_ns);
        let now_ns = match self.now_ns {
            Some(now_ns) if ts_ns < now_ns => self.back(ts_ns, now_ns, tables),
            _ => ts_ns,
        };
        self.now_ns = Some(now_ns);
        now_ns
    }

    #[cold]
    fn back(&mut self, ts_ns: i64, now_ns: i64, tables: &mut [Packets]) -> i64 {
        if ts_ns >= now_ns - CLAMP_NS {
            self.counters.clamped += 1;
            return now_ns;
        }
        self.counters.epochs += 1;
        tables.iter_mut().for_each(|table| table.drains.push(table.items.len()));
        ts_ns
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
