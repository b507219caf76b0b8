//! Where flows begin and end, and what their records say.

use crate::packets::{Made, feature, ipv4, meter, packet, run};
use flow_meter::{FlowEnd, FlowLimits, MeterConfig};
use schema::{CaptureId, FlowEndReason, FlowRecord};

const A: (u8, u16) = (1, 40_000);
const B: (u8, u16) = (2, 80);

fn tcp(at_s: f64, forward: bool, flags: &str, payload: &[u8]) -> Made {
    if forward { packet(at_s, A, B, flags, payload) } else { packet(at_s, B, A, flags, payload) }
}

fn handshake(at_s: f64) -> Vec<Made> {
    vec![tcp(at_s, true, "S", b""), tcp(at_s + 0.01, false, "SA", b""), tcp(at_s + 0.02, true, "A", b"")]
}

/// (packets forward, packets backward, state, history, reason) of each record.
fn summary(records: &[FlowRecord]) -> Vec<(u64, u64, &str, &str, FlowEndReason)> {
    let packets = |traffic: &Option<schema::Traffic>| traffic.as_ref().map_or(0, |t| t.packets);
    let one = |r: &FlowRecord| {
        (packets(&r.forward), packets(&r.backward), r.state.clone(), r.history.clone(), r.end_reason())
    };
    let all: Vec<_> = records.iter().map(one).collect();
    all.into_iter().map(|(f, b, s, h, e)| (f, b, &*s.leak(), &*h.leak(), e)).collect()
}

#[test]
fn a_connection_is_one_flow_with_its_late_ack() {
    let mut packets = handshake(0.0);
    packets.push(tcp(0.1, true, "PA", b"GET / HTTP/1.1\r\n\r\n"));
    packets.push(tcp(0.2, false, "PA", b"HTTP/1.1 200 OK\r\n\r\n"));
    packets.push(tcp(0.3, true, "FA", b""));
    packets.push(tcp(0.4, false, "FA", b""));
    packets.push(tcp(0.5, true, "A", b""));
    let records = meter(&packets);
    assert_eq!(summary(&records), [(5, 3, "SF", "ShADdFf", FlowEndReason::EndOfFlow)]);
    let record = &records[0];
    assert_eq!((&record.source_ip[..], record.source_port), (&[10, 0, 0, 1][..], 40_000));
    let application = record.application.as_ref().expect("application");
    assert_eq!((application.protocol.as_str(), application.confirmed), ("http", true));
    assert_eq!(feature(record, "fwd_payload_bytes"), 18.0);
    assert_eq!(feature(record, "duration"), 0.5);
    assert_eq!(feature(record, "first10_fwd_packets"), 5.0);
    assert_eq!(feature(record, "syn_share"), 0.25);
    assert!((feature(record, "response_time") - 0.01).abs() < 1e-6);
}

#[test]
fn a_new_syn_after_the_end_is_a_new_flow_and_so_is_a_late_packet() {
    let mut packets = handshake(0.0);
    packets.push(tcp(0.3, true, "FA", b""));
    packets.push(tcp(0.4, false, "FA", b""));
    packets.push(tcp(1.0, true, "S", b""));
    packets.push(tcp(1.1, false, "RA", b""));
    packets.push(tcp(9.0, true, "A", b""));
    let records = meter(&packets);
    let mut states: Vec<_> = records.iter().map(|r| r.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["OTH", "REJ", "SF"]);
}

#[test]
fn idle_time_outs_depend_on_what_the_flow_is() {
    let udp = |at_s| packet(at_s, (1, 5000), (2, 6000), "udp", b"x");
    let ping = |at_s| packet(at_s, (1, 8), (2, 0), "icmp", b"x");
    for (packets, flows) in [
        (vec![udp(0.0), udp(59.0)], 1),
        (vec![udp(0.0), udp(61.0)], 2),
        (vec![ping(0.0), ping(29.0)], 1),
        (vec![ping(0.0), ping(31.0)], 2),
        (vec![tcp(0.0, true, "S", b""), tcp(9.0, true, "S", b"")], 1),
        (vec![tcp(0.0, true, "S", b""), tcp(11.0, true, "S", b"")], 2),
        (vec![tcp(0.0, true, "A", b""), tcp(100.0, true, "A", b"")], 1),
    ] {
        assert_eq!(meter(&packets).len(), flows, "after {} s", packets[1].at_s);
    }
}

