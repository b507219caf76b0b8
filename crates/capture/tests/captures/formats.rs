//! pcap and pcapng in all their variants.

use crate::build::{
    Build, ORDERS, Order, Seen, drain, drain_shared, frames, read, seen, small_frames, small_pcap,
};
use capture::{InputLimits, open_stream};
use std::io::{Cursor, Read};

const EPB: u32 = 6;

#[test]
fn pcap_of_every_magic_and_byte_order() {
    let check = |order, magic, extra: &[u32], ts_ns: i64| {
        let file = Build::new(order)
            .pcap(magic, 1)
            .words(&[1_700_000_000, 123_456, 3, 3])
            .words(extra)
            .raw(b"abc")
            .bytes;
        assert_eq!(frames(&file), [seen(ts_ns, b"abc")], "{order:?} {magic:x}");
    };
    for order in ORDERS {
        check(order, 0xa1b2_c3d4, &[], 1_700_000_000_123_456_000);
        check(order, 0xa1b2_3c4d, &[], 1_700_000_000_000_123_456);
        check(order, 0xa1b2_cd34, &[3, 0], 1_700_000_000_123_456_000);
    }
}

#[test]
fn pcap_link_type_is_told_from_its_check_sequence_bits() {
    let check = |field: u32, link_type: u16| {
        let file = Build::new(Order::Big).pcap(0xa1b2_c3d4, field).record(0, 0, b"x").bytes;
        assert_eq!(frames(&file), [Seen { link_type, ..seen(0, b"x") }]);
    };
    check(0x5400_0001, 1);
    check(0x3000_0084, 132);
    check(65_000, 65_000);
}

#[test]
fn pcap_lengths() {
    let check = |minor: u16, lengths: [u32; 2], bytes: &[u8], wire_len: u32| {
        let file = Build::new(Order::Little).word(0xa1b2_c3d4).half(2).half(minor).words(&[0, 0, 64, 1]);
        let file = file.words(&[0, 0]).words(&lengths).raw(bytes).bytes;
        assert_eq!(frames(&file), [Seen { wire_len, ..seen(0, bytes) }], "{lengths:?}");
    };
    check(4, [3, 1514], b"cut", 1514);
    // A wire length below what was captured is no length; before 2.4 the two stood the other way round.
    check(4, [3, 1], b"odd", 3);
    check(3, [1514, 3], b"old", 1514);
}

#[test]
fn pcap_files_put_together_are_one() {
    let second = Build::new(Order::Little).pcap(0xa1b2_c3d4, 101).record(9, 0, b"ip").bytes;
    let mut expected = small_frames();
    expected.push(Seen { link_type: 101, ..seen(9_000_000_000, b"ip") });
    assert_eq!(frames(&[small_pcap(), second].concat()), expected);
}

#[test]
fn pcapng_clocks() {
    let check = |order, options: &[(u16, &[u8])], ticks: u64, ts_ns: i64| {
        let file = Build::new(order).section().interface(1, 0, options).packet(0, ticks, b"abcde").bytes;
        assert_eq!(frames(&file), [seen(ts_ns, b"abcde")], "{order:?} {options:?}");
    };
    for order in ORDERS {
        let offset = Build::new(order).long(1_000_000_000).bytes;
        let back = Build::new(order).long((-2_i64) as u64).bytes;
        check(order, &[], 1_700_000_000_123_456, 1_700_000_000_123_456_000);
        check(order, &[(9, &[9])], 1_700_000_000_123_456_789, 1_700_000_000_123_456_789);
        check(order, &[(9, &[3])], 1_700_000_000_123, 1_700_000_000_123_000_000);
        check(order, &[(9, &[12])], 5_500, 5);
        check(order, &[(9, &[0x94])], (7 << 20) + (1 << 19), 7_500_000_000);
        check(order, &[(2, b"eth0"), (9, &[6]), (14, &offset), (0, b"")], 5, 1_000_000_000_000_005_000);
        check(order, &[(14, &back)], 3_000_000, 1_000_000_000);
        // What follows the end of options is none.
        check(order, &[(0, b""), (9, &[9])], 1, 1000);
    }
}

#[test]
fn pcapng_sections_interfaces_and_blocks() {
    let second = Build::new(Order::Big)
        .section()
        .interface(113, 0, &[])
        .interface(228, 4, &[(9, &[9])])
        .packet(1, 3_000, b"bb")
        .block(3, |body| body.word(2).raw(b"cc"));
    let file = Build::new(Order::Little)
        .section()
        .block(0x0bad_cafe, |body| body.raw(b"custom"))
        .interface(1, 4, &[])
        .packet(0, 1, b"aaa")
        .block(5, |body| body.words(&[0, 0, 0]))
        .block(3, |body| body.word(9).raw(b"simp"))
        .block(2, |body| body.half(0).half(0xffff).words(&[0, 2, 3, 90]).raw(b"old"))
        .block(0x8000_0001, |body| body.raw(&[1; 4000]))
        .raw(&second.bytes)
        .bytes;
    let expected = [
        seen(1_000, b"aaa"),
        // Without a time of its own it has that of the packet before; it is cut at the interface's snap length.
        Seen { wire_len: 9, ..seen(1_000, b"simp") },
        Seen { wire_len: 90, ..seen(2_000, b"old") },
        Seen { link_type: 228, ..seen(3_000, b"bb") },
        Seen { link_type: 113, ..seen(3_000, b"cc") },
    ];
    assert_eq!(frames(&file), expected);
}

