//! Frames of every link layer and tunnel, written as hexadecimal: what is inside, and what was around it.

use flow_meter::{ARP, Decoded, Frame, Layer, LinkType, Packet, SkipReason, address, decode};
use proptest::prelude::*;
use std::fmt::Write as _;

/// An IPv4 packet of UDP from 10.0.0.1:5000 to 10.0.0.2:53 with one byte.
pub(crate) const V4: &str = "4500001d000100004011000 00a0000010a000002 1388003500090000 78";
/// An IPv6 packet of UDP from 2001:db8::1:5000 to 2001:db8::2:53 with one byte.
pub(crate) const V6: &str = "6000000000091140 20010db8000000000000000000000001 20010db8000000000000000000000002 \
                  1388003500090000 78";
pub(crate) const MACS: &str = "020000000002 020000000001";
pub(crate) const INNER4: &str = "10.0.0.1:5000>10.0.0.2:53";
pub(crate) const INNER6: &str = "2001:db8::1:5000>2001:db8::2:53";

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|two| (two[0] << 4 | two[1]) as u8).collect()
}

pub(crate) fn frame(link: u16, bytes: &[u8]) -> Frame<'_> {
    Frame { ts_ns: 7, link_type: LinkType(link), wire_len: bytes.len() as u32, bytes }
}

fn ends(packet: &Packet) -> String {
    let end = |bits, port| format!("{}:{port}", address(bits, packet.version));
    let (source, destination) =
        (end(packet.source, packet.source_port), end(packet.destination, packet.destination_port));
    format!("{source}>{destination}")
}

/// The innermost ends, and each layer around them from the outside in; or why there is nothing.
fn read(link: u16, hex: &str) -> String {
    let bytes = bytes(hex);
    let mut outer = Vec::new();
    match decode(&frame(link, &bytes), &mut outer) {
        Decoded::Skip(reason) => reason.name().to_owned(),
        Decoded::Packet(packet) => {
            let mut text = ends(&packet);
            for Layer { kind, id, packet } in &outer {
                let id = id.map_or_else(String::new, |id| format!(":{id}"));
                write!(text, " in {}{id} {}", kind.name(), ends(packet)).expect("writes");
            }
            text
        }
    }
}

pub(crate) fn check(link: u16, hex: &str, expected: &str) {
    assert_eq!(read(link, hex), expected, "link type {link}: {hex}");
}

