//! Rarer link layers and tunnels, and what in a header may differ from the usual, written as hexadecimal.

use crate::tunnels::{INNER4, INNER6, MACS, V4, V6, bytes, check, frame};
use flow_meter::{Decoded, Layer, LinkType, Packet, decode};
use proptest::prelude::*;

/// From 192.0.2.1 to 192.0.2.2.
fn around(protocol: &str, place: &str, rest: &str) -> String {
    let length = 20 + bytes(rest).len();
    format!("4500{length:04x}0001{place}40{protocol}0000c0000201c0000202 {rest}")
}

fn udp(source: u16, destination: u16, rest: &str) -> String {
    let length = 8 + bytes(rest).len();
    around("11", "0000", &format!("{source:04x}{destination:04x}{length:04x}0000 {rest}"))
}

#[test]
fn behind_the_headers_of_devices() {
    let ethernet = format!("{MACS} 0800 {V4}");
    let frame_relay = format!("1841 0300 cc {V4}");
    let snap = format!("aaaa03 000000 86dd {V6}");
    for (link, hex, expected) in [
        (7, format!("be00 f0 {V4}"), INNER4),
        (7, format!("be00 d4 00 0001 {V4}"), INNER4),
        (19, snap.clone(), INNER6),
        (109, format!("02000000 00000101 00000000 {V4}"), INNER4),
        (117, format!("3d 02 00 00 {} {V4}", "00".repeat(60)), INNER4),
        (117, "0f02".to_owned(), "bad_link"),
        (123, format!("81000005 0001 {ethernet}"), INNER4),
        (122, format!("{} {snap}", "10".repeat(16)), INNER6),
        (135, format!("4d474300 {} {snap}", "00".repeat(8)), INNER6),
        (137, format!("4d474301 00000000 {snap}"), INNER6),
        (137, format!("4d474302 02000000 {V4}"), INNER4),
        (143, format!("00 00 002b 0000 {ethernet}"), INNER4),
        (143, format!("01 03 002e 100102 0000 {ethernet}"), INNER4),
        (143, "c2 00 0000 0000".to_owned(), "not_data"),
        (178, format!("4d474300 {ethernet}"), INNER4),
        (178, format!("00000000 {ethernet}"), "bad_link"),
        (179, format!("4d474300 ff03 0057 {V6}"), INNER6),
        (180, format!("4d474300 {frame_relay}"), INNER4),
        (181, format!("4d474300 0f00 0800 {V4}"), INNER4),
        (197, format!("{} 02 04 004b 0000 003b 0000 {ethernet}", "00".repeat(8)), INNER4),
        (
            197,
            format!("{} 82 04 0053 0000 003b 03{} 0000 {ethernet}", "00".repeat(8), "00".repeat(7)),
            INNER4,
        ),
        (197, format!("{} 81 04 {}", "00".repeat(8), "80".repeat(80)), "too_deep"),
        (205, format!("01 0f00 86dd {V6}"), INNER6),
        (206, format!("01 {frame_relay}"), INNER4),
        (219, format!("00064140 {V4}"), INNER4),
        (240, format!("00040000 {ethernet}"), INNER4),
        (240, "00050000 01".to_owned(), "not_data"),
        (281, format!("{MACS} 20000008 0800 {V4}"), INNER4),
        (282, format!("20000008 {ethernet}"), INNER4),
        (284, format!("{MACS} 40000000 86dd {V6}"), INNER6),
        (285, format!("{MACS} dada0000 40000000 0800 {V4}"), INNER4),
    ] {
        check(link, &hex, expected);
    }
}

#[test]
fn cooked_captures_of_every_device() {
    let wireless = format!("0801 0000 {MACS} 020000000003 0000 aaaa03 000000 0800 {V4}");
    let radiotap = format!("0000 0800 00000000 {wireless}");
    let cooked = |device: &str, kind: &str, rest: &str| {
        (
            format!("0000 {device} 0000 0000000000000000 {kind} {rest}"),
            format!("{kind} 0000 00000002 {device} 00 00 0000000000000000 {rest}"),
        )
    };
    for (device, kind, rest, expected) in [
        ("0001", "0004", format!("aaaa03 000000 0800 {V4}"), INNER4),
        ("0001", "000c", "00000123 08000000".to_owned(), "not_ip"),
        ("0200", "0800", V4.to_owned(), INNER4),
        ("0302", "0000", format!("1841 0300 cc {V4}"), INNER4),
        ("030a", "86dd", V6.to_owned(), INNER6),
        ("0321", "0019", wireless, INNER4),
        ("0323", "0019", radiotap, INNER4),
        ("0338", "0000", format!("aaaa03 000000 0800 {V4}"), "not_ip"),
        ("fffe", "0800", V4.to_owned(), INNER4),
    ] {
        let (first, second) = cooked(device, kind, &rest);
        check(113, &first, expected);
        check(276, &second, expected);
    }
}

#[test]
fn padding_after_a_wireless_header() {
    let data = |pad: &str| format!("8801 0000 {MACS} 020000000003 0000 0000 {pad} aaaa03 000000 0800 {V4}");
    check(127, &format!("0000 0900 02000000 20 {}", data("0000")), INNER4);
    check(127, &format!("0000 0900 02000000 00 {}", data("")), INNER4);
    // Behind a time, and behind two words that say what there is.
    let time = "0102030405060708";
    check(127, &format!("0000 1100 03000000 {time} 20 {}", data("0000")), INNER4);
    check(127, &format!("0000 1900 03000080 00000000 00000000 {time} 20 {}", data("0000")), INNER4);
    check(127, &format!("0000 0800 ffffffff {}", data("")), INNER4);
}

