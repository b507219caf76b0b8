//! The loop from frames to records: nothing is lost, whatever ends the capture.

use crate::build::{Build, Order, gzip, open_bytes};
use capture::{CaptureEnd, DELIVER_RECORDS, FlowReceiver, InputLimits, meter_capture};
use flow_meter::{MeterConfig, MeterCounters, Metered};
use schema::FlowRecord;
use std::num::NonZeroUsize;

/// A capture of `count` UDP packets, each a flow of its own.
fn udp_flows(count: u32) -> Vec<u8> {
    (0..count)
        .fold(Build::new(Order::Little).pcap(0xa1b2_c3d4, 101), |file, n| {
            let [_, _, high, low] = n.to_be_bytes();
            let packet = Build::new(Order::Big)
                .raw(&[0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, high, low, 10, 1, 0, 1])
                .raw(&[0x30, 0x39, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]);
            file.record(1000 + n / 1000, n % 1000, &packet.bytes)
        })
        .bytes
}

/// Takes records until it has `taken_max`.
struct Taker {
    taken: Vec<FlowRecord>,
    calls: usize,
    packets: u64,
    taken_max: usize,
}

impl FlowReceiver for Taker {
    type Error = &'static str;

    fn deliver(&mut self, records: &mut Metered) -> Result<(), Self::Error> {
        self.calls += 1;
        records.hosts.clear();
        self.taken.append(&mut records.flows);
        if self.taken.len() > self.taken_max { Err("full") } else { Ok(()) }
    }

    fn batch_read(&mut self, counters: &MeterCounters) -> Result<(), Self::Error> {
        self.packets = counters.packets;
        Ok(())
    }
}

fn run(bytes: &[u8], limits: &InputLimits, taken_max: usize) -> (Result<CaptureEnd, &'static str>, Taker) {
    let mut capture = open_bytes(bytes, limits).expect("opens").next().expect("one").expect("is read");
    let config = MeterConfig::new(capture.id(), capture.name());
    let mut taker = Taker { taken: Vec::new(), calls: 0, packets: 0, taken_max };
    (meter_capture(&mut capture, config, NonZeroUsize::MIN, &mut taker).map(|(end, _)| end), taker)
}

#[test]
fn every_flow_is_delivered_at_every_kind_of_end() {
    const COUNT: usize = 5000;
    let whole = udp_flows(COUNT as u32);
    let check = |bytes: &[u8], limits: InputLimits, flows: usize, warning: Option<&str>| {
        let (end, taker) = run(bytes, &limits, usize::MAX);
        let found = end.expect("takes all").warning();
        assert_eq!(found.is_some(), warning.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(warning.unwrap_or_default()));
        assert_eq!((taker.taken.len(), taker.packets), (flows, flows as u64));
        assert!(taker.calls <= 2 + flows / DELIVER_RECORDS, "{} calls", taker.calls);
    };
    check(&whole, InputLimits::default(), COUNT, None);
    check(&whole[..whole.len() - 1], InputLimits::default(), COUNT - 1, Some("damaged at byte"));
    let half = InputLimits { expanded_bytes_max: whole.len() as u64 / 2, ..InputLimits::default() };
    let (end, taker) = run(&gzip(&whole), &half, usize::MAX);
    assert!(matches!(end, Ok(CaptureEnd::Stopped(_))));
    assert_eq!((taker.taken.len(), taker.packets), (COUNT / 2 - 1, COUNT as u64 / 2 - 1));
}

#[test]
fn a_receiver_that_takes_no_more_stops_the_reading() {
    let (end, taker) = run(&udp_flows(5000), &InputLimits::default(), 100);
    assert_eq!((end.err(), taker.calls), (Some("full"), 1));
}
