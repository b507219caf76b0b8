//! What holds for any input.

use crate::packets::{Made, frame, packet};
use flow_meter::{Frame, LinkType, Meter, MeterConfig};
use proptest::prelude::*;
use schema::{CaptureId, FEATURES};

fn config() -> MeterConfig {
    MeterConfig::new(CaptureId::default(), "test")
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        frames in prop::collection::vec((any::<i64>(), 0u16..300, prop::collection::vec(any::<u8>(), 0..120)), 0..50)
    ) {
        let mut meter = Meter::new(config());
        let mut out = Vec::new();
        for (ts_ns, link, bytes) in &frames {
            let link_type = LinkType(*link);
            meter.push(&Frame { ts_ns: *ts_ns, link_type, wire_len: bytes.len() as u32, bytes }, &mut out);
        }
        meter.drain(&mut out);
        prop_assert_eq!(meter.counters().packets, frames.len() as u64);
    }

    /// Any two times, however far apart, in either order.
    #[test]
    fn no_clock_makes_it_panic(times in prop::collection::vec(any::<i64>(), 1..20)) {
        let made = packet(0.0, (1, 5000), (2, 53), "udp", b"x");
        let mut meter = Meter::new(config());
        let mut out = Vec::new();
        for ts_ns in &times {
            meter.push(&Frame { ts_ns: *ts_ns, ..frame(&made) }, &mut out);
        }
        meter.advance(i64::MAX, &mut out);
        meter.drain(&mut out);
        let packets: u64 = out.iter().filter_map(|r| r.forward.as_ref()).map(|t| t.packets).sum();
        prop_assert_eq!(packets, times.len() as u64);
    }

    /// IP headers that lie about lengths, options and extensions.
    #[test]
    fn no_header_makes_it_panic(
        ethertype in prop::sample::select(vec![0x0800u16, 0x86dd, 0x8100, 0x88a8]),
        version in prop::sample::select(vec![0x45u8, 0x46, 0x4f, 0x60, 0x41]),
        next in prop::sample::select(vec![0u8, 1, 6, 17, 43, 44, 50, 58, 60, 132]),
        wire_len in any::<u32>(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = vec![0u8; 12];
        bytes.extend(ethertype.to_be_bytes());
        bytes.extend(&body);
        if bytes.len() > 24 {
            bytes[14] = version;
            bytes[if version >> 4 == 6 { 20 } else { 23 }] = next;
        }
        let mut meter = Meter::new(config());
        let mut out = Vec::new();
        meter.push(&Frame { ts_ns: 0, link_type: LinkType::ETHERNET, wire_len, bytes: &bytes }, &mut out);
        meter.drain(&mut out);
        prop_assert!(out.iter().all(|record| record.features.len() == FEATURES.len() * 4));
    }

    /// Taking the records out after each packet, or only at the end, changes nothing; nor does a second run.
    #[test]
    fn the_same_packets_give_the_same_records(
        steps in prop::collection::vec((0u32..20_000, 1u8..5, 1u8..5, 0u16..6, 0usize..5, 0usize..40), 1..200)
    ) {
        let mut at_s = 0.0;
        let made: Vec<Made> = steps.iter().map(|(gap_ms, from, to, port, flags, size)| {
            at_s += f64::from(*gap_ms) / 1000.0;
            let flags = ["S", "SA", "A", "FA", "udp"][*flags];
            packet(at_s, (*from, 1000 + port), (*to, 2000 + port), flags, &vec![65; *size])
        }).collect();
        let (together, _) = crate::packets::run(&made, config());
        let mut apart = Vec::new();
        let mut meter = Meter::new(config());
        for one in &made {
            let mut out = Vec::new();
            meter.push(&frame(one), &mut out);
            apart.extend(out);
        }
        meter.drain(&mut apart);
        prop_assert_eq!(&together, &apart);
        let packets: u64 = together.iter().flat_map(|r| [&r.forward, &r.backward]).flatten().map(|t| t.packets).sum();
        prop_assert_eq!(packets, made.len() as u64);
    }
}
