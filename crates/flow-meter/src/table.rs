//! Live flows and when they end.
//!
//! Packet time only. A flow leaves as a record at the later of its end and the reading of its context, which lies a
//! constant look-ahead after its start, so that the readings form a queue.

use crate::context::{HostTable, Later, Parties};
use crate::decode::{Packet, flag};
use crate::flow::Flow;
use crate::key::{Direction, FlowKey, protocol};
use crate::record::{FlowEnd, record};
use crate::stats::Row;
use crate::wheel::{Slot, TICK_NS, Wheel};
use crate::{FlowLimits, MeterConfig};
use hashbrown::{DefaultHashBuilder, HashTable};
use schema::FlowRecord;
use std::collections::VecDeque;
use std::hash::BuildHasher;

/// Where a flow is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    /// FIN from both ends or RST: late packets still belong to it for a while.
    Closed {
        at_ns: i64,
        end: FlowEnd,
    },
    /// Over, and out of the index; waits for its context.
    Ended(FlowEnd),
}

struct Entry {
    flow: Flow,
    life: Life,
    /// Features of the context group, once read.
    context: Option<Box<[f32]>>,
}

struct Place {
    entry: Option<Box<Entry>>,
    generation: u32,
    /// The wheel's tick that counts; entries at other ticks are stale.
    tick: i64,
}

/// Every live flow of one input.
pub(crate) struct FlowTable {
    config: MeterConfig,
    hasher: DefaultHashBuilder,
    index: HashTable<u32>,
    places: Vec<Place>,
    free: Vec<u32>,
    wheel: Wheel,
    readings: VecDeque<(i64, Slot)>,
    hosts: HostTable,
    ended: [u64; FlowEnd::COUNT],
    started: u64,
    early_contexts: u64,
    row: Vec<f32>,
}

impl FlowTable {
    pub(crate) fn new(config: MeterConfig) -> Self {
        Self {
            hosts: HostTable::new(config.context),
            config,
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            places: Vec::new(),
            free: Vec::new(),
            wheel: Wheel::new(),
            readings: VecDeque::new(),
            ended: [0; FlowEnd::COUNT],
            started: 0,
            early_contexts: 0,
            row: Vec::with_capacity(schema::FEATURES.len()),
        }
    }

    /// Flows open now.
    pub(crate) fn open(&self) -> usize {
        self.index.len()
    }

    /// Flows, or parts of flows, by how they ended.
    pub(crate) fn ended(&self) -> &[u64; FlowEnd::COUNT] {
        &self.ended
    }

    pub(crate) fn started(&self) -> u64 {
        self.started
    }

    pub(crate) fn early_contexts(&self) -> u64 {
        self.early_contexts
    }

    pub(crate) fn evicted_hosts_and_pairs(&self) -> (u64, u64) {
        self.hosts.evicted()
    }

    /// Counts one packet whose time is not before any other's.
    pub(crate) fn push(&mut self, packet: &Packet, bytes: &[u8], out: &mut Vec<FlowRecord>) {
        self.advance(packet.ts_ns, out);
        let (key, source_is_low) = FlowKey::new(packet);
        let hash = self.hasher.hash_one(key);
        let at = match self.find(hash, &key) {
            Some(at) if self.goes_on(at, packet, out) => at,
            _ => self.begin(hash, key, source_is_low, packet, bytes, out),
        };
        self.update(at, source_is_low, packet, bytes);
    }

    fn find(&self, hash: u64, key: &FlowKey) -> Option<u32> {
        let same = |at: &u32| self.entry(*at).is_some_and(|entry| entry.flow.key == *key);
        self.index.find(hash, same).copied()
    }

    fn entry(&self, at: u32) -> Option<&Entry> {
        self.places.get(at as usize)?.entry.as_deref()
    }

    fn entry_mut(&mut self, at: u32) -> Option<&mut Entry> {
        self.places.get_mut(at as usize)?.entry.as_deref_mut()
    }

