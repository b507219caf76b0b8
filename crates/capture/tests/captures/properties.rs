//! No bytes make the reader panic, loop, or give more than it was given.

use crate::build::{Build, ORDERS, gzip, open_bytes, small_pcap};
use capture::{FrameSource, InputLimits};
use proptest::collection::vec;
use proptest::prelude::*;

/// Reads all there is in `bytes`; nothing given may be larger than what could come out of it.
fn read_all(bytes: &[u8]) {
    let limits = InputLimits { expanded_bytes_max: 1 << 20, ..InputLimits::default() };
    let Ok(captures) = open_bytes(bytes, &limits) else { return };
    for mut capture in captures.flatten() {
        let mut given = 0;
        while let Ok(Some(batch)) = capture.next_batch() {
            given += batch.iter().map(|frame| frame.bytes.len()).sum::<usize>();
            batch.iter().for_each(|frame| assert!(frame.wire_len as usize >= frame.bytes.len()));
        }
        assert!(given <= bytes.len().max(1 << 20), "{given} bytes of {}", bytes.len());
        assert!(capture.damage().is_none_or(|damage| damage.byte_offset <= (1 << 20) + bytes.len() as u64));
    }
}

/// Files that are worth breaking.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds =
        vec![small_pcap(), gzip(&small_pcap()), zstd::encode_all(&small_pcap()[..], 1).expect("packs")];
    for order in ORDERS {
        let file = Build::new(order).section().interface(1, 0, &[(9, &[9])]).packet(0, 7, b"packet");
        seeds.push(file.block(3, |body| body.word(3).raw(b"abc")).section().interface(101, 0, &[]).bytes);
    }
    seeds.push(crate::zip_batches::small_zip());
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_behind_any_magic(magic in 0..6_usize, bytes in vec(any::<u8>(), 0..600)) {
        let magics: [&[u8]; 6] = [
            b"", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], &[0x0a, 0x0d, 0x0d, 0x0a], &[0x1f, 0x8b, 8], b"PK\x03\x04",
            &[0x28, 0xb5, 0x2f, 0xfd],
        ];
        read_all(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn captures_with_changed_bytes(seed in 0..6_usize, changes in vec((any::<u16>(), any::<u8>()), 1..12)) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        read_all(&bytes);
    }

    #[test]
    fn captures_with_a_piece_moved(seed in 0..6_usize, from in any::<u16>(), to in any::<u16>(), count in 0..64_usize) {
        let mut bytes = seeds().swap_remove(seed);
        let from = usize::from(from) % bytes.len();
        let piece: Vec<u8> = bytes.drain(from..bytes.len().min(from + count)).collect();
        let to = usize::from(to) % (bytes.len() + 1);
        bytes.splice(to..to, piece);
        read_all(&bytes);
    }
}