#[test]
fn what_a_tunnel_s_header_may_hold() {
    let bridged = format!("{MACS} 0800 {V4}");
    let outer = "192.0.2.1:0>192.0.2.2:0";
    let through = |port: u16| format!("192.0.2.1:49152>192.0.2.2:{port}");
    let gre = |rest: &str| around("2f", "0000", rest);
    // A source route of one entry, and the entry that ends it.
    let routed = format!("4000 0800 00000000 0800 00 04 c0000203 00000000 {V4}");
    check(101, &gre(&routed), &format!("{INNER4} in gre {outer}"));
    check(101, &gre(&format!("4000 0800 00000000 {}", "08000000".repeat(9))), outer);
    check(
        101,
        &gre(&format!("2000 8909 00000028 0800 0101 0001 0000 {V4}")),
        &format!("{INNER4} in gre:40 {outer}"),
    );
    check(1, &format!("{MACS} 8909 0101 0001 0007 86dd {V6}"), INNER6);
    check(101, &gre(&format!("0000 883e {V4}")), &format!("{INNER4} in gre {outer}"));
    check(101, &gre(&format!("0000 883e 01000000 {V4}")), &format!("{INNER4} in gre {outer}"));
    // A group policy, then the generic extension: Ethernet, IPv4, IPv6, and what is for the endpoints.
    let vxlan = |port: u16, header: &str, rest: &str| udp(49152, port, &format!("{header} 00002a00 {rest}"));
    let within = |inner: &str, port: u16| format!("{inner} in vxlan:42 {}", through(port));
    check(101, &vxlan(4789, "88000010", &bridged), &within(INNER4, 4789));
    check(101, &vxlan(4789, "0c000003", &bridged), &within(INNER4, 4789));
    check(101, &vxlan(4790, "0c000001", V4), &within(INNER4, 4790));
    check(101, &vxlan(4790, "0c000002", V6), &within(INNER6, 4790));
    check(101, &vxlan(4790, "0d000001", V4), &through(4790));
    check(101, &vxlan(4790, "0c000004", V4), &through(4790));
}

#[test]
fn teredo_s_clients_use_any_port() {
    let inner = "2001:0:1:2:3:4:5:6:5000>2001:db8::2:53";
    let teredo = V6.replace("20010db8000000000000000000000001", "20010000000100020003000400050006");
    check(101, &udp(49152, 50000, &teredo), &format!("{inner} in teredo 192.0.2.1:49152>192.0.2.2:50000"));
    // No such address, or more bytes than IPv6 says.
    check(101, &udp(49152, 50000, V6), "192.0.2.1:49152>192.0.2.2:50000");
    check(101, &udp(49152, 50000, &format!("{teredo} 00")), "192.0.2.1:49152>192.0.2.2:50000");
}

/// A first fragment may end within the transport's header; no whole packet may.
#[test]
fn a_header_that_goes_on_in_the_next_fragment() {
    let header = "1388 0050 00000001 00000000 a002 0400 0000 0000 020405b4";
    let ports = "192.0.2.1:5000>192.0.2.2:80";
    check(101, &around("06", "2000", header), ports);
    check(101, &around("84", "2000", "1388 0050 00000000"), ports);
    check(101, &around("06", "0000", header), "bad_transport");
    // What lies in several frames is not followed.
    check(101, &around("04", "2000", V4), "192.0.2.1:0>192.0.2.2:0");
}

#[test]
fn each_layer_has_its_own_length_and_tags() {
    let layers = |hex: &str| {
        let bytes = bytes(hex);
        let mut outer = Vec::new();
        let Decoded::Packet(inner) = decode(&frame(1, &bytes), &mut outer) else { panic!("skipped") };
        let told = |packet: &Packet| (packet.ts_ns, packet.wire_len, packet.ip_len, packet.vlan);
        outer.iter().map(|Layer { packet, .. }| told(packet)).chain([told(&inner)]).collect::<Vec<_>>()
    };
    let link = format!("{MACS} 8100 0005 0800");
    // Bridged: the inner Ethernet frame's own tag; else none. Bytes behind a packet are not its own.
    let bridged = udp(49152, 4789, &format!("08000000 00002a00 {MACS} 8100 0006 0800 {V4}"));
    assert_eq!(layers(&format!("{link} {bridged}")), [(7, 101, 83, [5, 0]), (7, 47, 29, [6, 0])]);
    let routed = around("2f", "0000", &format!("0000 0800 {V4}"));
    assert_eq!(layers(&format!("{link} {routed} 0000")), [(7, 73, 53, [5, 0]), (7, 29, 29, [0, 0])]);
}

proptest! {
    /// Any link type, any bytes: no panic, and what is named lies in the frame.
    #[test]
    fn any_link_type(link in 0u16..300, body in prop::collection::vec(any::<u8>(), 0..160)) {
        let mut outer = Vec::new();
        let made = flow_meter::Frame { link_type: LinkType(link), ..frame(1, &body) };
        if let Decoded::Packet(packet) = decode(&made, &mut outer) {
            for packet in outer.iter().map(|layer| &layer.packet).chain([&packet]) {
                prop_assert_eq!(packet.payload.of(&body).len(), packet.payload.len as usize);
            }
        }
    }
}
