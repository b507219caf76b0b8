//! Three dozen captures that are damaged or odd, kept in testdata/damaged: what is read of each, and what is said.
//!
//! They are made here and checked against the tree, so that each byte of them has a reason.

use crate::build::{Build, Order, gzip, small_pcap};
use capture::{FrameSource, Input, InputLimits, open};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/damaged")
}

const LITTLE: Order = Order::Little;
/// Old packet block, simple packet block, and one that nobody knows.
const OLD: u32 = 2;
const SIMPLE: u32 = 3;
const UNKNOWN: u32 = 0x0bad_0bad;
/// Option codes: time stamp resolution and offset.
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;

fn ng() -> Build {
    Build::new(LITTLE).section().interface(1, 65_535, &[])
}

fn cut(bytes: &[u8], less: usize) -> Vec<u8> {
    bytes[..bytes.len() - less].to_vec()
}

fn patched(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// Bit of a zip entry's flags.
const ENCRYPTED: u16 = 1;

/// An archive of one entry that is stored as it is.
fn zip(name: &str, flags: u16, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let (bytes, name_bytes) = (content.len() as u32, name.len() as u16);
    // What the headers in front of the entry and in the directory share: version needed, flags, method, time, date,
    // checksum, sizes packed and not, length of the name and of the extra fields.
    let shared = |build: Build| {
        let build = build.half(20).half(flags).half(0).half(0).half(0x21);
        build.words(&[crc.sum(), bytes, bytes]).half(name_bytes).half(0)
    };
    let local = shared(Build::new(LITTLE).raw(b"PK\x03\x04")).raw(name.as_bytes()).raw(content);
    let directory_at = local.bytes.len() as u32;
    let central = shared(local.raw(b"PK\x01\x02").half(20));
    let central = central.half(0).half(0).half(0).words(&[0, 0]).raw(name.as_bytes());
    let directory_bytes = central.bytes.len() as u32 - directory_at;
    let end = central.raw(b"PK\x05\x06").half(0).half(0).half(1).half(1);
    end.words(&[directory_bytes, directory_at]).half(0).bytes
}

fn pcaps() -> Vec<(&'static str, Vec<u8>)> {
    let small = small_pcap();
    let header = |magic| Build::new(LITTLE).pcap(magic, 1);
    let usual = || header(0xa1b2_c3d4).record(1, 0, &[7; 60]);
    vec![
        ("header_cut.pcap", small[..20].to_vec()),
        ("header_only.pcap", small[..24].to_vec()),
        ("record_header_cut.pcap", cut(&small, 5)),
        ("packet_cut.pcap", cut(&small, 16 + 30)),
        ("nanoseconds_big_endian_cut.pcap", {
            let whole = Build::new(Order::Big).pcap(0xa1b2_3c4d, 1).record(1, 999_999_999, &[7; 60]);
            cut(&whole.record(2, 0, &[8; 60]).bytes, 1)
        }),
        ("nanoseconds_little_endian_cut.pcap", {
            let whole = header(0xa1b2_3c4d).record(1, 999_999_999, &[7; 60]).record(2, 0, &[8; 60]);
            cut(&whole.bytes, 61)
        }),
        ("microseconds_big_endian_cut.pcap", {
            let whole = Build::new(Order::Big).pcap(0xa1b2_c3d4, 1).record(1, 999_999, &[7; 60]);
            cut(&whole.record(2, 0, &[8; 60]).bytes, 30)
        }),
        ("version_1.pcap", patched(small.clone(), 4, &[1, 0])),
        ("huge_packet.pcap", usual().words(&[2, 0, 0x7fff_ffff, 0x7fff_ffff]).raw(&[9; 40]).bytes),
        ("captured_more_than_sent.pcap", usual().words(&[2, 0, 60, 40]).raw(&[9; 60]).bytes),
        ("time_runs_back.pcap", usual().record(100, 0, &[8; 60]).record(5, 0, &[9; 60]).bytes),
        ("another_file_appended.pcap", [small.clone(), small.clone()].concat()),
        ("rubbish_appended.pcap", [small, vec![0xff; 64]].concat()),
    ]
}

fn pcapngs() -> Vec<(&'static str, Vec<u8>)> {
    let packet = |build: Build| build.packet(0, 1_000_000, &[7; 60]);
    let whole = packet(ng()).bytes;
    let header = Build::new(LITTLE).section().bytes.len();
    vec![
        ("block_length_zero.pcapng", packet(ng()).words(&[6, 0, 0]).bytes),
        ("block_length_odd.pcapng", packet(ng()).words(&[6, 33]).raw(&[0; 40]).bytes),
        ("lengths_differ.pcapng", patched(whole.clone(), whole.len() - 4, &[1, 1, 0, 0])),
        ("block_cut.pcapng", cut(&packet(packet(ng())).bytes, 20)),
        ("no_interface.pcapng", packet(Build::new(LITTLE).section()).bytes),
        ("missing_interface.pcapng", packet(ng()).packet(7, 0, &[8; 60]).bytes),
        ("packet_longer_than_block.pcapng", {
            packet(ng()).block(6, |body| body.words(&[0, 0, 0, 4000, 4000]).raw(&[1; 20])).bytes
        }),
        (
            "options_cut.pcapng",
            patched(
                packet(Build::new(LITTLE).section().interface(1, 0, &[(RESOLUTION, &[9])])).bytes,
                header + 18,
                &[0xff, 0x7f],
            ),
        ),
        ("finest_resolution.pcapng", {
            packet(Build::new(LITTLE).section().interface(1, 0, &[(RESOLUTION, &[0xff])])).bytes
        }),
        ("resolution_2_to_the_minus_63.pcapng", {
            packet(Build::new(LITTLE).section().interface(1, 0, &[(RESOLUTION, &[0x80 | 63])])).bytes
        }),
        ("resolution_10_to_the_minus_19.pcapng", {
            packet(Build::new(LITTLE).section().interface(1, 0, &[(RESOLUTION, &[19])])).bytes
        }),
        ("time_offset.pcapng", {
            let options: [(u16, &[u8]); 2] = [(RESOLUTION, &[3]), (OFFSET, &[0, 0, 0, 0x80, 0, 0, 0, 0])];
            packet(Build::new(LITTLE).section().interface(1, 0, &options)).bytes
        }),
        ("simple_without_interface.pcapng", {
            Build::new(LITTLE).section().block(SIMPLE, |body| body.word(60).raw(&[8; 60])).bytes
        }),
        ("simple_and_old_packets.pcapng", {
            let with_old = ng().block(OLD, |body| body.half(0).half(0).words(&[0, 5, 60, 60]).raw(&[7; 60]));
            with_old.block(SIMPLE, |body| body.word(60).raw(&[8; 60])).bytes
        }),
        ("unknown_blocks.pcapng", {
            packet(ng().block(UNKNOWN, |body| body.raw(&[0xee; 100]))).block(UNKNOWN, |body| body).bytes
        }),
        ("two_byte_orders.pcapng", {
            let other =
                Build::new(Order::Big).section().interface(101, 0, &[]).packet(0, 9, &[0x45; 40]).bytes;
            packet(ng()).raw(&other).bytes
        }),
    ]
}

fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let (small, packed) = (small_pcap(), gzip(&small_pcap()));
    let zstd = zstd::encode_all(small.as_slice(), 1).expect("memory");
    let checksum = packed.len() - 8;
    vec![
        ("packed_cut.pcap.gz", cut(&packed, 20)),
        ("packed_checksum.pcap.gz", patched(packed, checksum, &[1, 2, 3, 4])),
        ("packed_cut.pcap.zst", cut(&zstd, 6)),
        ("not_a_capture.pcap", b"<html>not found</html>\n".to_vec()),
        ("empty.pcap", Vec::new()),
        ("words.pcap", b"plain words\n".to_vec()),
        ("zip_encrypted.zip", zip("a.pcap", ENCRYPTED, &small)),
        ("zip_climbs_out.zip", zip("../a.pcap", 0, &small)),
        ("zip_without_end.zip", b"PK\x03\x04rest".to_vec()),
    ]
}

