//! `CICFlowMeter`'s columns, worked out by hand from its rules: all of them, for each flow in [`tables`].

mod tables;

use crate::packets::{Made, frame, ipv4, packet};
use flow_meter::{CicCounters, CicMeter, Decoded, decode};
use schema::cic::{COLUMNS, CicRow};

const CLIENT: (u8, u16) = (1, 40_000);
const SERVER: (u8, u16) = (2, 80);

fn meter(packets: &[Made]) -> (Vec<CicRow>, CicCounters) {
    run(CicMeter::new(), packets)
}

fn run(mut meter: CicMeter, packets: &[Made]) -> (Vec<CicRow>, CicCounters) {
    let mut rows = Vec::new();
    for made in packets {
        if let Decoded::Packet(packet) = decode(&frame(made), &mut Vec::new()) {
            meter.push(&packet, &mut rows);
        }
    }
    meter.drain(&mut rows);
    (rows, meter.counters())
}

/// Packets of one byte from one end to the other, at these seconds.
fn ticks(at_s: &[f64]) -> Vec<Made> {
    at_s.iter().map(|at_s| packet(*at_s, (1, 5000), (2, 9000), "udp", b"x")).collect()
}

fn column(row: &CicRow, name: &str) -> f64 {
    let at = COLUMNS.iter().position(|column| column.names[0] == name);
    row.values[at.unwrap_or_else(|| panic!("there is no column {name}"))]
}

fn near(value: f64, wanted: f64) -> bool {
    value == wanted
        || (value.is_nan() && wanted.is_nan())
        || (value - wanted).abs() <= 1e-8 * wanted.abs().max(1.0)
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// `column = value; column = value/divisor; …`.
fn parse(table: &str) -> Vec<(&str, f64)> {
    let mut entries = Vec::new();
    for entry in table.split(';') {
        let (name, value) = entry.rsplit_once('=').unwrap_or_else(|| panic!("no value: {entry}"));
        let value = value.split_once('/').map_or_else(|| number(value), |(v, by)| number(v) / number(by));
        entries.push((name.trim(), value));
    }
    entries
}

/// The columns that are named are as expected.
fn some(row: &CicRow, table: &str) {
    for (name, wanted) in parse(table) {
        let value = column(row, name);
        assert!(near(value, wanted), "{name}: {value}, not {wanted}");
    }
}

/// Every column is as expected; those that are not named are 0.
fn check(row: &CicRow, table: &str) {
    some(row, table);
    let named = parse(table);
    for (column, value) in COLUMNS.iter().zip(row.values) {
        let name = column.names[0];
        assert!(named.iter().any(|(named, _)| *named == name) || value == 0.0, "{name}: {value}, not 0");
    }
}

#[test]
fn a_flow_of_one_packet_is_not_written() {
    let (rows, counters) = meter(&ticks(&[0.0]));
    assert_eq!((rows.len(), counters), (0, CicCounters { alone: 1, ..CicCounters::default() }));
}

#[test]
fn question_and_answer() {
    let (rows, _) = meter(&[
        packet(0.0, (1, 5000), (2, 53), "udp", &[1; 30]),
        packet(0.02, (2, 53), (1, 5000), "udp", &[2; 100]),
    ]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].source.1, rows[0].destination.1, rows[0].protocol), (5000, 53, 17));
    check(&rows[0], tables::QUESTION);
}

#[test]
fn the_responders_fin_leaves_the_second_half_of_a_teardown_to_another_flow() {
    let (rows, counters) = meter(&[
        packet(0.00, CLIENT, SERVER, "S", b""),
        packet(0.01, SERVER, CLIENT, "SA", b""),
        packet(0.02, CLIENT, SERVER, "A", b""),
        packet(0.03, CLIENT, SERVER, "PA", &[1; 10]),
        packet(0.04, SERVER, CLIENT, "A", b""),
        packet(0.05, SERVER, CLIENT, "PA", &[2; 20]),
        packet(0.06, SERVER, CLIENT, "FA", b""),
        packet(0.07, CLIENT, SERVER, "FA", b""),
        packet(0.08, SERVER, CLIENT, "A", b""),
    ]);
    assert_eq!(rows.len(), 2);
    check(&rows[0], tables::TEARDOWN);
    // Its first packet is a FIN, but one that begins a flow is not counted as one: it ends nothing.
    check(&rows[1], tables::REST);
    assert_eq!(counters, CicCounters::default());
}

#[test]
fn the_initiators_fin_ends_nothing_and_only_its_repetition_is_lost() {
    let (rows, counters) = meter(&[
        packet(0.0, CLIENT, SERVER, "S", b""),
        packet(0.1, CLIENT, SERVER, "FA", b""),
        packet(0.2, CLIENT, SERVER, "A", b""),
        packet(0.3, CLIENT, SERVER, "FA", b""),
        packet(0.4, SERVER, CLIENT, "A", b""),
        packet(0.5, SERVER, CLIENT, "FA", b""),
    ]);
    assert_eq!(rows.len(), 1);
    check(&rows[0], tables::INITIATORS_FIN);
    assert_eq!(counters, CicCounters { repeated_fin: 1, ..CicCounters::default() });
}

