//! How frames come changes nothing: cut in two, merged, shuffled within an instant, one at a time or together, on one
//! table or several.

use crate::packets::{Made, frame, packet, run};
use flow_meter::{FlowTable, Frame, Front, Joiner, Log, Meter, MeterConfig, MeterCounters, Metered, Packets};
use proptest::prelude::*;
use schema::{CaptureId, FlowLayer, FlowRecord};

fn config() -> MeterConfig {
    MeterConfig::new(CaptureId::default(), "test")
}

/// Conversations of a few hosts, with gaps from nothing to minutes.
fn packets() -> impl Strategy<Value = Vec<Made>> {
    let flags = prop::sample::select(vec!["S", "SA", "A", "PA", "FA", "RA", "udp", "icmp"]);
    let gap = prop::sample::select(vec![0.0, 0.0, 0.001, 0.5, 1.0, 4.9, 12.0, 61.0, 130.0]);
    let one = (gap, 1u8..5, 1u8..5, 0u16..3, flags, 0usize..300);
    prop::collection::vec(one, 1..120).prop_map(|steps| {
        let mut now = 0.0;
        let made = steps.into_iter().map(|(gap, from, to, port, flags, size)| {
            now += gap;
            let payload = vec![from; if matches!(flags, "PA" | "udp") { size } else { 0 }];
            packet(now, (from, 40_000 + port), (to + 10, 80 + port), flags, &payload)
        });
        made.collect()
    })
}

/// As the meter itself, over `count` tables, in batches of `batch` frames.
fn on_tables(packets: &[Made], count: usize, batch: usize) -> (Metered, MeterCounters) {
    let config = config();
    let mut front = Front::default();
    let mut tables: Vec<Packets> = (0..count).map(|_| Packets::default()).collect();
    let new = |_| FlowTable::new(config.flows, config.context.look_ahead_ns);
    let mut flows: Vec<FlowTable> = (0..count).map(new).collect();
    let mut joiner = Joiner::new(config.capture, "test", config.context, count);
    let mut out = Metered::default();
    for made in packets.chunks(batch) {
        for (index, one) in (0..).zip(made) {
            front.push(&frame(one), index, &mut tables);
        }
        front.finish(&mut tables);
        for (flows, packets) in flows.iter_mut().zip(&mut tables) {
            flows.push(packets, |index| made[index as usize].bytes.as_slice());
            packets.clear();
        }
        join(&mut flows, &mut joiner, &mut out);
    }
    flows.iter_mut().for_each(FlowTable::drain);
    join(&mut flows, &mut joiner, &mut out);
    let counters: Vec<_> = flows.iter().map(FlowTable::counters).collect();
    (out, front.counters().with(&counters, &joiner))
}

fn join(flows: &mut [FlowTable], joiner: &mut Joiner, out: &mut Metered) {
    let mut logs: Vec<Log> = flows.iter_mut().map(|flows| flows.exchange_log(Log::default())).collect();
    joiner.take(&mut logs, out);
}

fn sorted(mut records: Vec<FlowRecord>) -> Vec<FlowRecord> {
    records.sort_by(|a, b| a.flow_id.cmp(&b.flow_id));
    records
}

/// NaN is not equal to itself; its bytes are.
fn same(left: &[FlowRecord], right: &[FlowRecord]) {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).for_each(|(left, right)| assert_eq!(left, right));
}