#[test]
fn every_link_layer() {
    let ethernet = |rest: &str| format!("{MACS} {rest}");
    check(1, &ethernet(&format!("0800 {V4}")), INNER4);
    check(1, &ethernet(&format!("86dd {V6}")), INNER6);
    check(1, &ethernet(&format!("88a8 0064 8100 00c8 0800 {V4}")), INNER4);
    check(1, &ethernet(&format!("8847 00064040 000c8140 {V4}")), INNER4);
    check(1, &ethernet(&format!("8847 00064140 00000000 {MACS} 0800 {V4}")), INNER4);
    check(1, &ethernet(&format!("8847 00064140 {MACS} 8100 0005 86dd {V6}")), INNER6);
    check(1, &ethernet(&format!("8864 1100 0001 001f 0021 {V4}")), INNER4);
    check(1, &ethernet(&format!("8864 1100 0001 0033 57 {V6}")), INNER6);
    check(1, &ethernet(&format!("0025 aaaa03 000000 0800 {V4}")), INNER4);
    check(1, &ethernet("88cc 0207"), "not_ip");
    check(1, &ethernet("0026 424203 0000"), "not_ip");
    check(0, &format!("02000000 {V4}"), INNER4);
    check(108, &format!("0000001e {V6}"), INNER6);
    for raw in [12, 14, 101, 228] {
        check(raw, V4, INNER4);
    }
    check(229, V6, INNER6);
    check(8, &format!("{} {V4}", "00".repeat(16)), INNER4);
    check(9, &format!("ff03 0021 {V4}"), INNER4);
    check(9, &format!("0057 {V6}"), INNER6);
    check(9, &format!("0f00 0800 {V4}"), INNER4);
    check(9, "c021 0101", "not_ip");
    check(50, &format!("ff03 0021 {V4}"), INNER4);
    check(51, &format!("1100 0001 001f 0021 {V4}"), INNER4);
    check(104, &format!("0f00 86dd {V6}"), INNER6);
    check(104, "8f00 8035 00000002", "not_ip");
    check(166, &format!("00 ff03 0021 {V4}"), INNER4);
    check(10, &format!("50 {MACS} aaaa03 000000 0800 {V4}"), INNER4);
    check(6, &format!("1040 {MACS} aaaa03 000000 0800 {V4}"), INNER4);
    check(6, &format!("1040 020000000002 820000000001 0470 0010 aaaa03 000000 0800 {V4}"), INNER4);
    check(100, &format!("aaaa03 000000 0800 {V4}"), INNER4);
    check(106, V4, INNER4);
    check(123, &format!("02000005 aaaa03 000000 86dd {V6}"), INNER6);
    check(129, &format!("be00 ed08 f0 {V4}"), INNER4);
    check(129, &format!("be00 ed08 d4 00 0001 {V4}"), INNER4);
    check(107, &format!("1841 0300 cc {V4}"), INNER4);
    check(107, &format!("1841 86dd {V6}"), INNER6);
    check(107, &format!("1841 0300 80 0080c2 0007 {MACS} 0800 {V4}"), INNER4);
    check(113, &format!("0000 0001 0006 020000000001 0000 0800 {V4}"), INNER4);
    check(113, &format!("0000 0001 0006 020000000001 0000 8100 0005 0800 {V4}"), INNER4);
    check(276, &format!("86dd 0000 00000002 0001 04 06 020000000001 0000 {V6}"), INNER6);
    check(178, &format!("4d4743 80 0003 010101 {MACS} 0800 {V4}"), INNER4);
    check(226, &format!("{} {V4}", "01".repeat(24)), INNER4);
    check(239, &format!("02000000 0800 0100 00000300 2100 0900 {V4} 000000"), INNER4);
    check(239, "02000000 0100 0900", "bad_link");
    check(242, &format!("{} 0800 0000 {V4}", "00".repeat(40)), INNER4);
    check(192, &format!("0000 0800 01000000 {MACS} 0800 {V4}"), INNER4);
    check(258, &format!("0c000000 01000000 01000000 {MACS} 0800 {V4}"), INNER4);
    check(227, "00000123 08000000", "link_type");
}

#[test]
fn wireless() {
    let data = format!("0801 0000 {MACS} 020000000003 0000 aaaa03 000000 0800 {V4}");
    check(105, &data, INNER4);
    check(127, &format!("0000 0c00 00000000 00000000 {data}"), INNER4);
    check(163, &format!("80211001 00000010 00000000 00000000 {data}"), INNER4);
    check(119, &format!("44000000 90000000 {} {data}", "00".repeat(136)), INNER4);
    // With quality of service, and between access points with four addresses.
    check(105, &format!("8801 0000 {MACS} 020000000003 0000 0000 aaaa03 000000 86dd {V6}"), INNER6);
    let four = format!("0803 0000 {MACS} 020000000003 0000 020000000004 aaaa03 000000 0800 {V4}");
    check(105, &four, INNER4);
    // Several packets in one frame: the first.
    let several = format!("8801 0000 {MACS} 020000000003 0000 8000 {MACS} 0025 aaaa03 000000 0800 {V4}");
    check(105, &several, INNER4);
    check(105, &format!("0841 0000 {MACS} 020000000003 0000 00000000"), "encrypted");
    check(105, &format!("8000 0000 {MACS} 020000000003 0000"), "not_data");
    check(105, &format!("4801 0000 {MACS} 020000000003 0000"), "not_data");
}