#[test]
fn a_reset_ends_at_once() {
    let (rows, counters) = meter(&[
        packet(0.0, CLIENT, SERVER, "S", b""),
        packet(0.005, SERVER, CLIENT, "RA", b""),
        packet(0.006, CLIENT, SERVER, "S", b""),
    ]);
    assert_eq!(rows.len(), 1);
    check(&rows[0], tables::RESET);
    assert_eq!(counters.alone, 1);
}

#[test]
fn bulks_are_all_the_responders() {
    let mut packets: Vec<_> =
        (0..5).map(|n| packet(f64::from(n) * 0.1, (1, 5000), (2, 9000), "udp", &[1; 100])).collect();
    packets.push(packet(0.5, (2, 9000), (1, 5000), "udp", &[1; 50]));
    let (rows, _) = meter(&packets);
    check(&rows[0], tables::BULK);
}

#[test]
fn a_silence_of_more_than_five_seconds_is_idle() {
    let (rows, _) = meter(&ticks(&[0.0, 1.0, 10.0, 11.0]));
    check(&rows[0], tables::IDLE);
}

#[test]
fn a_flow_is_cut_two_minutes_after_its_start() {
    let (rows, counters) = meter(&ticks(&[0.0, 60.0, 119.0, 121.0]));
    assert_eq!((rows.len(), counters.alone), (1, 1));
    check(&rows[0], tables::CUT);
    let (rows, _) = meter(&ticks(&[0.0, 120.0]));
    some(&rows[0], "Flow Duration = 120000000");
}

#[test]
fn what_cuts_a_flow_is_forward_in_the_next_whoever_sent_it() {
    let (there, back) = ((1, 5000), (2, 9000));
    let (rows, _) = meter(&[
        packet(0.0, there, back, "udp", b"x"),
        packet(1.0, back, there, "udp", b"x"),
        packet(121.0, back, there, "udp", b"x"),
        packet(121.5, back, there, "udp", b"x"),
    ]);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1].source, rows[1].destination), (rows[0].source, rows[0].destination));
    some(&rows[1], "Total Fwd Packet = 1; Total Bwd packets = 1");
}

#[test]
fn simultaneous_packets_have_no_rate() {
    let (rows, _) = meter(&ticks(&[0.0, 0.0]));
    some(&rows[0], "Flow Bytes/s = inf; Flow Packets/s = inf; Fwd Packets/s = 0");
    let (rows, _) = meter(&[0.0, 0.0].map(|at_s| packet(at_s, (1, 5000), (2, 9000), "udp", b"")));
    some(&rows[0], "Flow Bytes/s = NaN; Flow Packets/s = inf");
}

#[test]
fn only_the_first_packet_tells_of_push_in_a_direction() {
    let (rows, _) = meter(&[
        packet(0.0, CLIENT, SERVER, "PA", b"x"),
        packet(0.1, SERVER, CLIENT, "PA", b"x"),
        packet(0.2, CLIENT, SERVER, "PA", b"x"),
    ]);
    some(&rows[0], "Fwd PSH Flags = 1; Bwd PSH Flags = 0; PSH Flag Count = 3");
}

#[test]
fn others_than_tcp_and_udp_have_no_ports_and_other_networks_are_not_read() {
    let ping = |at_s| packet(at_s, (1, 8), (2, 0), "icmp", &[0; 32]);
    let later = Made { at_s: 0.2, bytes: ipv4(17, 1, 2, 100, &[0; 64]) };
    let six =
        Made { at_s: 0.3, bytes: [&[0; 12][..], &[0x86, 0xdd, 0x60], &[0; 5], &[59], &[0; 33]].concat() };
    let (rows, counters) = meter(&[ping(0.0), ping(0.1), later, six]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].source.1, rows[0].destination.1, rows[0].protocol), (0, 0, 0));
    some(&rows[0], "Total Fwd Packet = 3; Total Length of Fwd Packet = 0; Fwd Header Length = 0");
    assert_eq!(counters.not_read, 1);
}

#[test]
fn the_oldest_flow_makes_room() {
    let of = |at_s, port| packet(at_s, (1, port), (2, 53), "udp", b"x");
    let packets = [of(0.0, 1), of(0.1, 2), of(0.2, 2), of(0.3, 3), of(0.4, 4), of(0.5, 3)];
    let (rows, counters) = run(CicMeter::with_limit(2), &packets);
    // The first is alone when the third begins; the second makes room for the fourth.
    assert_eq!(rows.iter().map(|row| row.source.1).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((counters.evicted, counters.alone), (2, 2));
}