    /// Whether the packet belongs to the flow that its key finds. If not, that flow is ended here.
    fn goes_on(&mut self, at: u32, packet: &Packet, out: &mut Vec<FlowRecord>) -> bool {
        let limits = self.config.flows;
        let Some(entry) = self.entry_mut(at) else { return false };
        let deadline_ns = deadline(entry, &limits);
        let new_syn = packet.tcp.is_some_and(|tcp| tcp.flags & (flag::SYN | flag::ACK) == flag::SYN);
        match entry.life {
            Life::Closed { end, .. } if new_syn || packet.ts_ns >= deadline_ns => {
                self.end(at, end, out);
                false
            }
            Life::Open if packet.ts_ns >= deadline_ns => {
                self.end(at, FlowEnd::Idle, out);
                false
            }
            Life::Open if packet.ts_ns - entry.flow.tallies.start_ns >= limits.active_ns => {
                self.cut(at, packet.ts_ns, out);
                true
            }
            _ => true,
        }
    }

    /// Gives out the part so far and begins the next.
    fn cut(&mut self, at: u32, now_ns: i64, out: &mut Vec<FlowRecord>) {
        self.read_context(at);
        self.emit(at, FlowEnd::Active, out);
        let look_ahead_ns = self.config.context.look_ahead_ns;
        let slot = self.slot(at);
        if let Some(entry) = self.entry_mut(at) {
            entry.flow.next_part(now_ns);
            entry.context = None;
            self.readings.push_back((now_ns + look_ahead_ns, slot));
        }
    }

    fn slot(&self, at: u32) -> Slot {
        Slot { index: at, generation: self.places[at as usize].generation }
    }

    fn begin(
        &mut self,
        hash: u64,
        key: FlowKey,
        source_is_low: bool,
        packet: &Packet,
        bytes: &[u8],
        out: &mut Vec<FlowRecord>,
    ) -> u32 {
        self.make_room(out);
        // Who answers a handshake did not begin it.
        let answered =
            packet.tcp.is_some_and(|tcp| tcp.flags & (flag::SYN | flag::ACK) == flag::SYN | flag::ACK);
        let initiator_is_low = source_is_low != answered;
        let (initiator, responder) = if initiator_is_low { (key.low, key.high) } else { (key.high, key.low) };
        let parties = Parties {
            initiator: initiator.address,
            responder: responder.address,
            responder_port: responder.port,
            protocol: key.protocol,
            version: key.version,
        };
        let places = self.hosts.start(&parties, packet.ts_ns);
        let mut flow = Flow::new(key, initiator_is_low, packet, bytes, places);
        if answered {
            flow.history.note(b'^', Direction::Forward);
        }
        self.started += 1;
        let at = self.place(Entry { flow, life: Life::Open, context: None });
        let (places, hasher) = (&self.places, &self.hasher);
        let rehash =
            |at: &u32| places[*at as usize].entry.as_ref().map_or(0, |entry| hasher.hash_one(entry.flow.key));
        self.index.insert_unique(hash, at, rehash);
        self.readings.push_back((packet.ts_ns + self.config.context.look_ahead_ns, self.slot(at)));
        at
    }

    /// Keeps the open flows, and as many again that ended and wait for their context, within `flows_max`. In a flood of one
    /// instant nobody's look-ahead would ever be over: then the oldest contexts are read early.
    fn make_room(&mut self, out: &mut Vec<FlowRecord>) {
        let flows_max = self.config.flows.flows_max.max(1);
        while self.index.len() >= flows_max && self.evict(out) {}
        while self.places.len() - self.free.len() >= flows_max.saturating_mul(2) {
            let Some((_, slot)) = self.readings.pop_front() else { return };
            self.early_contexts += 1;
            self.read_due(slot, out);
        }
    }

    fn place(&mut self, entry: Entry) -> u32 {
        if let Some(at) = self.free.pop() {
            let place = &mut self.places[at as usize];
            match &mut place.entry {
                Some(old) => **old = entry,
                none => *none = Some(Box::new(entry)),
            }
            place.tick = i64::MIN;
            return at;
        }
        self.places.push(Place { entry: Some(Box::new(entry)), generation: 0, tick: i64::MIN });
        (self.places.len() - 1) as u32
    }

