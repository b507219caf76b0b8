//! What holds for any bytes that are opened as a capture: the same frames on every way of reading, none longer than
//! allowed, and an end that stays the end.

use capture::{Capture, FrameBatch, FrameSource, InputLimits, open_stream};
use std::io::Cursor;

const PACKET_BYTES_MAX: u32 = 4096;

/// Small ones, so that a short input can meet each of them.
fn limits() -> InputLimits {
    InputLimits {
        upload_bytes_max: 2 << 20,
        expanded_bytes_max: 2 << 20,
        zip_entries_max: 8,
        packet_bytes_max: PACKET_BYTES_MAX,
        interfaces_max: 8,
    }
}

/// How the files of each target can begin.
const OPENINGS: &[(&str, &[&[u8]])] = &[
    (
        "pcap",
        &[
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0",
            b"\xa1\xb2\xc3\xd4\0\x02\0\x04",
            b"\x4d\x3c\xb2\xa1\x02\0\x04\0",
            b"\xa1\xb2\x3c\x4d\0\x02\0\x04",
            b"\x34\xcd\xb2\xa1\x02\0\x03\0",
        ],
    ),
    ("pcapng", &[b"\x0a\x0d\x0d\x0a"]),
    ("packed", &[b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"]),
    ("zip", &[b"PK\x03\x04", b"PK\x05\x06"]),
];

/// Reads all captures in `bytes` twice, in both kinds of batch. Bytes that do not begin as the target's files do are
/// read behind the opening that their first byte chooses.
pub(crate) fn check(target: &str, bytes: &[u8]) {
    let openings = OPENINGS.iter().find(|(name, _)| *name == target).expect("a target of readers").1;
    let begins = openings.iter().any(|opening| bytes.starts_with(&opening[..opening.len().min(4)]));
    let behind = match bytes.split_first() {
        Some((which, rest)) if !begins => [openings[usize::from(*which) % openings.len()], rest].concat(),
        _ => bytes.to_vec(),
    };
    let whole = match (target, behind.split_last()) {
        ("pcap", Some((7, all))) => repeated(all, 24),
        ("pcapng", Some((7, all))) => repeated(all, 0),
        _ => behind,
    };
    assert_eq!(listing(&whole, borrowed), listing(&whole, shared));
}

/// More than a reader's buffer holds (1 MiB), so that it is filled again in the middle of something: the head of a file
/// once, and the rest over and over.
fn repeated(bytes: &[u8], head: usize) -> Vec<u8> {
    const LENGTH: usize = 1_600_000;
    let (head, rest) = bytes.split_at(head.min(bytes.len()));
    let times = if rest.is_empty() { 0 } else { LENGTH / rest.len() };
    [head, &rest.repeat(times)].concat()
}

/// What is said of each capture: its frames and how it ends, or why it is refused.
fn listing(bytes: &[u8], drain: fn(&mut Capture) -> Drained) -> Vec<Result<Drained, String>> {
    match open_stream("input", Cursor::new(bytes.to_vec()), &limits()) {
        Ok(captures) => captures
            .map(|capture| capture.map(|mut capture| drain(&mut capture)).map_err(|error| error.to_string()))
            .collect(),
        Err(error) => vec![Err(error.to_string())],
    }
}

/// Time, link type, length on the wire and bytes of each frame; damage; error.
type Drained = (Vec<(i64, u16, u32, Vec<u8>)>, Option<String>, Option<String>);

fn borrowed(capture: &mut Capture) -> Drained {
    let mut frames = Vec::new();
    let error = loop {
        match capture.next_batch() {
            Ok(Some(batch)) => add(&mut frames, batch),
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    assert!(matches!(capture.next_batch(), Ok(None)), "the end stays the end");
    (frames, capture.damage().map(ToString::to_string), error)
}

fn shared(capture: &mut Capture) -> Drained {
    // Held to the end, as by threads that lag behind.
    let mut batches = Vec::new();
    let error = loop {
        match capture.next_shared() {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    let mut frames = Vec::new();
    batches.iter().for_each(|batch| add(&mut frames, batch.as_batch()));
    (frames, capture.damage().map(ToString::to_string), error)
}

fn add(frames: &mut Vec<(i64, u16, u32, Vec<u8>)>, batch: FrameBatch<'_>) {
    assert!(!batch.is_empty(), "a batch has frames");
    for frame in batch {
        assert!(frame.bytes.len() <= PACKET_BYTES_MAX as usize, "packet_bytes_max");
        assert!(frame.bytes.len() <= frame.wire_len as usize, "more captured than sent");
        frames.push((frame.ts_ns, frame.link_type.0, frame.wire_len, frame.bytes.to_vec()));
    }
}
