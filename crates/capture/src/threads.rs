//! One capture metered by several threads: one reads and decodes, each table of flows has one, and the caller's joins.
//!
//! A batch goes through as a unit: every table gets its packets of it (or none, and the time), and the joiner merges one
//! log of each. So the records come in the order of one thread. Every channel has a bound; whoever is slowest is waited
//! for. When the caller stops, the channels close, and so does everyone behind them.

use crate::{FrameSource, SharedBatch, SourceError};
use flow_meter::{
    FlowTable, Front, Joiner, Log, MeterConfig, MeterCounters, Packets, Receiver, TableCounters,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as From, SyncSender, sync_channel};
use std::thread;

/// Batches under way between two threads, at most.
const UNDER_WAY_MAX: usize = 8;

/// One batch on its way to a table.
struct Work {
    batch: Arc<SharedBatch>,
    packets: Packets,
    /// What the front had counted when the batch was done.
    counters: MeterCounters,
}

/// What a table made of a batch.
struct Told {
    log: Log,
    front: MeterCounters,
    table: TableCounters,
}

/// Both ends of the channels of one table.
struct Lane {
    work: SyncSender<Work>,
    used: From<Packets>,
}

struct Ear {
    told: From<Told>,
    used: SyncSender<Log>,
}

/// Meters `source` on so many processors: reading with decoding, joining, and a table of flows take about a third of the
/// work each, so for every two processors there is one table. `after_batch` may stop it.
pub(crate) fn meter<S, T, E>(
    source: &mut S,
    config: MeterConfig,
    processors: NonZeroUsize,
    out: &mut T,
    mut after_batch: impl FnMut(&mut T, &MeterCounters) -> Result<(), E>,
) -> Result<(Option<SourceError>, MeterCounters), E>
where
    S: FrameSource + Send + ?Sized,
    T: Receiver,
{
    let tables = processors.get().div_ceil(2);
    let mut limits = config.flows;
    limits.flows_max = limits.flows_max.div_ceil(tables);
    let look_ahead_ns = config.context.look_ahead_ns;
    let mut joiner = Joiner::new(config.capture, config.sensor, config.context, tables);
    thread::scope(|scope| {
        let (mut lanes, mut ears) = (Vec::new(), Vec::new());
        for _ in 0..tables {
            let (work, works) = sync_channel(UNDER_WAY_MAX);
            let (give_back, used) = sync_channel(UNDER_WAY_MAX);
            let (tell, told) = sync_channel(UNDER_WAY_MAX);
            let (used_log, used_logs) = sync_channel(UNDER_WAY_MAX);
            lanes.push(Lane { work, used });
            ears.push(Ear { told, used: used_log });
            let table = FlowTable::new(limits, look_ahead_ns);
            scope.spawn(move || count(table, &works, &give_back, &tell, &used_logs));
        }
        let front = scope.spawn(move || read(source, &lanes));
        let mut counters = MeterCounters::default();
        let mut logs = Vec::with_capacity(ears.len());
        let mut tables = vec![TableCounters::default(); ears.len()];
        loop {
            for (ear, table) in ears.iter().zip(&mut tables) {
                let Ok(told) = ear.told.recv() else { break };
                (counters, *table) = (told.front, told.table);
                logs.push(told.log);
            }
            // All tables tell of every batch, and stop after the same.
            if logs.len() < ears.len() {
                break;
            }
            joiner.take(&mut logs, out);
            for (ear, log) in ears.iter().zip(logs.drain(..)) {
                // Nobody needs it when the way back is full or closed.
                drop(ear.used.try_send(log));
            }
            after_batch(out, &counters.with(&tables, &joiner))?;
        }
        drop(ears);
        let (stopped, counters) = match front.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok((stopped, counters.with(&tables, &joiner)))
    })
}

/// Reads and decodes to the end of the source, or until nobody listens.
fn read<S: FrameSource + ?Sized>(source: &mut S, lanes: &[Lane]) -> (Option<SourceError>, MeterCounters) {
    let mut front = Front::default();
    let mut tables: Vec<Packets> = lanes.iter().map(|_| Packets::default()).collect();
    let stopped = loop {
        let batch = match source.next_shared() {
            Ok(Some(batch)) => Arc::new(batch),
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        for (index, frame) in (0..).zip(batch.as_batch()) {
            front.push(&frame, index, &mut tables);
        }
        front.finish(&mut tables);
        let counters = front.counters();
        for (lane, table) in lanes.iter().zip(&mut tables) {
            let next = lane.used.try_recv().unwrap_or_default();
            let packets = std::mem::replace(table, next);
            if lane.work.send(Work { batch: Arc::clone(&batch), packets, counters }).is_err() {
                return (None, counters);
            }
        }
    };
    (stopped, front.counters())
}

/// Counts one table's packets, batch by batch, and ends its flows when there are no more.
fn count(
    mut table: FlowTable,
    works: &From<Work>,
    give_back: &SyncSender<Packets>,
    tell: &SyncSender<Told>,
    used_logs: &From<Log>,
) {
    let mut front = MeterCounters::default();
    let tell_all = |table: &mut FlowTable, front| {
        let log = table.exchange_log(used_logs.try_recv().unwrap_or_default());
        tell.send(Told { log, front, table: table.counters() }).is_ok()
    };
    while let Ok(Work { batch, mut packets, counters }) = works.recv() {
        let frames = batch.as_batch();
        table.push(&packets, |index| frames.get(index as usize).map_or(&[], |frame| frame.bytes));
        packets.clear();
        // Nobody needs it when the way back is full or closed.
        drop(give_back.try_send(packets));
        front = counters;
        if !tell_all(&mut table, front) {
            return;
        }
    }
    table.drain();
    tell_all(&mut table, front);
}
