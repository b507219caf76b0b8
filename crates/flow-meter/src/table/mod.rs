//! Live flows and when they end.
//!
//! Packet time only. What happens goes into a log: a flow's begin, its first answer and reset, what it carried, when its
//! context is due, and at last all that its record says but the context.

use crate::FlowLimits;
use crate::context::{Hashes, Parties};
use crate::decode::{Packet, flag};
use crate::events::{At, Event, Log, Moment, Phase, What};
use crate::flow::{Flow, Life};
use crate::front::{Item, Packets};
use crate::index::Index;
use crate::key::{FlowKey, Layer, protocol};
use crate::prefetch;
use crate::record::{FlowEnd, FlowSummary};
use crate::slab::Slab;
use crate::wheel::{Slot, TICK_NS, Wheel};
use std::collections::VecDeque;

/// Packets whose flows are fetched together before the first of them is counted.
const TOGETHER: usize = 32;

/// What a table counts of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableCounters {
    /// Flows begun.
    pub(crate) started: u64,
    /// Records by [`FlowEnd`].
    pub(crate) ended: [u64; FlowEnd::COUNT],
    /// Contexts read before their look-ahead was over.
    pub(crate) early_contexts: u64,
    /// Flows open now.
    pub(crate) open: usize,
}

/// Live flows of one input, or those of them whose hash leads here.
pub struct FlowTable {
    limits: FlowLimits,
    look_ahead_ns: i64,
    index: Index,
    flows: Slab<Flow>,
    free: Vec<At>,
    wheel: Wheel,
    readings: VecDeque<(i64, Slot)>,
    /// Until this time nothing is due.
    quiet_until_ns: i64,
    epoch: u32,
    counters: TableCounters,
    log: Log,
    due: Vec<(u64, At, FlowEnd)>,
}

impl FlowTable {
    /// A table without flows. `look_ahead_ns` is after how long a flow's context is read.
    #[must_use]
    pub fn new(limits: FlowLimits, look_ahead_ns: i64) -> Self {
        Self {
            limits,
            look_ahead_ns,
            index: Index::new(),
            flows: Slab::new(),
            free: Vec::new(),
            wheel: Wheel::new(),
            readings: VecDeque::new(),
            quiet_until_ns: i64::MIN,
            epoch: 0,
            counters: TableCounters::default(),
            log: Log::default(),
            due: Vec::new(),
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> TableCounters {
        TableCounters { open: self.index.len(), ..self.counters }
    }

    /// Flows open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.index.len()
    }

    /// Gives the log so far, and goes on with another.
    #[must_use]
    pub fn exchange_log(&mut self, log: Log) -> Log {
        std::mem::replace(&mut self.log, log)
    }

    /// The log so far.
    pub(crate) fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Counts the packets of one batch; `bytes` gives the frames that they came in.
    pub fn push<'a>(&mut self, packets: &Packets, bytes: impl Fn(u32) -> &'a [u8]) {
        let mut from = 0;
        for drain in &packets.drains {
            self.push_items(&packets.items[from..*drain], packets, &bytes);
            self.drain();
            from = *drain;
        }
        self.push_items(&packets.items[from..], packets, &bytes);
        if let Some(now_ns) = packets.now_ns.filter(|now_ns| *now_ns > self.quiet_until_ns) {
            self.advance(now_ns);
        }
    }

