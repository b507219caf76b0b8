//! `CICFlowMeter`'s columns, worked out by hand from its rules.

use crate::packets::{Made, frame, packet};
use flow_meter::{CicCounters, CicMeter, Decoded, decode};
use schema::cic::{COLUMNS, CicRow};

/// What the packets of the tests begin at, microseconds since 1970: the idle time that every flow has once.
const EPOCH: f64 = 1.7e15;

fn meter(packets: &[Made]) -> (Vec<CicRow>, CicCounters) {
    let (mut meter, mut rows) = (CicMeter::new(), Vec::new());
    for made in packets {
        if let Decoded::Packet(packet) = decode(&frame(made), &mut Vec::new()) {
            meter.push(&packet, &mut rows);
        }
    }
    meter.drain(&mut rows);
    (rows, meter.counters())
}

/// Every column is as expected; those that are not named are 0.
fn check(row: &CicRow, expected: &[(&str, f64)]) {
    for (name, _) in expected {
        assert!(COLUMNS.iter().any(|column| column.names[0] == *name), "there is no column {name}");
    }
    for (column, value) in COLUMNS.iter().zip(row.values) {
        let name = column.names[0];
        let wanted = expected.iter().find(|(expected, _)| *expected == name).map_or(0.0, |(_, value)| *value);
        let near = (value - wanted).abs() <= 1e-6 * wanted.abs().max(1.0);
        assert!(near || (value.is_infinite() && value == wanted), "{name}: {value}, not {wanted}");
    }
}

#[test]
fn question_and_answer() {
    let (rows, _) = meter(&[
        packet(0.0, (1, 5000), (2, 53), "udp", &[1; 30]),
        packet(0.02, (2, 53), (1, 5000), "udp", &[2; 100]),
    ]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].source.1, rows[0].destination.1, rows[0].protocol), (5000, 53, 17));
    // The first size counts twice: 30, 30 and 100.
    let variance = (70.0f64 / 3.0).powi(2) + (140.0f64 / 3.0).powi(2) / 2.0;
    check(
        &rows[0],
        &[
            ("Flow Duration", 20_000.0),
            ("Total Fwd Packet", 1.0),
            ("Total Bwd packets", 1.0),
            ("Total Length of Fwd Packet", 30.0),
            ("Total Length of Bwd Packet", 100.0),
            ("Fwd Packet Length Max", 30.0),
            ("Fwd Packet Length Min", 30.0),
            ("Fwd Packet Length Mean", 30.0),
            ("Bwd Packet Length Max", 100.0),
            ("Bwd Packet Length Min", 100.0),
            ("Bwd Packet Length Mean", 100.0),
            ("Flow Bytes/s", 6500.0),
            ("Flow Packets/s", 100.0),
            ("Flow IAT Mean", 20_000.0),
            ("Flow IAT Max", 20_000.0),
            ("Flow IAT Min", 20_000.0),
            ("Fwd Header Length", 8.0),
            ("Bwd Header Length", 8.0),
            ("Fwd Packets/s", 50.0),
            ("Bwd Packets/s", 50.0),
            ("Packet Length Min", 30.0),
            ("Packet Length Max", 100.0),
            ("Packet Length Mean", 160.0 / 3.0),
            ("Packet Length Std", variance.sqrt()),
            ("Packet Length Variance", variance),
            ("Down/Up Ratio", 1.0),
            ("Average Packet Size", 80.0),
            ("Fwd Segment Size Avg", 30.0),
            ("Bwd Segment Size Avg", 100.0),
            // Every packet is a subflow: 1/2 in whole numbers is 0.
            ("Subflow Fwd Bytes", 15.0),
            ("Subflow Bwd Bytes", 50.0),
            ("Fwd Seg Size Min", 8.0),
            ("Idle Mean", EPOCH),
            ("Idle Max", EPOCH),
            ("Idle Min", EPOCH),
        ],
    );
}

