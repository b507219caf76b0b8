//! The meter against two independent tools, whose counts are kept as text (testdata/golden/README.md).

use capture::{Input, InputLimits, meter_capture};
use flow_meter::{MeterConfig, MeterCounters, Metered};
use schema::{FlowLayer, FlowRecord, Traffic};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Protocol, and both ends.
type Ends = (String, (String, String), (String, String));
/// Packets, wire bytes, IP bytes and payload bytes, forward and then backward.
type Counts = [u64; 8];

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn metered(threads: usize) -> (Metered, MeterCounters) {
    struct All(Metered);
    impl capture::FlowReceiver for All {
        type Error = std::convert::Infallible;

        fn deliver(&mut self, records: &mut Metered) -> Result<(), Self::Error> {
            self.0.flows.append(&mut records.flows);
            self.0.hosts.append(&mut records.hosts);
            Ok(())
        }
    }
    let limits = InputLimits::own_files();
    let mut captures = capture::open(&Input::file(testdata("sample.pcap")), &limits).expect("opens");
    let mut capture = captures.next().expect("one").expect("is read");
    let config = MeterConfig::new(capture.id(), capture.name());
    let mut all = All(Metered::default());
    let threads = NonZeroUsize::new(threads).expect("a thread");
    let (_, counters) = meter_capture(&mut capture, config, threads, &mut all).expect("takes all");
    (all.0, counters)
}

/// Records added up by conversation, as first seen.
fn ours() -> BTreeMap<Ends, Counts> {
    let mut conversations = BTreeMap::new();
    for record in metered(1).0.flows.iter().filter(|record| record.layer() == FlowLayer::Inner) {
        let Some(protocol) = protocol(record) else { continue };
        let end =
            |ip: &[u8], port: u32| (schema::ids::address(ip).expect("address").to_string(), port.to_string());
        let source = end(&record.source_ip, record.source_port);
        let destination = end(&record.destination_ip, record.destination_port);
        let [forward, backward] = [&record.forward, &record.backward].map(|side| four(side.as_ref()));
        let turned = (protocol.to_owned(), destination.clone(), source.clone());
        let (key, counts) = if conversations.contains_key(&turned) {
            (turned, [backward, forward].concat())
        } else {
            ((protocol.to_owned(), source, destination), [forward, backward].concat())
        };
        let all: &mut Counts = conversations.entry(key).or_default();
        all.iter_mut().zip(counts).for_each(|(all, one)| *all += one);
    }
    conversations
}

fn protocol(record: &FlowRecord) -> Option<&'static str> {
    match (record.ether_type, record.protocol) {
        (0, 6) => Some("tcp"),
        (0, 17) => Some("udp"),
        (0x0806, _) => Some("arp"),
        _ => None,
    }
}

fn four(side: Option<&Traffic>) -> [u64; 4] {
    side.map_or([0; 4], |side| [side.packets, side.wire_bytes, side.ip_bytes, side.payload_bytes])
}

/// Compares the numbers in the places that the tool's columns have.
fn check(file: &str, places: &[usize]) {
    let text = fs::read_to_string(testdata("golden").join(file)).expect("golden numbers");
    let mut ours = ours();
    if !text.contains("\narp\t") {
        ours.retain(|(protocol, ..), _| protocol != "arp");
    }
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let end = |at: usize| (cells[at].to_owned(), cells[at + 1].to_owned());
        let theirs: Vec<u64> = cells[5..].iter().map(|cell| cell.parse().expect("number")).collect();
        let (straight, turned) =
            ((cells[0].to_owned(), end(1), end(3)), (cells[0].to_owned(), end(3), end(1)));
        let found = ours.remove(&straight).or_else(|| {
            let counts = ours.remove(&turned)?;
            Some([&counts[4..], &counts[..4]].concat().try_into().expect("eight"))
        });
        let found = found.unwrap_or_else(|| panic!("no conversation {line}"));
        let found: Vec<u64> = places.iter().map(|place| found[*place]).collect();
        assert_eq!(found, theirs, "{line}");
    }
    assert!(ours.is_empty(), "more than they have: {ours:?}");
}

#[test]
fn tshark_counts_the_same() {
    check("sample.tshark.tsv", &[0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn nfstream_counts_the_same() {
    check("sample.nfstream.tsv", &[0, 2, 3, 4, 6, 7]);
}

/// The same records in the same order, whatever the number of threads.
#[test]
fn threads_change_nothing() {
    let alone = metered(1);
    for threads in [2, 3, 5] {
        assert!(metered(threads) == alone, "{threads} threads");
    }
}