    fn update(&mut self, at: u32, source_is_low: bool, packet: &Packet, bytes: &[u8]) {
        let limits = self.config.flows;
        let Some(entry) = self.places[at as usize].entry.as_deref_mut() else { return };
        let flow = &mut entry.flow;
        let direction = flow.direction(source_is_low);
        let unanswered = flow.answer_ns.is_none();
        let whole = !flow.progress.was_reset();
        flow.update(packet, bytes, direction);
        if unanswered && flow.answer_ns.is_some() {
            self.hosts.later(&mut flow.places, Later::Answer);
        }
        if whole && flow.progress.was_reset() {
            self.hosts.later(&mut flow.places, Later::Reset);
        }
        if entry.life == Life::Open && (flow.progress.was_reset() || flow.progress.finished()) {
            let end = if flow.progress.was_reset() { FlowEnd::Reset } else { FlowEnd::Fin };
            entry.life = Life::Closed { at_ns: packet.ts_ns, end };
            let totals = totals(flow);
            self.hosts.later(&mut flow.places, totals);
        }
        let deadline_ns = deadline(entry, &limits);
        self.look_at(at, deadline_ns, packet.ts_ns);
    }

    /// Has the wheel look at a flow by its deadline, unless it will look at it before that anyway.
    fn look_at(&mut self, at: u32, deadline_ns: i64, now_ns: i64) {
        let tick = self.places[at as usize].tick;
        if tick != i64::MIN && tick * TICK_NS <= deadline_ns + TICK_NS {
            return;
        }
        let slot = self.slot(at);
        self.places[at as usize].tick = self.wheel.schedule(slot, deadline_ns, now_ns);
    }

    /// Reads the contexts that are due and ends the flows whose time is over, in the order of packet time.
    pub(crate) fn advance(&mut self, now_ns: i64, out: &mut Vec<FlowRecord>) {
        while let Some(tick_ns) = self.wheel.next_ns().filter(|tick_ns| *tick_ns <= now_ns) {
            self.read_before(tick_ns, out);
            self.tick(tick_ns, out);
        }
        self.read_before(now_ns, out);
    }

    fn tick(&mut self, tick_ns: i64, out: &mut Vec<FlowRecord>) {
        let limits = self.config.flows;
        let (tick, due) = self.wheel.take();
        for slot in due {
            let place = &mut self.places[slot.index as usize];
            if place.generation != slot.generation || place.tick != tick {
                continue;
            }
            place.tick = i64::MIN;
            let Some(entry) = place.entry.as_deref() else { continue };
            let deadline_ns = deadline(entry, &limits);
            match entry.life {
                Life::Ended(_) => {}
                _ if deadline_ns > tick_ns => self.look_at(slot.index, deadline_ns, tick_ns),
                Life::Closed { end, .. } => self.end(slot.index, end, out),
                Life::Open => self.end(slot.index, FlowEnd::Idle, out),
            }
        }
    }

    /// Reads every context that is due before `now_ns`. One that is due at that very moment still waits, so that it
    /// sees all packets of its last nanosecond.
    fn read_before(&mut self, now_ns: i64, out: &mut Vec<FlowRecord>) {
        while let Some((_, slot)) = self.readings.front().copied().filter(|(due, _)| *due < now_ns) {
            self.readings.pop_front();
            self.read_due(slot, out);
        }
    }

    fn read_due(&mut self, slot: Slot, out: &mut Vec<FlowRecord>) {
        if self.places[slot.index as usize].generation != slot.generation {
            return;
        }
        self.read_context(slot.index);
        if let Some(Life::Ended(end)) = self.entry(slot.index).map(|entry| entry.life) {
            self.emit(slot.index, end, out);
            self.release(slot.index);
        }
    }

    /// Writes the flow's context and tells its hosts what it has carried so far.
    fn read_context(&mut self, at: u32) {
        let Some(entry) = self.places[at as usize].entry.as_deref_mut() else { return };
        if entry.context.is_some() {
            return;
        }
        let flow = &mut entry.flow;
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        self.hosts.write(&flow.places, flow.tallies.start_ns, &mut Row(&mut row));
        entry.context = Some(row.as_slice().into());
        self.row = row;
        if flow.part == 0 && entry.life == Life::Open {
            let totals = totals(flow);
            self.hosts.later(&mut flow.places, totals);
        }
    }