#[test]
fn every_tunnel() {
    let v4 = |protocol: &str, rest: &str| {
        let length = 20 + bytes(rest).len();
        format!("4500{length:04x}0001000040{protocol}0000c0000201c0000202 {rest}")
    };
    let v6 = |next: &str, rest: &str| {
        let length = bytes(rest).len();
        let ends = format!("fd00{}01 fd00{}02", "00".repeat(13), "00".repeat(13));
        format!("60000000{length:04x}{next}40 {ends} {rest}")
    };
    let udp = |port: u16, rest: &str| {
        let length = 8 + bytes(rest).len();
        v4("11", &format!("c000{port:04x}{length:04x}0000 {rest}"))
    };
    let bridged = format!("{MACS} 0800 {V4}");
    let around = "192.0.2.1:0>192.0.2.2:0";
    check(101, &v4("04", V4), &format!("{INNER4} in ipip {around}"));
    check(101, &v4("29", V6), &format!("{INNER6} in 6in4 {around}"));
    check(101, &v6("29", V6), &format!("{INNER6} in ipip fd00::1:0>fd00::2:0"));
    check(101, &v6("04", V4), &format!("{INNER4} in ipip fd00::1:0>fd00::2:0"));
    check(101, &v4("2f", &format!("0000 0800 {V4}")), &format!("{INNER4} in gre {around}"));
    check(101, &v4("2f", &format!("0000 86dd {V6}")), &format!("{INNER6} in gre {around}"));
    let keyed = format!("b000 0800 00000000 0000002a 00000007 {V4}");
    check(101, &v4("2f", &keyed), &format!("{INNER4} in gre:42 {around}"));
    check(101, &v4("2f", &format!("0000 6558 {bridged}")), &format!("{INNER4} in gre {around}"));
    check(101, &v4("2f", &format!("0000 8847 00064140 {V4}")), &format!("{INNER4} in gre {around}"));
    let pptp = format!("3081 880b 0021 0001 00000001 00000002 ff03 0021 {V4}");
    check(101, &v4("2f", &pptp), &format!("{INNER4} in gre {around}"));
    let erspan = format!("1000 88be 00000001 1064 0005 00000000 {bridged}");
    check(101, &v4("2f", &erspan), &format!("{INNER4} in erspan:5 {around}"));
    check(101, &v4("2f", &format!("0000 88be {bridged}")), &format!("{INNER4} in erspan {around}"));
    let erspan = format!("1000 22eb 00000001 2064 0006 00000000 00000001 0000000000000000 {bridged}");
    check(101, &v4("2f", &erspan), &format!("{INNER4} in erspan:6 {around}"));
    let through = |port: u16| format!("192.0.2.1:49152>192.0.2.2:{port}");
    for port in [4789, 8472] {
        let vxlan = udp(port, &format!("08000000 00002a00 {bridged}"));
        check(101, &vxlan, &format!("{INNER4} in vxlan:42 {}", through(port)));
    }
    let geneve = udp(6081, &format!("01 00 6558 00002a00 00000000 {bridged}"));
    check(101, &geneve, &format!("{INNER4} in geneve:42 {}", through(6081)));
    let geneve = udp(6081, &format!("00 00 86dd 00002a00 {V6}"));
    check(101, &geneve, &format!("{INNER6} in geneve:42 {}", through(6081)));
    let gtp = udp(2152, &format!("30 ff 001d 0000002a {V4}"));
    check(101, &gtp, &format!("{INNER4} in gtp-u:42 {}", through(2152)));
    let gtp = udp(2152, &format!("34 ff 0025 0000002a 00000085 01 1001 00 {V4}"));
    check(101, &gtp, &format!("{INNER4} in gtp-u:42 {}", through(2152)));
    check(101, &udp(3544, V6), &format!("{INNER6} in teredo {}", through(3544)));
    let origin = udp(3544, &format!("0000 1234 c0000201 {V6}"));
    check(101, &origin, &format!("{INNER6} in teredo {}", through(3544)));
    // What only looks like a tunnel is a packet like any other.
    check(101, &udp(4789, "00000000 00000000 616263"), &through(4789));
    check(101, &udp(2152, "32 01 0004 00000000 00000000"), &through(2152));
    check(101, &udp(3544, "60"), &through(3544));
    check(101, &v4("04", "60ff"), around);
    check(101, &v4("2f", "0000 0800 45"), around);
    // Four layers are followed, a fifth is not.
    let five = (0..5).fold(V4.to_owned(), |inside, _| v4("04", &inside));
    assert_eq!(read(101, &five).matches(" in ipip ").count(), 4);
}