/// Of the first of them: seven packets, the last of which is the server's FIN.
const TEARDOWN: [(&str, f64); 51] = [
    ("Flow Duration", 60_000.0),
    ("Total Fwd Packet", 3.0),
    ("Total Bwd packets", 4.0),
    ("Total Length of Fwd Packet", 10.0),
    ("Total Length of Bwd Packet", 20.0),
    ("Fwd Packet Length Max", 10.0),
    ("Fwd Packet Length Mean", 10.0 / 3.0),
    ("Fwd Packet Length Std", 5.773_502_69),
    ("Bwd Packet Length Max", 20.0),
    ("Bwd Packet Length Mean", 5.0),
    ("Bwd Packet Length Std", 10.0),
    ("Flow Bytes/s", 500.0),
    ("Flow Packets/s", 7.0 / 0.06),
    ("Flow IAT Mean", 10_000.0),
    ("Flow IAT Max", 10_000.0),
    ("Flow IAT Min", 10_000.0),
    ("Fwd IAT Total", 30_000.0),
    ("Fwd IAT Mean", 15_000.0),
    ("Fwd IAT Std", 7_071.067_81),
    ("Fwd IAT Max", 20_000.0),
    ("Fwd IAT Min", 10_000.0),
    ("Bwd IAT Total", 50_000.0),
    ("Bwd IAT Mean", 50_000.0 / 3.0),
    ("Bwd IAT Std", 11_547.005_38),
    ("Bwd IAT Max", 30_000.0),
    ("Bwd IAT Min", 10_000.0),
    ("Fwd Header Length", 60.0),
    ("Bwd Header Length", 80.0),
    ("Fwd Packets/s", 50.0),
    ("Bwd Packets/s", 4.0 / 0.06),
    ("Packet Length Max", 20.0),
    // Eight sizes, the first one twice.
    ("Packet Length Mean", 3.75),
    ("Packet Length Std", 7.440_238_091_428_449),
    ("Packet Length Variance", 387.5 / 7.0),
    ("FIN Flag Count", 1.0),
    ("SYN Flag Count", 2.0),
    ("PSH Flag Count", 2.0),
    ("ACK Flag Count", 6.0),
    ("Down/Up Ratio", 1.0),
    ("Average Packet Size", 30.0 / 7.0),
    ("Fwd Segment Size Avg", 10.0 / 3.0),
    ("Bwd Segment Size Avg", 5.0),
    ("Subflow Fwd Bytes", 1.0),
    ("Subflow Bwd Bytes", 2.0),
    ("FWD Init Win Bytes", 64_240.0),
    ("Bwd Init Win Bytes", 64_240.0),
    ("Fwd Act Data Pkts", 1.0),
    ("Fwd Seg Size Min", 20.0),
    ("Idle Mean", EPOCH),
    ("Idle Max", EPOCH),
    ("Idle Min", EPOCH),
];

#[test]
fn a_fin_teardown_leaves_its_second_half_to_another_flow() {
    let (client, server) = ((1, 40_000), (2, 80));
    let (rows, counters) = meter(&[
        packet(0.00, client, server, "S", b""),
        packet(0.01, server, client, "SA", b""),
        packet(0.02, client, server, "A", b""),
        packet(0.03, client, server, "PA", &[1; 10]),
        packet(0.04, server, client, "A", b""),
        packet(0.05, server, client, "PA", &[2; 20]),
        packet(0.06, server, client, "FA", b""),
        packet(0.07, client, server, "FA", b""),
        packet(0.08, server, client, "A", b""),
    ]);
    assert_eq!(rows.len(), 2);
    check(&rows[0], &TEARDOWN);
    assert_eq!((rows[1].source.1, rows[1].values[1], rows[1].values[2]), (40_000, 1.0, 1.0));
    assert_eq!(counters, CicCounters::default());
}