    /// Takes a flow out of the index, and gives its record out if its context was read already.
    fn end(&mut self, at: u32, end: FlowEnd, out: &mut Vec<FlowRecord>) {
        let Some(entry) = self.places[at as usize].entry.as_deref_mut() else { return };
        let was_open = entry.life == Life::Open;
        entry.life = Life::Ended(end);
        // A part's totals are not those of the flow; its hosts were told with the first part.
        if was_open && entry.flow.part == 0 {
            let totals = totals(&entry.flow);
            self.hosts.later(&mut entry.flow.places, totals);
        }
        let ready = entry.context.is_some();
        let hash = self.hasher.hash_one(entry.flow.key);
        if let Ok(found) = self.index.find_entry(hash, |other| *other == at) {
            found.remove();
        }
        if ready {
            self.emit(at, end, out);
            self.release(at);
        }
    }

    fn emit(&mut self, at: u32, end: FlowEnd, out: &mut Vec<FlowRecord>) {
        self.ended[end as usize] += 1;
        let Some(entry) = self.places[at as usize].entry.as_deref() else { return };
        let context = entry.context.as_deref().unwrap_or(&[]);
        out.push(record(self.config.capture, &self.config.sensor, &entry.flow, context, end, &mut self.row));
    }

    /// Frees a place. Its memory stays for the next flow.
    fn release(&mut self, at: u32) {
        let place = &mut self.places[at as usize];
        place.generation = place.generation.wrapping_add(1);
        self.free.push(at);
    }

    /// Ends the flow that is nearest to its deadline. `false` when there is none.
    fn evict(&mut self, out: &mut Vec<FlowRecord>) -> bool {
        let limits = self.config.flows;
        while let Some((tick, slot)) = self.wheel.pop() {
            let place = &mut self.places[slot.index as usize];
            if place.generation != slot.generation || place.tick != tick {
                continue;
            }
            place.tick = i64::MIN;
            let Some(entry) = place.entry.as_deref().filter(|entry| !matches!(entry.life, Life::Ended(_)))
            else {
                continue;
            };
            let (deadline_ns, tick_ns) = (deadline(entry, &limits), tick * TICK_NS);
            if deadline_ns <= tick_ns {
                self.end(slot.index, FlowEnd::Evicted, out);
                return true;
            }
            self.look_at(slot.index, deadline_ns, tick_ns);
        }
        false
    }

    /// Ends everything and forgets every host. Contexts are read first, in their order, so that no end is known to an earlier flow.
    pub(crate) fn drain(&mut self, out: &mut Vec<FlowRecord>) {
        self.read_before(i64::MAX, out);
        let mut open: Vec<u32> = self.index.drain().collect();
        open.sort_unstable_by_key(|at| {
            self.entry(*at).map(|entry| (entry.flow.tallies.start_ns, entry.flow.places.serial()))
        });
        for at in open {
            let end = match self.entry(at).map(|entry| entry.life) {
                Some(Life::Closed { end, .. }) => end,
                _ => FlowEnd::Drained,
            };
            self.end(at, end, out);
        }
        // What comes next may be earlier than all that was seen.
        self.wheel = Wheel::new();
        self.hosts.clear();
    }
}

fn totals(flow: &Flow) -> Later {
    Later::Totals { packets: flow.packets(), payload_bytes: flow.payload_bytes() }
}

/// When a flow is over unless something happens.
fn deadline(entry: &Entry, limits: &FlowLimits) -> i64 {
    if let Life::Closed { at_ns, .. } = entry.life {
        return at_ns + limits.closed_linger_ns;
    }
    let flow = &entry.flow;
    let idle_ns = match flow.key.protocol {
        protocol::TCP if flow.answer_ns.is_none() && flow.progress.attempted() => limits.idle_unanswered_ns,
        protocol::TCP => limits.idle_tcp_ns,
        protocol::UDP | protocol::UDP_LITE => limits.idle_udp_ns,
        _ => limits.idle_other_ns,
    };
    flow.tallies.last_ns + idle_ns
}
