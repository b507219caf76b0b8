//! Frames written as text, for tests.

use flow_meter::{Frame, LinkType, Meter, MeterConfig};
use schema::{CaptureId, FEATURES, FeatureVector, FlowRecord};

/// A frame and its time in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) at_s: f64,
    pub(crate) bytes: Vec<u8>,
}

/// IPv4 in Ethernet. `flags` are letters of SAFRP for TCP, and `udp` or `icmp` for those; `from` and `to` are
/// `host:port` with the host's last octet only.
pub(crate) fn packet(at_s: f64, from: (u8, u16), to: (u8, u16), flags: &str, payload: &[u8]) -> Made {
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let (protocol, header) = match flags {
        "udp" => (17, [&ports[..], &(8 + payload.len() as u16).to_be_bytes(), &[0, 0]].concat()),
        "icmp" => (1, vec![from.1 as u8, 0, 0, 0, 0, 1, 0, 1]),
        _ => {
            let bit = |letter| match letter {
                'F' => 1,
                'S' => 2,
                'R' => 4,
                'P' => 8,
                'A' => 16,
                _ => 0,
            };
            let bits = flags.chars().map(bit).fold(0, |all, one| all | one);
            (6, [&ports[..], &[0; 8], &[0x50, bits, 0xfa, 0xf0, 0, 0, 0, 0]].concat())
        }
    };
    Made { at_s, bytes: ipv4(protocol, from.0, to.0, 0, &[&header, payload].concat()) }
}

/// An IPv4 packet in Ethernet; `place` is the fragment field.
pub(crate) fn ipv4(protocol: u8, from: u8, to: u8, place: u16, inside: &[u8]) -> Vec<u8> {
    let length = (20 + inside.len() as u16).to_be_bytes();
    let place = place.to_be_bytes();
    let ip = [
        0x45, 0, length[0], length[1], 0, 7, place[0], place[1], 64, protocol, 0, 0, 10, 0, 0, from, 10, 0,
        0, to,
    ];
    [&[2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0][..], &ip, inside].concat()
}

/// What the meter makes of them.
pub(crate) fn meter(packets: &[Made]) -> Vec<FlowRecord> {
    run(packets, MeterConfig::new(CaptureId::default(), "test")).0
}

/// With the meter itself, for its counters.
pub(crate) fn run(packets: &[Made], config: MeterConfig) -> (Vec<FlowRecord>, Meter) {
    let mut meter = Meter::new(config);
    let mut out = Vec::new();
    for made in packets {
        meter.push(&frame(made), &mut out);
    }
    meter.drain(&mut out);
    (out, meter)
}

pub(crate) fn frame(made: &Made) -> Frame<'_> {
    let ts_ns = 1_700_000_000_000_000_000 + (made.at_s * 1e9).round() as i64;
    Frame { ts_ns, link_type: LinkType::ETHERNET, wire_len: made.bytes.len() as u32, bytes: &made.bytes }
}

/// A record's feature by name.
pub(crate) fn feature(record: &FlowRecord, name: &str) -> f32 {
    let at = schema::features::index_of(name).unwrap_or_else(|| panic!("no feature {name}"));
    assert_eq!(record.features.len(), FEATURES.len() * 4);
    FeatureVector::unpack(&record.features).expect("features").0[at]
}