#[test]
fn a_gtp_tunnel_is_one_both_ways_and_networks_are_apart() {
    let tunnel = |hex: &str| {
        let bytes = bytes(hex);
        match decode(&frame(101, &bytes), &mut Vec::new()) {
            Decoded::Packet(packet) => packet.tunnel,
            Decoded::Skip(reason) => panic!("{reason:?}"),
        }
    };
    let gtp = |endpoint: &str| {
        tunnel(&format!(
            "4500004100010000401100000a0000010a000002 c000 0868 002d 0000 30ff001d {endpoint} {V4}"
        ))
    };
    assert_eq!(gtp("00000001"), gtp("00000002"));
    let vxlan = |network: &str| {
        tunnel(&format!(
            "4500004f00010000401100000a0000010a000002 c000 12b5 003b 0000 08000000 {network} {MACS} 0800 {V4}"
        ))
    };
    assert_ne!(vxlan("00002a00"), vxlan("00002b00"));
    assert_ne!(vxlan("00002a00"), gtp("00000001"));
    assert_eq!(tunnel(V4), 0);
}

#[test]
fn arp_is_a_packet_of_its_own() {
    let hex = format!("{MACS} 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002");
    let bytes = bytes(&hex);
    let Decoded::Packet(packet) = decode(&frame(1, &bytes), &mut Vec::new()) else { panic!("skipped") };
    assert_eq!(ends(&packet), "10.0.0.1:0>10.0.0.2:0");
    assert_eq!((packet.version, packet.protocol, packet.ip_len, packet.payload_len), (ARP, 0, 28, 0));
    check(1, &format!("{MACS} 0806 0001 0800 06 04 0001 02"), SkipReason::TruncatedArp.name());
    // One byte of hardware address, as ARCNET has it.
    check(129, "be00 ed08 f1 0007 0800 01 04 0001 be 0a508301 00 0a5083fe", "10.80.131.1:0>10.80.131.254:0");
}

proptest! {
    /// Whatever comes, what is named lies in the frame.
    #[test]
    fn spans_lie_in_the_frame(
        link in prop::sample::select(vec![
            0u16, 1, 6, 8, 9, 10, 50, 51, 99, 100, 101, 104, 105, 107, 108, 113, 119, 123, 127, 129, 138, 149, 163, 166,
            178, 192, 226, 239, 242, 258, 276]),
        head in prop::sample::select(vec![
            "", "4500004f0001000040110000", "02000000000202000000000108004500", "020000000002020000000001884700064140",
            "08010000", "ff030021", "4500004f00010000402f00000a0000010a0000020000"]),
        body in prop::collection::vec(any::<u8>(), 0..200),
        wire_len in any::<u32>(),
    ) {
        let mut all = bytes(head);
        all.extend(body);
        let mut outer = Vec::new();
        let frame = Frame { wire_len, ..frame(link, &all) };
        if let Decoded::Packet(packet) = decode(&frame, &mut outer) {
            for packet in outer.iter().map(|layer| &layer.packet).chain([&packet]) {
                let end = packet.payload.at as usize + packet.payload.len as usize;
                prop_assert!(packet.payload.len == 0 || end <= all.len());
                prop_assert_eq!(packet.payload.of(&all).len(), packet.payload.len as usize);
            }
        }
    }

    /// Headers upon headers end somewhere.
    #[test]
    fn nesting_is_bounded(unit in prop::sample::select(vec![
        "81000064", "aaaa030000008100000 5", "886411000001ffff0281", "00064040", "0000 aaaa03000000 8100 0005", "8909010100010007"
    ]), times in 0usize..2000) {
        let all = bytes(&format!("{MACS} 8100 0001 {}", unit.repeat(times)));
        prop_assert!(matches!(decode(&frame(1, &all), &mut Vec::new()), Decoded::Skip(_)));
    }
}