#[test]
fn blocks_that_tell_of_no_packet_are_passed_over() {
    // Names, statistics, a journal entry, decryption secrets, custom blocks of both kinds, and two nobody knows.
    for kind in [4, 5, 9, 10, 0xbad, 0x4000_0bad, 0x7777, 0xffff_ffff] {
        for order in ORDERS {
            // Whatever they say of interfaces or lengths.
            let file = Build::new(order).section().block(kind, |body| body.words(&[9, u32::MAX])).interface(
                1,
                0,
                &[],
            );
            let file =
                file.block(kind, |body| body).packet(0, 1, b"seen").block(kind, |body| body.raw(&[6; 40]));
            assert_eq!(frames(&file.bytes), [seen(1_000, b"seen")], "{kind:#x} {order:?}");
        }
    }
}

#[test]
fn times_beyond_any_clock_stop_at_its_ends() {
    let check = |resolution: u8, offset_s: i64, ticks: u64, ts_ns: i64| {
        for order in ORDERS {
            let offset = Build::new(order).long(offset_s as u64).bytes;
            let options: [(u16, &[u8]); 2] = [(9, &[resolution]), (14, &offset)];
            let file = Build::new(order).section().interface(1, 0, &options).packet(0, ticks, b"abcd").bytes;
            assert_eq!(frames(&file), [seen(ts_ns, b"abcd")], "{resolution:#x} {offset_s} {ticks}");
        }
    };
    check(0, 0, u64::MAX, i64::MAX);
    check(9, i64::MAX, 1, i64::MAX);
    check(9, i64::MIN, 0, i64::MIN);
    check(6, i64::MIN, u64::MAX, -1);
    check(0x80, -1, 1, 0);
    check(0xbf, 0, 1 << 63, 1_000_000_000);
    check(0xff, 5, u64::MAX, 5_000_000_000);
    check(127, 5, u64::MAX, 5_000_000_000);
}

#[test]
fn a_packet_with_options_behind_it() {
    let file = Build::new(Order::Little)
        .section()
        .interface(1, 0, &[])
        .block(EPB, |body| body.words(&[0, 0, 8, 3, 3]).raw(b"abc\0").half(1).half(4).raw(b"note").word(0))
        .bytes;
    assert_eq!(frames(&file), [seen(8_000, b"abc")]);
}

#[test]
fn an_unread_block_larger_than_the_buffer_is_passed_over() {
    let file = Build::new(Order::Little)
        .section()
        .block(0xb16, |body| body.raw(&vec![1; 3 << 20]))
        .interface(1, 0, &[])
        .packet(0, 5, b"after");
    assert_eq!(frames(&file.bytes), [seen(5_000, b"after")]);
    let (found, damage) = read(&file.bytes[..2 << 20]);
    assert_eq!((found.len(), damage.expect("cut").byte_offset), (0, 28));
}

#[test]
fn a_long_capture_read_in_pieces_of_any_size() {
    let packets: Vec<Vec<u8>> = (0..4000_u32).map(|n| n.to_le_bytes().repeat(1 + n as usize % 300)).collect();
    let pcap = packets
        .iter()
        .fold(Build::new(Order::Little).pcap(0xa1b2_c3d4, 1), |file, packet| file.record(0, 0, packet));
    let pcapng =
        packets.iter().fold(Build::new(Order::Big).section().interface(1, 0, &[]), |file, packet| {
            file.packet(0, 0, packet)
        });
    assert!(pcap.bytes.len() > 2 << 20, "larger than the buffer");
    for file in [pcap.bytes, pcapng.bytes] {
        for piece in [1021, 65_536, usize::MAX] {
            let open = || {
                let stream = Pieces { inner: Cursor::new(file.clone()), piece };
                let mut captures = open_stream("pieces", stream, &InputLimits::default()).expect("opens");
                captures.next().expect("one").expect("is a capture")
            };
            for (found, damage) in
                [drain(&mut open()), drain_shared(&mut open())].map(|read| read.expect("reads"))
            {
                assert!(found.iter().map(|seen| &seen.bytes).eq(&packets));
                assert_eq!(damage, None);
            }
        }
    }
}

#[test]
fn packets_as_large_as_a_read_and_blocks_larger_than_the_buffer() {
    let packets: Vec<Vec<u8>> = (0..9_u8).map(|n| vec![n; 262_144 - usize::from(n) * 20_000]).collect();
    let file = packets.iter().fold(Build::new(Order::Big).section().interface(1, 0, &[]), |file, packet| {
        file.packet(0, 0, packet).packet(0, 0, b"small").block(0xb16, |body| body.raw(&vec![7; 1_500_000]))
    });
    for piece in [65_536, usize::MAX] {
        let stream = Pieces { inner: Cursor::new(file.bytes.clone()), piece };
        let mut captures = open_stream("pieces", stream, &InputLimits::default()).expect("opens");
        let (found, damage) =
            drain_shared(&mut captures.next().expect("one").expect("is a capture")).expect("reads");
        let expected = packets.iter().flat_map(|packet| [packet, &b"small"[..]]);
        assert!(found.iter().map(|seen| &seen.bytes[..]).eq(expected));
        assert_eq!(damage, None);
    }
    assert_eq!(frames(&file.bytes).len(), 18);
}

/// A pipe that gives little at a time.
struct Pieces {
    inner: Cursor<Vec<u8>>,
    piece: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.piece);
        self.inner.read(&mut buffer[..count])
    }
}