proptest! {
    /// The same records in the same order for any number of tables and any size of batches.
    #[test]
    fn tables_and_batches_do_not_matter(packets in packets(), tables in 1usize..5, batch in 1usize..40) {
        let (alone, meter) = run(&packets, config());
        let (spread, counters) = on_tables(&packets, tables, batch);
        same(&spread.flows, &alone);
        prop_assert_eq!(counters, meter.counters());
    }

    /// A capture cut anywhere, both halves into one meter.
    #[test]
    fn a_cut_does_not_matter(packets in packets(), at in any::<prop::sample::Index>()) {
        let (whole, _) = run(&packets, config());
        let (first, second) = packets.split_at(at.index(packets.len()));
        let mut meter = Meter::new(config());
        let mut out = Vec::new();
        meter.push_all(first.iter().map(frame), &mut out);
        meter.push_all(second.iter().map(frame), &mut out);
        meter.drain(&mut out);
        same(&out, &whole);
    }

    /// Two captures of different hosts, merged, are the flows of both. Their contexts do not touch.
    #[test]
    fn a_merge_is_the_union(left in packets(), right in packets()) {
        let elsewhere = |made: Made| {
            let mut bytes = made.bytes;
            // The third octet of both addresses.
            bytes[28] = 9;
            bytes[32] = 9;
            Made { bytes, ..made }
        };
        // Both go on for long enough that every flow ends by itself.
        let late = |mut made: Vec<Made>| {
            made.push(packet(1e5, (1, 1), (2, 2), "udp", b""));
            made
        };
        let (left, right) = (late(left), late(right));
        let right: Vec<Made> = right.into_iter().map(elsewhere).collect();
        let mut union = run(&left, config()).0;
        union.extend(run(&right, config()).0);
        let mut merged: Vec<Made> = left.into_iter().chain(right).collect();
        merged.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        same(&sorted(run(&merged, config()).0), &sorted(union));
    }

    /// Packets of different flows at one time, in any order.
    #[test]
    fn order_within_an_instant_does_not_matter(order in Just((0u16..12).collect::<Vec<_>>()).prop_shuffle()) {
        let at_once = |order: &[u16]| -> Vec<FlowRecord> {
            let flows = order.iter().map(|n| packet(1.0, (*n as u8 + 1, 5000), (*n as u8 + 100, 53), "udp", b"x"));
            let mut packets: Vec<Made> = flows.collect();
            packets.push(packet(400.0, (1, 1), (2, 2), "udp", b""));
            sorted(run(&packets, config()).0)
        };
        let straight: Vec<u16> = (0..12).collect();
        same(&at_once(&order), &at_once(&straight));
    }

    /// Every packet and every byte is in a record of the inner layer or in a counter.
    #[test]
    fn nothing_is_lost(packets in packets(), junk in prop::collection::vec((0usize..100, prop::collection::vec(any::<u8>(), 0..60)), 0..20)) {
        let mut packets = packets;
        for (at, bytes) in junk {
            let at = at.min(packets.len());
            let at_s = packets.get(at).map_or(1e6, |made| made.at_s);
            packets.insert(at, Made { at_s, bytes });
        }
        let (records, meter) = run(&packets, config());
        let counters = meter.counters();
        let inner = records.iter().filter(|record| record.layer() == FlowLayer::Inner);
        let sides = inner.flat_map(|record| [record.forward.as_ref(), record.backward.as_ref()]).flatten();
        let (count, bytes) = sides.fold((0, 0), |(count, bytes), side| (count + side.packets, bytes + side.wire_bytes));
        prop_assert_eq!(count + counters.skipped.iter().sum::<u64>(), packets.len() as u64);
        let total: u64 = packets.iter().map(|made| made.bytes.len() as u64).sum();
        prop_assert_eq!(bytes + counters.skipped_wire_bytes, total);
        prop_assert_eq!(counters.wire_bytes, total);
    }
}

/// A host that talks to a hundred others within a window is told of at the next multiple of ten seconds.
#[test]
fn a_busy_host_gives_a_window() {
    let probes = (0..150u16).map(|n| packet(2.0 + f64::from(n) * 0.01, (7, 50_000), (100, n + 1), "S", b""));
    let mut packets: Vec<Made> = probes.collect();
    packets.push(packet(25.0, (1, 1), (2, 2), "udp", b""));
    let mut meter = Meter::new(config());
    let mut out = Metered::default();
    let frames: Vec<Frame<'_>> = packets.iter().map(frame).collect();
    meter.push_all(frames, &mut out);
    let hosts: Vec<_> = out.hosts.iter().map(|window| window.host_ip[3]).collect();
    assert_eq!(hosts, [7, 100]);
    let window = &out.hosts[0];
    assert_eq!((window.start_ns % 10_000_000_000, window.end_ns - window.start_ns), (0, 10_000_000_000));
    let activity = window.as_initiator.as_ref().expect("initiator");
    assert_eq!((activity.flows, activity.peers, activity.ports, activity.unanswered), (150, 1, 150, 150));
    assert_eq!(meter.counters().host_windows, 2);
}
