//! Where records become complete: what the tables of flows tell goes, in the order of packet time, into the context, and
//! each flow's own context is read when it is due.

use crate::context::{ContextLimits, Heard, HostTable, Places};
use crate::events::{At, Event, Log, Phase, Totals, What};
use crate::prefetch;
use crate::record::{FlowEnd, FlowSummary, Record};
use crate::slab::Slab;
use crate::stats::Row;
use schema::{CaptureId, FlowRecord, HostWindow};

/// Takes what a meter gives.
pub trait Receiver {
    /// A complete record.
    fn flow(&mut self, record: &Record<'_>);
    /// What a busy host did in the last window.
    fn host(&mut self, window: HostWindow);
}

/// Records only.
impl Receiver for Vec<FlowRecord> {
    fn flow(&mut self, record: &Record<'_>) {
        self.push(record.to_message());
    }

    fn host(&mut self, _window: HostWindow) {}
}

/// How many there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Records.
    pub flows: u64,
    /// Host windows.
    pub hosts: u64,
}

impl Receiver for Counted {
    fn flow(&mut self, _record: &Record<'_>) {
        self.flows += 1;
    }

    fn host(&mut self, _window: HostWindow) {
        self.hosts += 1;
    }
}

/// Records and host windows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metered {
    /// In the order in which they became complete.
    pub flows: Vec<FlowRecord>,
    /// In the order of their time, and of the hosts' first flow in it.
    pub hosts: Vec<HostWindow>,
}

impl Metered {
    /// How many records and windows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len() + self.hosts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Receiver for Metered {
    fn flow(&mut self, record: &Record<'_>) {
        self.flows.push(record.to_message());
    }

    fn host(&mut self, window: HostWindow) {
        self.hosts.push(window);
    }
}

/// What is known of a place in a table of flows.
#[derive(Default)]
struct Waiting {
    places: Places,
    /// Features of the context group, once read.
    row: Vec<f32>,
    read: bool,
    /// Over, and waits for its context.
    ended: Option<(FlowEnd, Box<FlowSummary>)>,
}

/// The context of one input, and the records that wait for it.
pub struct Joiner {
    capture: CaptureId,
    sensor: String,
    hosts: HostTable,
    tables: Vec<Slab<Waiting>>,
    epoch: u32,
}

impl Joiner {
    /// For the logs of `tables` tables.
    #[must_use]
    pub fn new(capture: CaptureId, sensor: impl Into<String>, limits: ContextLimits, tables: usize) -> Self {
        Self {
            capture,
            sensor: sensor.into(),
            hosts: HostTable::new(capture, limits),
            tables: (0..tables).map(|_| Slab::new()).collect(),
            epoch: 0,
        }
    }

    /// Hosts and pairs that had to make room.
    #[must_use]
    pub fn evicted_hosts_and_pairs(&self) -> (u64, u64) {
        self.hosts.evicted()
    }

    /// Host windows given so far.
    #[must_use]
    pub fn host_windows(&self) -> u64 {
        self.hosts.windows_given()
    }

    /// A live source's time where no event tells it.
    pub(crate) fn advance(&mut self, now_ns: i64, receiver: &mut impl Receiver) {
        self.hosts.advance(now_ns, Phase::TimeOut, receiver);
    }

    /// Takes the logs of one batch, one a table, merges them and empties them. Used summaries go back with the log that
    /// they came in.
    pub fn take(&mut self, logs: &mut [Log], receiver: &mut impl Receiver) {
        if let [log] = logs {
            let mut events = std::mem::take(&mut log.events);
            self.fetch(0, &events);
            events.drain(..).for_each(|event| self.hear(0, event, log, receiver));
            log.events = events;
            return;
        }
        logs.iter().enumerate().for_each(|(table, log)| self.fetch(table, &log.events));
        let mut fronts: Vec<_> =
            logs.iter_mut().map(|log| std::mem::take(&mut log.events).into_iter().peekable()).collect();
        loop {
            let moment = |front: &mut std::iter::Peekable<std::vec::IntoIter<Event>>| {
                front.peek().map(|event| event.moment)
            };
            let next =
                fronts.iter_mut().enumerate().filter_map(|(at, front)| Some((moment(front)?, at))).min();
            let Some((_, table)) = next else { break };
            if let Some(event) = fronts[table].next() {
                self.hear(table, event, &mut logs[table], receiver);
            }
        }
    }

    /// Has all that the events will look at on its way into the cache, one step of every event after the other. What was
    /// fetched too early or for another is no harm.
    fn fetch(&mut self, table: usize, events: &[Event]) {
        let waiting = &mut self.tables[table];
        let places = events.iter().map(|event| event.at as usize + 1).max().unwrap_or(0);
        while waiting.len() < places {
            waiting.push(Waiting::default());
        }
        for event in events {
            match &event.what {
                What::Begin(parties) => self.hosts.prefetch_cells(&parties.hashes),
                _ => prefetch::value(waiting.get(event.at)),
            }
        }
        for event in events {
            match &event.what {
                What::Begin(parties) => self.hosts.prefetch_likely(&parties.hashes),
                _ => self.hosts.prefetch(&waiting.get(event.at).places),
            }
        }
        for event in events {
            match event.what {
                What::Begin(_) => {}
                What::Part(..) => prefetch::slice(&waiting.get(event.at).row),
                _ => self.hosts.prefetch_deep(&waiting.get(event.at).places),
            }
        }
    }

    #[inline]
    fn hear(&mut self, table: usize, event: Event, log: &mut Log, receiver: &mut impl Receiver) {
        let Event { moment, at, what } = event;
        if moment.epoch != self.epoch {
            self.epoch = moment.epoch;
            self.hosts.clear();
        }
        self.hosts.advance(moment.at_ns, moment.phase, receiver);
        let flow = self.tables[table].get_mut(at);
        match what {
            What::Begin(parties) => {
                flow.read = false;
                flow.places = self.hosts.start(&parties, moment.at_ns);
            }
            What::Answer => self.hosts.later(&mut flow.places, Heard::Answer),
            What::Reset => self.hosts.later(&mut flow.places, Heard::Reset),
            What::Carried(totals) => self.hosts.later(&mut flow.places, Heard::Totals(totals)),
            What::Read { start_ns, carried } => self.read(table, at, start_ns, carried, log, receiver),
            What::Part(end, summary) if flow.read => {
                flow.read = false;
                let record = Record {
                    capture: self.capture,
                    sensor: &self.sensor,
                    end,
                    summary: &summary,
                    context: &flow.row,
                };
                receiver.flow(&record);
                log.spare.push(summary);
            }
            What::Part(end, summary) => flow.ended = Some((end, summary)),
        }
    }

    fn read(
        &mut self,
        table: usize,
        at: At,
        start_ns: i64,
        carried: Option<Totals>,
        log: &mut Log,
        receiver: &mut impl Receiver,
    ) {
        let flow = self.tables[table].get_mut(at);
        flow.row.clear();
        self.hosts.write(&flow.places, start_ns, &mut Row(&mut flow.row));
        if let Some((end, summary)) = flow.ended.take() {
            let context = &flow.row;
            let record =
                Record { capture: self.capture, sensor: &self.sensor, end, summary: &summary, context };
            receiver.flow(&record);
            log.spare.push(summary);
            return;
        }
        flow.read = true;
        if let Some(totals) = carried {
            self.hosts.later(&mut flow.places, Heard::Totals(totals));
        }
    }
}