    fn push_items<'a>(&mut self, items: &[Item], packets: &Packets, bytes: &impl Fn(u32) -> &'a [u8]) {
        for together in items.chunks(TOGETHER) {
            let mut likely = [None; TOGETHER];
            together.iter().for_each(|item| self.index.prefetch(item.hash));
            for (likely, item) in likely.iter_mut().zip(together) {
                *likely = self.index.likely(item.hash);
                if let Some(at) = *likely {
                    prefetch::value(self.flows.get(at));
                }
            }
            for (item, likely) in together.iter().zip(likely) {
                self.push_item(item, likely, packets, bytes(item.frame));
            }
        }
    }

    #[inline]
    fn push_item(&mut self, item: &Item, likely: Option<At>, packets: &Packets, bytes: &[u8]) {
        let ts_ns = item.packet.ts_ns;
        if ts_ns > self.quiet_until_ns {
            self.advance(ts_ns);
        }
        let flows = &self.flows;
        let is_it = |at: &At| {
            let flow = flows.get(*at);
            flow.life != Life::Ended && flow.key.is_of(&item.packet, item.layer, item.source_is_low)
        };
        let found = likely.filter(is_it).or_else(|| self.index.find(item.hash, |at| is_it(&at)));
        let at = match found {
            Some(at) if self.goes_on(at, item) => at,
            _ => self.begin(item, packets, bytes),
        };
        self.update(at, item, bytes);
    }

    fn moment(&self, phase: Phase, at_ns: i64, number: u64) -> Moment {
        Moment { epoch: self.epoch, at_ns, phase, number }
    }

    fn tell(&mut self, moment: Moment, at: At, what: What) {
        self.log.events.push(Event { moment, at, what });
    }

    /// Whether the packet belongs to the flow that its key finds. If not, that flow is ended here.
    #[inline]
    fn goes_on(&mut self, at: At, item: &Item) -> bool {
        let flow = self.flows.get(at);
        let ts_ns = item.packet.ts_ns;
        let quiet_ns = ts_ns - flow.tallies.last_ns;
        let age_ns = ts_ns - flow.tallies.start_ns;
        if flow.life == Life::Open && quiet_ns < self.limits.idle_min_ns() && age_ns < self.limits.active_ns {
            return true;
        }
        self.may_go_on(at, item)
    }

    fn may_go_on(&mut self, at: At, item: &Item) -> bool {
        let packet = &item.packet;
        let flow = self.flows.get(at);
        let deadline_ns = deadline(flow, &self.limits);
        let new_syn = packet.tcp.is_some_and(|tcp| tcp.flags & (flag::SYN | flag::ACK) == flag::SYN);
        let now = self.moment(Phase::Packet, packet.ts_ns, item.number);
        match flow.life {
            Life::Closed { end, .. } if new_syn || packet.ts_ns >= deadline_ns => {
                self.end(at, end, now);
                false
            }
            Life::Open if packet.ts_ns >= deadline_ns => {
                self.end(at, FlowEnd::Idle, now);
                false
            }
            Life::Open if packet.ts_ns - flow.tallies.start_ns >= self.limits.active_ns => {
                self.cut(at, now);
                true
            }
            _ => true,
        }
    }

    /// Gives out the part so far and begins the next.
    fn cut(&mut self, at: At, now: Moment) {
        self.read(at, now);
        self.emit(at, FlowEnd::Active, now);
        let reading_ns = now.at_ns + self.look_ahead_ns;
        let flow = self.flows.get_mut(at);
        flow.next_part(now.at_ns, now.number);
        flow.read = false;
        flow.reading_ns = reading_ns;
        let slot = Slot { index: at, generation: flow.generation };
        self.readings.push_back((reading_ns, slot));
        self.find_quiet();
    }

    fn begin(&mut self, item: &Item, packets: &Packets, bytes: &[u8]) -> At {
        let packet = &item.packet;
        let key = FlowKey::new(packet, item.layer, item.source_is_low);
        let now = self.moment(Phase::Packet, packet.ts_ns, item.number);
        self.make_room(now);
        // Who answers a handshake did not begin it.
        let bits = packet.tcp.map_or(0, |tcp| tcp.flags & (flag::SYN | flag::ACK));
        let answered = bits == flag::SYN | flag::ACK;
        let initiator_is_low = item.source_is_low != answered;
        let mut flow = Flow::new(key, item.hash, item.number, initiator_is_low, packet.ts_ns);
        let (initiator, responder) = key.ends(initiator_is_low);
        let parties = Parties {
            initiator: initiator.0,
            responder: responder.0,
            responder_port: responder.1,
            protocol: key.protocol,
            version: key.version,
            syn: bits == flag::SYN,
            outer: key.layer == Layer::Outer,
            hashes: Hashes::default(),
        };
        let from = item.hops_at as usize;
        flow.came_from(packet, bytes, &packets.hops[from..from + usize::from(item.hops)]);
        if answered {
            flow.connection.note_flip();
        }
        flow.reading_ns = packet.ts_ns + self.look_ahead_ns;
        self.counters.started += 1;
        let at = self.place(flow);
        self.index.insert(item.hash, at);
        let flow = self.flows.get(at);
        let slot = Slot { index: at, generation: flow.generation };
        self.readings.push_back((flow.reading_ns, slot));
        self.find_quiet();
        self.tell(now, at, What::Begin(parties.hashed()));
        at
    }

    fn place(&mut self, mut flow: Flow) -> At {
        let Some(at) = self.free.pop() else { return self.flows.push(flow) };
        let old = self.flows.get_mut(at);
        flow.generation = old.generation;
        *old = flow;
        at
    }

    /// Keeps the open flows, and as many again that ended and wait for their context, within `flows_max`. In a flood of
    /// one instant nobody's look-ahead would ever be over: then the oldest contexts are read early.
    fn make_room(&mut self, now: Moment) {
        let flows_max = self.limits.flows_max.max(1);
        while self.index.len() >= flows_max && self.evict(now) {}
        while self.flows.len() - self.free.len() >= flows_max.saturating_mul(2) {
            let Some((due_ns, slot)) = self.readings.pop_front() else { return };
            self.counters.early_contexts += 1;
            self.read_due(slot, due_ns, now);
        }
    }

    #[inline]
    fn update(&mut self, at: At, item: &Item, bytes: &[u8]) {
        let packet = &item.packet;
        let flow = self.flows.get_mut(at);
        let direction = flow.direction(item.source_is_low);
        let unanswered = flow.answer_ns().is_none();
        let whole = !flow.connection.was_reset();
        flow.update(packet, bytes, direction, self.limits.keep_first_payload);
        let answered = unanswered && flow.answer_ns().is_some();
        let over = flow.life == Life::Open && (flow.connection.was_reset() || flow.connection.finished());
        let reset = whole && flow.connection.was_reset();
        if answered || over || reset {
            self.tell_progress(at, packet, item.number, [answered, reset, over]);
        }
        let flow = self.flows.get(at);
        if over || flow.tick == i64::MIN || (flow.answer_ns().is_none() && flow.is_tcp()) {
            let deadline_ns = deadline(flow, &self.limits);
            self.look_at(at, deadline_ns, packet.ts_ns);
        }
    }

    fn tell_progress(&mut self, at: At, packet: &Packet, number: u64, [answered, reset, over]: [bool; 3]) {
        let now = self.moment(Phase::Packet, packet.ts_ns, number);
        if answered {
            self.tell(now, at, What::Answer);
        }
        if reset {
            self.tell(now, at, What::Reset);
        }
        if over {
            let flow = self.flows.get_mut(at);
            let end = if flow.connection.was_reset() { FlowEnd::Reset } else { FlowEnd::Fin };
            flow.life = Life::Closed { at_ns: packet.ts_ns, end };
            // A part's totals are not those of the flow; its hosts were told with the first part.
            if flow.part == 0 {
                let totals = flow.totals();
                self.tell(now, at, What::Carried(totals));
            }
        }
    }

    /// Has the wheel look at a flow by its deadline, unless it will look at it before that anyway.
    fn look_at(&mut self, at: At, deadline_ns: i64, now_ns: i64) {
        let flow = self.flows.get_mut(at);
        if flow.tick != i64::MIN && flow.tick * TICK_NS <= deadline_ns + TICK_NS {
            return;
        }
        let slot = Slot { index: at, generation: flow.generation };
        flow.tick = self.wheel.schedule(slot, deadline_ns, now_ns);
        self.find_quiet();
    }

    fn find_quiet(&mut self) {
        let tick_ns = self.wheel.next_ns().unwrap_or(i64::MAX);
        let reading_ns = self.readings.front().map_or(i64::MAX, |(due_ns, _)| *due_ns);
        self.quiet_until_ns = reading_ns.min(tick_ns.saturating_sub(1));
    }

    /// Reads the contexts that are due and ends the flows whose time is over, in the order of packet time.
    fn advance(&mut self, now_ns: i64) {
        while let Some(tick_ns) = self.wheel.next_ns().filter(|tick_ns| *tick_ns <= now_ns) {
            self.read_before(tick_ns);
            self.tick(tick_ns);
        }
        self.read_before(now_ns);
        self.find_quiet();
    }

    fn tick(&mut self, tick_ns: i64) {
        let (tick, slots) = self.wheel.take();
        let mut due = std::mem::take(&mut self.due);
        for slot in slots {
            let flow = self.flows.get_mut(slot.index);
            if flow.generation != slot.generation || flow.tick != tick {
                continue;
            }
            flow.tick = i64::MIN;
            let deadline_ns = deadline(flow, &self.limits);
            match flow.life {
                Life::Ended => {}
                _ if deadline_ns > tick_ns => self.look_at(slot.index, deadline_ns, tick_ns),
                Life::Closed { end, .. } => due.push((flow.number, slot.index, end)),
                Life::Open => due.push((flow.number, slot.index, FlowEnd::Idle)),
            }
        }
        // In the order of their begin: that of the wheel depends on which other flows are in this table.
        due.sort_unstable_by_key(|(number, ..)| *number);
        for (number, at, end) in due.drain(..) {
            self.end(at, end, self.moment(Phase::TimeOut, tick_ns, number));
        }
        self.due = due;
    }

    /// Reads every context that is due before `now_ns`. One that is due at that very moment still waits, so that it
    /// sees all packets of its last nanosecond.
    fn read_before(&mut self, now_ns: i64) {
        while let Some((due_ns, slot)) = self.readings.front().copied().filter(|(due, _)| *due < now_ns) {
            self.readings.pop_front();
            let number = self.flows.get(slot.index).part_number;
            self.read_due(slot, due_ns, self.moment(Phase::Reading, due_ns, number));
        }
    }

    fn read_due(&mut self, slot: Slot, due_ns: i64, now: Moment) {
        let flow = self.flows.get(slot.index);
        if flow.generation != slot.generation || flow.reading_ns != due_ns {
            return;
        }
        self.read(slot.index, now);
        if self.flows.get(slot.index).life == Life::Ended {
            self.release(slot.index);
        }
    }

    /// Says that the flow's context is due, and what it has carried so far.
    fn read(&mut self, at: At, now: Moment) {
        let flow = self.flows.get_mut(at);
        if flow.read {
            return;
        }
        flow.read = true;
        let carried = (flow.part == 0 && flow.life == Life::Open).then(|| flow.totals());
        let start_ns = flow.tallies.start_ns;
        self.tell(now, at, What::Read { start_ns, carried });
    }

    /// Takes a flow out of the index and says all that its record needs.
    fn end(&mut self, at: At, end: FlowEnd, now: Moment) {
        let flow = self.flows.get_mut(at);
        let was_open = flow.life == Life::Open;
        flow.life = Life::Ended;
        let (hash, read, part) = (flow.hash, flow.read, flow.part);
        if was_open && part == 0 {
            let totals = flow.totals();
            self.tell(now, at, What::Carried(totals));
        }
        self.index.remove(hash, at);
        self.emit(at, end, now);
        if read {
            self.release(at);
        } else {
            self.flows.get_mut(at).forget();
        }
    }

    fn emit(&mut self, at: At, end: FlowEnd, now: Moment) {
        self.counters.ended[end as usize] += 1;
        let mut summary = self.log.spare.pop().unwrap_or_else(|| Box::new(FlowSummary::default()));
        self.flows.get_mut(at).summarise(
            &mut summary,
            end != FlowEnd::Active,
            self.limits.keep_first_payload,
        );
        self.tell(now, at, What::Part(end, summary));
    }

    /// Frees a place. Its memory stays for the next flow.
    fn release(&mut self, at: At) {
        let flow = self.flows.get_mut(at);
        flow.generation = flow.generation.wrapping_add(1);
        flow.forget();
        self.free.push(at);
    }

    /// Ends the flow that is nearest to its deadline. `false` when there is none.
    fn evict(&mut self, now: Moment) -> bool {
        while let Some((tick, slot)) = self.wheel.pop() {
            let flow = self.flows.get_mut(slot.index);
            if flow.generation != slot.generation || flow.tick != tick {
                continue;
            }
            flow.tick = i64::MIN;
            if flow.life == Life::Ended {
                continue;
            }
            let (deadline_ns, tick_ns) = (deadline(flow, &self.limits), tick * TICK_NS);
            if deadline_ns <= tick_ns {
                self.end(slot.index, FlowEnd::Evicted, now);
                return true;
            }
            self.look_at(slot.index, deadline_ns, tick_ns);
        }
        false
    }

    /// Ends everything. Contexts are read first, in their order, so that no end is known to an earlier flow.
    pub fn drain(&mut self) {
        self.read_before(i64::MAX);
        let flows = &self.flows;
        let mut open: Vec<(u64, At)> = self.index.iter().map(|at| (flows.get(at).number, at)).collect();
        open.sort_unstable();
        for (number, at) in open {
            let end = match self.flows.get(at).life {
                Life::Closed { end, .. } => end,
                _ => FlowEnd::Drained,
            };
            self.end(at, end, self.moment(Phase::Drain, i64::MAX, number));
        }
        // What comes next may be earlier than all that was seen.
        self.wheel = Wheel::new();
        self.readings.clear();
        self.quiet_until_ns = i64::MIN;
        self.epoch += 1;
    }
}

/// When a flow is over unless something happens.
fn deadline(flow: &Flow, limits: &FlowLimits) -> i64 {
    if let Life::Closed { at_ns, .. } = flow.life {
        return at_ns + limits.closed_linger_ns;
    }
    let idle_ns = match flow.key.protocol {
        protocol::TCP if flow.answer_ns().is_none() && flow.connection.attempted() => {
            limits.idle_unanswered_ns
        }
        protocol::TCP => limits.idle_tcp_ns,
        protocol::UDP | protocol::UDP_LITE => limits.idle_udp_ns,
        _ => limits.idle_other_ns,
    };
    flow.tallies.last_ns + idle_ns
}