/// A line a file: name, packets, and the warning or the refusal.
fn said() -> String {
    let mut lines = String::from("file\tpackets\tsaid\n");
    for (name, _) in pcaps().into_iter().chain(pcapngs()).chain(packed()) {
        let (packets, said) = read(&folder().join(name));
        writeln!(lines, "{name}\t{packets}\t{said}").expect("memory");
    }
    lines
}

fn read(path: &Path) -> (usize, String) {
    let captures = match open(&Input::file(path).named("file"), &InputLimits::default()) {
        Ok(captures) => captures,
        Err(error) => return (0, format!("refused: {error}")),
    };
    let (mut packets, mut said) = (0, Vec::new());
    for capture in captures {
        let mut capture = match capture {
            Ok(capture) => capture,
            Err(error) => {
                said.push(format!("refused: {error}"));
                continue;
            }
        };
        while let Some(batch) = capture.next_batch().expect("no failing disk") {
            packets += batch.len();
        }
        said.extend(capture.damage().map(ToString::to_string));
    }
    (packets, said.join("; "))
}

/// `FLOWCATCHER_WRITE_DAMAGED=1` writes the files and what is said of them anew, to be looked at.
#[test]
fn each_gives_what_is_before_the_damage_and_names_it() {
    let files: Vec<_> = pcaps().into_iter().chain(pcapngs()).chain(packed()).collect();
    assert!(files.len() >= 36, "{}", files.len());
    let expected = folder().join("expected.tsv");
    if std::env::var_os("FLOWCATCHER_WRITE_DAMAGED").is_some() {
        std::fs::create_dir_all(folder()).expect("folder");
        for (name, bytes) in &files {
            std::fs::write(folder().join(name), bytes).expect("file");
        }
        std::fs::write(&expected, said()).expect("file");
    }
    for (name, bytes) in &files {
        assert!(std::fs::read(folder().join(name)).expect(name) == *bytes, "{name} is not what is made here");
    }
    assert_eq!(std::fs::read_to_string(expected).expect("expected"), said());
}
