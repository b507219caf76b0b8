//! Cut and corrupt captures: every packet before the damage, then the damage by name and place.

use crate::build::{Build, Order, Seen, gzip, open_bytes, read, seen, small_frames, small_pcap};
use capture::{InputLimits, SourceError};

/// Cuts `file` at every byte. `ends` are the offsets at which a record (or a header) ends; the packets are those
/// of the last ones.
fn check_cuts(file: &[u8], ends: &[usize], packets: &[Seen]) {
    for cut in 4..file.len() {
        let (found, damage) = read(&file[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let count = whole.saturating_sub(ends.len() - packets.len());
        assert_eq!(found, packets[..count], "cut at {cut}");
        let offset = ends[..whole].last().copied().unwrap_or(0);
        let expected = (offset != cut).then_some(offset as u64);
        assert_eq!(damage.map(|damage| damage.byte_offset), expected, "cut at {cut}");
    }
}

#[test]
fn a_pcap_cut_at_every_byte() {
    check_cuts(&small_pcap(), &[24, 100, 177, 193], &small_frames());
}

#[test]
fn a_pcapng_cut_at_every_byte() {
    let mut file = Build::new(Order::Big).section();
    let mut ends = vec![file.bytes.len()];
    file = file.interface(1, 0, &[(2, b"eth0")]);
    ends.push(file.bytes.len());
    let packets = [seen(1_000, b"first"), seen(2_000, b"second")];
    for packet in &packets {
        file = file.packet(0, packet.ts_ns as u64 / 1_000, &packet.bytes);
        ends.push(file.bytes.len());
    }
    check_cuts(&file.bytes, &ends, &packets);
}

#[test]
fn a_gzip_stream_cut_at_every_byte() {
    let packed = gzip(&small_pcap());
    for cut in 4..packed.len() {
        match open_bytes(&packed[..cut], &InputLimits::default()) {
            Ok(_) => {
                let (found, damage) = read(&packed[..cut]);
                assert!(small_frames().starts_with(&found), "cut at {cut}");
                assert!(damage.expect("named").what.contains("gzip"), "cut at {cut}");
            }
            Err(SourceError::NotACapture { found, .. }) => {
                assert!(found.contains("gzip"), "cut at {cut}: {found}");
            }
            Err(error) => panic!("cut at {cut}: {error}"),
        }
    }
    let (found, damage) = read(&packed[..packed.len() - 8]);
    assert_eq!((found, damage.expect("no trailer").byte_offset), (small_frames(), 193));
}

#[test]
fn a_wrong_checksum_is_named_behind_all_packets() {
    let mut packed = gzip(&small_pcap());
    let at = packed.len() - 5;
    packed[at] ^= 1;
    let (found, damage) = read(&packed);
    assert_eq!(found, small_frames());
    assert!(damage.expect("named").what.contains("gzip"));
}

#[test]
fn records_that_cannot_be() {
    let check = |bad: Build, what: &str| {
        let good = small_pcap();
        let (found, damage) = read(&[&good[..], &bad.bytes].concat());
        let damage = damage.expect("damaged");
        assert_eq!((found, damage.byte_offset), (small_frames(), good.len() as u64));
        assert!(damage.what.contains(what), "{damage}");
    };
    let header = |lengths: &[u32]| Build::new(Order::Little).words(&[0, 0]).words(lengths);
    check(header(&[u32::MAX, 60]), "4294967295 bytes");
    check(header(&[262_145, 262_145]).raw(&vec![0; 262_145]), "packet_bytes_max");
    check(header(&[60, 60]).raw(&[0; 59]), "cut short");
    check(Build::new(Order::Little).raw(b"garbage"), "cut short");
}

#[test]
fn blocks_that_cannot_be() {
    let check = |bad: &dyn Fn(Build) -> Build, what: &str| {
        let good = Build::new(Order::Little).section().interface(1, 0, &[]).packet(0, 1, b"good");
        let offset = good.bytes.len() as u64;
        let (found, damage) = read(&bad(good).packet(0, 2, b"lost").bytes);
        let damage = damage.expect("damaged");
        assert_eq!((found, damage.byte_offset), (vec![seen(1_000, b"good")], offset), "{what}");
        assert!(damage.what.contains(what), "{damage}");
    };
    check(&|file| file.words(&[6, 0]), "0 bytes long");
    check(&|file| file.words(&[6, 13, 0, 0]), "13 bytes long");
    check(&|file| file.words(&[6, 0xffff_fff0]), "at most");
    check(&|file| file.words(&[77, 16, 0, 20]), "16 bytes long in front, 20 behind");
    check(&|file| file.block(6, |body| body.words(&[1, 0, 0, 0, 0])), "interface 1");
    check(&|file| file.block(6, |body| body.words(&[0, 0, 0, 9, 9, 0, 0])), "room for 8");
    check(&|file| file.block(6, |body| body.word(0)), "packet block of 16 bytes");
    check(&|file| file.block(3, |body| body), "without a length");
    check(&|file| file.block(3, |body| body.word(500)), "room for 0");
    check(&|file| file.block(1, |body| body.word(1)), "interface description of 4 bytes");
    check(&|file| file.words(&[0x0a0d_0d0a, 28, 0x1234_5678]), "byte-order");
    check(
        &|file| file.block(0x0a0d_0d0a, |body| body.word(0x1a2b_3c4d).half(2).half(0).long(0)),
        "pcapng version 2.0",
    );
    check(
        &|file| file.block(1, |body| body.half(1).half(0).word(0).half(9).half(400).word(0)),
        "option of 400 bytes",
    );
    let packet = vec![0; 262_148];
    check(&|file| file.packet(0, 0, &packet), "packet_bytes_max");
}

#[test]
fn a_section_of_endless_interfaces_is_stopped() {
    let limits = InputLimits { interfaces_max: 2, ..InputLimits::default() };
    let file = Build::new(Order::Little).section().interface(1, 0, &[]).interface(1, 0, &[]);
    let file = file.packet(1, 0, b"x").interface(1, 0, &[]).bytes;
    let mut capture = open_bytes(&file, &limits).expect("opens").next().expect("one").expect("read");
    let (found, damage) = crate::build::drain(&mut capture).expect("reads");
    assert_eq!(found.len(), 1);
    assert!(damage.expect("named").what.contains("interfaces_max"));
}

#[test]
fn headers_that_cannot_be() {
    let check = |file: Build, what: &str| {
        let (found, damage) = read(&file.bytes);
        let damage = damage.expect("damaged");
        assert_eq!((found.len(), damage.byte_offset), (0, 0));
        assert!(damage.what.contains(what), "{damage}");
    };
    let version_1 = Build::new(Order::Big).word(0xa1b2_c3d4).half(1).half(0).words(&[0, 0, 0, 1]);
    check(version_1, "pcap version 1.0");
    check(Build::new(Order::Little).words(&[0x0a0d_0d0a, 28, 0, 0, 0, 0, 28]), "byte-order");
    check(Build::new(Order::Little).words(&[0x0a0d_0d0a, 12, 0x1a2b_3c4d]), "in front");
}

#[test]
fn what_is_no_capture_is_said() {
    let check = |bytes: &[u8], part: &str| {
        let error = open_bytes(bytes, &InputLimits::default()).expect_err("is refused").to_string();
        assert!(error.starts_with("test: not a capture but "), "{error}");
        assert!(error.contains(part) && error.contains("supported are pcap"), "{error}");
    };
    check(b"", "empty");
    check(&[0xd4, 0xc3, 0xb2], "d4 c3 b2");
    check(b"len,source_port,dest_port\n60,80,443\n", "CSV text of 3 columns");
    check(&gzip(&gzip(&small_pcap())), "gzip inside");
    check(&gzip(b""), "empty");
    check(&gzip(b"plain words"), "text");
}