/// A few columns by name.
fn some(row: &CicRow, expected: &[(&str, f64)]) {
    for (name, wanted) in expected {
        let at = COLUMNS.iter().position(|column| column.names[0] == *name).expect("column");
        assert!(
            (row.values[at] - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
            "{name}: {}",
            row.values[at]
        );
    }
}

#[test]
fn a_fin_of_the_initiator_alone_ends_nothing_but_what_it_sends_after_is_lost() {
    let (client, server) = ((1, 40_000), (2, 80));
    let (rows, counters) = meter(&[
        packet(0.0, client, server, "S", b""),
        packet(0.1, client, server, "FA", b""),
        packet(0.2, client, server, "A", b""),
        packet(0.3, client, server, "FA", b""),
        packet(0.4, server, client, "A", b""),
        packet(0.5, server, client, "FA", b""),
    ]);
    assert_eq!(rows.len(), 1);
    some(&rows[0], &[("Total Fwd Packet", 2.0), ("Total Bwd packets", 2.0), ("FIN Flag Count", 2.0)]);
    assert_eq!(counters.after_fin, 2);
}

#[test]
fn a_reset_ends_at_once() {
    let (client, server) = ((1, 40_000), (2, 80));
    let (rows, counters) = meter(&[
        packet(0.0, client, server, "S", b""),
        packet(0.005, server, client, "RA", b""),
        packet(0.006, client, server, "S", b""),
    ]);
    assert_eq!(rows.len(), 1);
    let expected = [
        ("Flow Duration", 5000.0),
        ("RST Flag Count", 1.0),
        ("SYN Flag Count", 1.0),
        ("ACK Flag Count", 1.0),
        ("Flow Packets/s", 400.0),
        ("Flow Bytes/s", 0.0),
    ];
    some(&rows[0], &expected);
    assert_eq!(counters.alone, 1);
}

#[test]
fn bulks_are_all_the_responders() {
    let mut packets: Vec<_> =
        (0..5).map(|n| packet(f64::from(n) * 0.1, (1, 5000), (2, 9000), "udp", &[1; 100])).collect();
    packets.push(packet(0.5, (2, 9000), (1, 5000), "udp", &[1; 50]));
    let (rows, _) = meter(&packets);
    let expected = [
        ("Fwd Bytes/Bulk Avg", 0.0),
        ("Bwd Bytes/Bulk Avg", 550.0),
        ("Bwd Packet/Bulk Avg", 6.0),
        ("Bwd Bulk Rate Avg", 1100.0),
        ("Fwd Act Data Pkts", 4.0),
    ];
    some(&rows[0], &expected);
}

#[test]
fn a_silence_of_more_than_five_seconds_is_idle() {
    let packets = [0.0, 1.0, 10.0, 11.0].map(|at_s| packet(at_s, (1, 5000), (2, 9000), "udp", b"x"));
    let (rows, _) = meter(&packets);
    let expected = [
        ("Active Mean", 1e6),
        ("Active Max", 1e6),
        ("Active Std", 0.0),
        ("Idle Mean", f64::midpoint(EPOCH, 9e6)),
        ("Idle Max", EPOCH),
        ("Idle Min", 9e6),
    ];
    some(&rows[0], &expected);
}

#[test]
fn a_flow_is_cut_two_minutes_after_its_start_and_simultaneous_packets_have_no_rate() {
    let packets = [0.0, 60.0, 119.0, 121.0].map(|at_s| packet(at_s, (1, 5000), (2, 9000), "udp", b"x"));
    let (rows, counters) = meter(&packets);
    assert_eq!((rows.len(), counters.alone), (1, 1));
    some(&rows[0], &[("Total Fwd Packet", 3.0), ("Flow Duration", 119e6)]);
    let at_once = [0.0, 0.0].map(|at_s| packet(at_s, (1, 5000), (2, 9000), "udp", b"x"));
    let (rows, _) = meter(&at_once);
    let rate = |name: &str| rows[0].values[COLUMNS.iter().position(|c| c.names[0] == name).expect("column")];
    assert!(rate("Flow Bytes/s").is_infinite() && rate("Flow Packets/s").is_infinite());
    let empty = [0.0, 0.0].map(|at_s| packet(at_s, (1, 5000), (2, 9000), "udp", b""));
    let (rows, _) = meter(&empty);
    assert!(
        rows[0].values[COLUMNS.iter().position(|c| c.names[0] == "Flow Bytes/s").expect("column")].is_nan()
    );
}