#[test]
fn a_long_flow_leaves_in_parts_that_add_up() {
    let packets: Vec<_> =
        (0..300).map(|n| packet(f64::from(n), (1, 5000), (2, 6000), "udp", b"xy")).collect();
    let records = meter(&packets);
    let parts: Vec<_> = records.iter().map(|r| (r.part, r.end_reason())).collect();
    assert_eq!(parts, [(0, FlowEndReason::Active), (1, FlowEndReason::Active), (2, FlowEndReason::Forced)]);
    let total: u64 = records.iter().map(|r| r.forward.as_ref().map_or(0, |t| t.packets)).sum();
    assert_eq!(total, 300);
    let mut ids: Vec<_> = records.iter().map(|r| &r.flow_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn who_answers_a_handshake_did_not_begin_it() {
    let records = meter(&[tcp(0.0, false, "SA", b""), tcp(0.1, true, "A", b"")]);
    assert_eq!(records[0].source_port, u32::from(A.1));
    assert_eq!(records[0].history, "^hA");
}

#[test]
fn question_and_answer_of_icmp_share_a_flow() {
    let request = packet(0.0, (1, 8), (2, 0), "icmp", b"ping");
    let reply = packet(0.1, (2, 0), (1, 8), "icmp", b"ping");
    let records = meter(&[request, reply]);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].state, "SF");
    assert_eq!(feature(&records[0], "is_icmp"), 1.0);
}

#[test]
fn later_fragments_belong_to_the_flow_of_the_first() {
    let datagram = [&[0x13, 0x88, 0x17, 0x70, 0, 40, 0, 0][..], &[7; 16]].concat();
    let first = Made { at_s: 0.0, bytes: ipv4(17, 1, 2, 0x2000, &datagram) };
    let second = Made { at_s: 0.1, bytes: ipv4(17, 1, 2, 3, &[8; 16]) };
    let (records, meter) = run(&[first, second], MeterConfig::new(CaptureId::default(), "test"));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].forward.as_ref().map(|t| (t.packets, t.payload_bytes)), Some((2, 32)));
    assert_eq!(meter.counters().orphan_fragments, 0);
    let alone = Made { at_s: 0.1, bytes: ipv4(17, 1, 2, 3, &[8; 16]) };
    let (records, meter) = run(&[alone], MeterConfig::new(CaptureId::default(), "test"));
    assert_eq!((records.len(), meter.counters().orphan_fragments), (1, 1));
}

/// IPv6 in Ethernet, in a VLAN: a fragment of datagram 9 at `place`, whose fragment header names `next`.
fn ipv6_fragment(vlan: u8, next: u8, place: u16, inside: &[u8]) -> Vec<u8> {
    let length = (8 + inside.len() as u16).to_be_bytes();
    let place = place.to_be_bytes();
    let ends = [[0xfd; 16], [0xfe; 16]].concat();
    [
        &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, vlan, 0x86, 0xdd, 0x60, 0, 0, 0][..],
        &[length[0], length[1], 44, 64],
        &ends,
        &[next, 0, place[0], place[1], 0, 0, 0, 9],
        inside,
    ]
    .concat()
}

/// The fragment headers of a datagram with options before UDP all name the options, and only the first fragment has them.
#[test]
fn the_first_fragment_says_which_protocol_the_others_are_of() {
    const OPTIONS: [u8; 8] = [17, 0, 1, 4, 0, 0, 0, 0];
    let udp = [0x13, 0x88, 0x17, 0x70, 0, 24, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7];
    let first = Made { at_s: 0.0, bytes: ipv6_fragment(5, 60, 1, &[&OPTIONS[..], &udp].concat()) };
    let second = Made { at_s: 0.1, bytes: ipv6_fragment(5, 60, 24, &[8; 8]) };
    let (records, counted) = run(&[first, second.clone()], MeterConfig::new(CaptureId::default(), "test"));
    assert_eq!((records.len(), counted.counters().orphan_fragments), (1, 0));
    assert_eq!((records[0].protocol, records[0].forward.as_ref().map(|t| t.packets)), (17, Some(2)));
    // The same datagram of another VLAN is another.
    let first = Made { at_s: 0.0, bytes: ipv6_fragment(6, 60, 1, &[&OPTIONS[..], &udp].concat()) };
    let (records, counted) = run(&[first, second], MeterConfig::new(CaptureId::default(), "test"));
    assert_eq!((records.len(), counted.counters().orphan_fragments), (2, 1));
}

#[test]
fn a_header_cut_into_tiny_fragments_still_shows_its_flags() {
    let header = [&[0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0][..]].concat();
    let first = Made { at_s: 0.0, bytes: ipv4(6, 1, 2, 0x2000, &header[..8]) };
    let second = Made { at_s: 0.1, bytes: ipv4(6, 1, 2, 0x2001, &header[8..16]) };
    let third = Made { at_s: 0.2, bytes: ipv4(6, 1, 2, 2, &header[16..]) };
    let answer = packet(0.3, (2, 80), (1, 40_000), "RA", b"");
    let records = meter(&[first, second, third, answer]);
    assert_eq!(summary(&records), [(3, 1, "REJ", "Sr", FlowEndReason::EndOfFlow)]);
    assert_eq!(feature(&records[0], "fwd_initial_window"), 1024.0);
}

#[test]
fn a_short_snap_length_still_gives_ports() {
    let mut cut = packet(0.0, A, B, "S", b"");
    cut.bytes.truncate(14 + 20 + 8);
    let records = meter(&[cut]);
    assert_eq!((records[0].source_port, records[0].destination_port), (40_000, 80));
}

#[test]
fn a_full_table_makes_room_and_counts_it() {
    let limits = FlowLimits { flows_max: 10, ..FlowLimits::default() };
    let config = MeterConfig { flows: limits, ..MeterConfig::new(CaptureId::default(), "test") };
    let packets: Vec<_> =
        (0..100).map(|n| packet(f64::from(n) * 0.01, (1, 1000 + n as u16), (2, 80), "S", b"")).collect();
    let (records, meter) = run(&packets, config);
    assert_eq!(records.len(), 100);
    assert_eq!(meter.counters().ended[FlowEnd::Evicted as usize], 90);
    // The oldest went first.
    let evicted = |r: &&FlowRecord| r.end_reason() == FlowEndReason::LackOfResources;
    assert!(records.iter().filter(evicted).all(|r| r.source_port < 1090));
}

#[test]
fn a_flood_of_one_instant_is_bounded_too() {
    let limits = FlowLimits { flows_max: 10, ..FlowLimits::default() };
    let config = MeterConfig { flows: limits, ..MeterConfig::new(CaptureId::default(), "test") };
    let mut meter = flow_meter::Meter::new(config);
    let (mut out, mut last) = (Vec::new(), 0);
    for n in 0..1000u16 {
        meter.push(&crate::packets::frame(&packet(0.0, (1, n), (2, 80), "S", b"")), &mut out);
        last = usize::from(n) + 1 - out.len();
        assert!(last <= 20, "{last} flows are held");
    }
    assert_eq!(meter.counters().early_contexts, 980);
    meter.drain(&mut out);
    assert_eq!((out.len(), last), (1000, 20));
}

#[test]
fn time_that_goes_back_is_clamped_or_begins_anew() {
    let udp = |at_s| packet(at_s, (1, 5000), (2, 6000), "udp", b"x");
    let config = || MeterConfig::new(CaptureId::default(), "test");
    let (records, meter) = run(&[udp(10.0), udp(9.5), udp(10.5)], config());
    assert_eq!((records.len(), meter.counters().clamped, meter.counters().epochs), (1, 1, 0));
    let (records, meter) = run(&[udp(10.0), udp(2.0), udp(3.0)], config());
    assert_eq!((records.len(), meter.counters().clamped, meter.counters().epochs), (2, 0, 1));
}

#[test]
fn a_record_waits_for_its_context_and_a_scan_shows_in_it() {
    let scan: Vec<_> =
        (0..200).map(|n| packet(f64::from(n) * 0.01, (1, 50_000), (2, 1 + n as u16), "S", b"")).collect();
    let records = meter(&scan);
    assert_eq!(records.len(), 200);
    let first = records.iter().find(|r| r.destination_port == 1).expect("first");
    // Within the look-ahead the whole scan is seen, also by its first flow.
    assert_eq!(feature(first, "initiator_60s_ports"), 200.0);
    assert_eq!(feature(first, "initiator_60s_peers"), 1.0);
    assert_eq!(feature(first, "initiator_60s_unanswered_share"), 1.0);
    assert_eq!(feature(first, "responder_60s_flows"), 200.0);
    assert_eq!(feature(first, "pair_60s_flows"), 1.0);
    assert!(feature(first, "initiator_silence").is_nan());
}

#[test]
fn every_packet_is_in_a_flow_or_in_a_counter() {
    let mut frames: Vec<Made> = handshake(0.0);
    frames.push(Made { at_s: 0.5, bytes: vec![0xff; 60] });
    frames.push(Made { at_s: 0.6, bytes: vec![1, 2, 3] });
    let mut cut = packet(0.7, A, B, "A", b"").bytes;
    cut.truncate(36);
    frames.push(Made { at_s: 0.7, bytes: cut });
    let (records, meter) = run(&frames, MeterConfig::new(CaptureId::default(), "test"));
    let counters = meter.counters();
    let in_flows: u64 = records
        .iter()
        .flat_map(|r| [&r.forward, &r.backward])
        .filter_map(|t| t.as_ref().map(|t| t.packets))
        .sum();
    assert_eq!(counters.packets, frames.len() as u64);
    assert_eq!(in_flows + counters.skipped.iter().sum::<u64>(), counters.packets);
    assert_eq!(counters.skipped.iter().filter(|count| **count > 0).count(), 3);
}
