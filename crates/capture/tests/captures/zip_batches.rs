//! Zip archives of captures, friendly and hostile.

use crate::build::{drain, gzip, open_bytes, small_frames, small_pcap};
use capture::{FrameSource, Input, InputLimits, SourceError, open, open_hashed};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// An archive of `entries`, written by another implementation than the one that reads it.
fn zip(method: CompressionMethod, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).expect("starts");
        writer.write_all(bytes).expect("writes");
    }
    writer.finish().expect("finishes").into_inner()
}

/// A line an entry: its name and packets, or why there are none, and the damage.
fn listing(bytes: &[u8], limits: &InputLimits) -> Vec<String> {
    let captures = open_bytes(bytes, limits).expect("opens");
    assert!(captures.is_archive());
    captures
        .map(|capture| {
            let mut capture = match capture {
                Ok(capture) => capture,
                Err(error) => return error.to_string(),
            };
            let name = capture.name().to_owned();
            match drain(&mut capture) {
                Ok((frames, None)) => format!("{name}: {}", frames.len()),
                Ok((frames, Some(damage))) => format!("{name}: {}, {damage}", frames.len()),
                Err(error) => error.to_string(),
            }
        })
        .collect()
}

/// Holds the listing against the beginnings of its lines.
fn check(bytes: &[u8], expected: &[&str]) {
    let found = listing(bytes, &InputLimits::default());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (line, beginning) in found.iter().zip(expected) {
        assert!(line.starts_with(beginning), "{line:?} should begin with {beginning:?}");
    }
}

/// Overwrites `count` bytes at `at` behind each header of `signature`.
fn patch(mut archive: Vec<u8>, signature: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    for header in 0..archive.len() - signature.len() {
        if archive[header..].starts_with(signature) {
            archive[header + at..header + at + bytes.len()].copy_from_slice(bytes);
        }
    }
    archive
}

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

#[test]
fn entries_are_captures_of_their_own() {
    let pcap = small_pcap();
    let packed = gzip(&pcap);
    let inner = zip(DEFLATED, &[("a.pcap", &pcap)]);
    for method in [DEFLATED, CompressionMethod::Stored] {
        let archive = zip(
            method,
            &[
                ("monday.pcap", &pcap),
                ("folder/", b""),
                ("folder/packed.bin", &packed),
                ("notes.txt", b"about them"),
                ("empty.pcap", b""),
                ("inner.zip", &inner),
                ("cut.pcap", &pcap[..180]),
            ],
        );
        check(
            &archive,
            &[
                "test: monday.pcap: 3",
                "test: folder/packed.bin: 3",
                "test: notes.txt: not a capture but text",
                "test: empty.pcap: not a capture but empty",
                "test: inner.zip: refused: a zip archive inside",
                "test: cut.pcap: 2, damaged at byte 177: cut short",
            ],
        );
    }
}

#[test]
fn hostile_entries_are_refused_and_the_others_read() {
    let pcap = small_pcap();
    let archive = zip(
        DEFLATED,
        &[
            ("../../out.pcap", &pcap),
            ("a/../../out.pcap", &pcap),
            ("..\\out.pcap", &pcap),
            ("/etc/out.pcap", &pcap),
            ("C:out.pcap", &pcap),
            ("same1.pcap", &pcap),
            ("same2.pcap", &pcap),
            ("red\u{1b}[31m\u{202e}.pcap", &pcap),
        ],
    );
    // The writer refuses to write a name twice.
    let at = |n: usize, text: &[u8]| {
        (0..archive.len()).filter(|from| archive[*from..].starts_with(text)).nth(n).expect("is there")
    };
    let (first, second) = (at(0, b"same2"), at(1, b"same2"));
    let mut archive = archive;
    archive[first + 4] = b'1';
    archive[second + 4] = b'1';
    check(
        &archive,
        &[
            "test: ../../out.pcap: refused: a path that climbs",
            "test: a/../../out.pcap: refused: a path that climbs",
            "test: ..\\out.pcap: refused: a path that climbs",
            "test: /etc/out.pcap: refused: an absolute path",
            "test: C:out.pcap: refused: an absolute path",
            "test: same1.pcap: 3",
            "test: same1.pcap: refused: a second entry of this name",
            "test: red\u{fffd}[31m\u{fffd}.pcap: 3",
        ],
    );
}

#[test]
fn encrypted_links_and_foreign_methods_are_refused() {
    let archive = zip(DEFLATED, &[("a.pcap", &small_pcap())]);
    check(&patch(archive.clone(), CENTRAL, 8, &[1, 0]), &["test: a.pcap: refused: encrypted"]);
    check(&patch(archive.clone(), CENTRAL, 10, &[9, 0]), &["test: a.pcap: refused: compression method 9"]);
    let link = patch(patch(archive, CENTRAL, 5, &[3]), CENTRAL, 38, &[0, 0, 0o377, 0o241]);
    check(&link, &["test: a.pcap: refused: a symbolic link"]);
}

#[test]
fn what_the_directory_says_is_checked_against_what_comes_out() {
    let archive = zip(DEFLATED, &[("a.pcap", &small_pcap())]);
    check(
        &patch(archive.clone(), CENTRAL, 16, &[0; 4]),
        &["test: a.pcap: 3, damaged at byte 193: the entry's checksum"],
    );
    check(
        &patch(archive.clone(), CENTRAL, 24, &[1, 0, 0, 0]),
        &["test: a.pcap: 3, damaged at byte 193: the entry should unpack to 1 bytes, 193 came out"],
    );
    check(
        &patch(archive.clone(), CENTRAL, 20, &[8, 0, 0, 0]),
        &["test: a.pcap: 0, damaged at byte 0: the deflate stream is cut short"],
    );
    check(&patch(archive, CENTRAL, 42, &[1, 0, 0, 0]), &["test: a.pcap: the archive's directory is damaged"]);
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let archive = zip(DEFLATED, &[("a.pcap", &small_pcap()), ("b.pcap", &small_pcap())]);
    let shared = patch(archive, CENTRAL, 42, &[0, 0, 0, 0]);
    check(&shared, &["test: a.pcap: refused: it overlaps another entry", "test: b.pcap: 3"]);
}

#[test]
fn an_archive_without_its_directory_is_read_from_the_front() {
    let notice = "test: the archive is cut short";
    let pcap = small_pcap();
    let archive = zip(CompressionMethod::Stored, &[("a.pcap", &pcap), ("b.pcap", &pcap), ("c.pcap", &pcap)]);
    let directory_at = archive.windows(4).position(|bytes| bytes == CENTRAL).expect("a directory");
    check(&archive[..directory_at], &[notice, "test: a.pcap: 3", "test: b.pcap: 3", "test: c.pcap: 3"]);
    check(
        &archive[..directory_at - 10],
        &[notice, "test: a.pcap: 3", "test: b.pcap: 3", "test: c.pcap: 2, damaged at byte 177"],
    );
    // Sizes that stand behind an entry tell nothing of where the next one is.
    let streamed = patch(archive[..directory_at].to_vec(), LOCAL, 6, &[8, 0]);
    check(&streamed, &[notice, "test: a.pcap: refused: its size is lost"]);
    let deflated = zip(DEFLATED, &[("a.pcap", &pcap), ("b.pcap", &pcap)]);
    let directory_at = deflated.windows(4).position(|bytes| bytes == CENTRAL).expect("a directory");
    let streamed = patch(deflated[..directory_at].to_vec(), LOCAL, 6, &[8, 0]);
    check(&streamed, &[notice, "test: a.pcap: 3"]);
    for cut in 4..archive.len() {
        if let Ok(captures) = open_bytes(&archive[..cut], &InputLimits::default()) {
            captures.flatten().for_each(|mut capture| {
                let (frames, _) = drain(&mut capture).expect("no failure");
                assert!(small_frames().starts_with(&frames), "cut at {cut}");
            });
        }
    }
}

#[test]
fn archives_have_caps() {
    let pcap = small_pcap();
    let archive = zip(DEFLATED, &[("a.pcap", &pcap), ("b/", b""), ("c.pcap", &pcap)]);
    let open = |limits: &InputLimits| open_bytes(&archive, limits);
    let error =
        open(&InputLimits { zip_entries_max: 2, ..InputLimits::default() }).expect_err("three entries");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "zip_entries_max", max: 2, .. }));
    assert!(open(&InputLimits { zip_entries_max: 3, ..InputLimits::default() }).is_ok());

    let limits = InputLimits { expanded_bytes_max: 300, ..InputLimits::default() };
    let found = listing(&archive, &limits);
    assert_eq!(found[0], "test: a.pcap: 3");
    assert!(found[1].starts_with("test: c.pcap: more than 300 bytes once unpacked"), "{found:?}");
    assert_eq!(found.len(), 2);

    let empty = zip(DEFLATED, &[]);
    let error = open_bytes(&empty, &InputLimits::default()).expect_err("no entry");
    assert!(error.to_string().contains("a zip archive without files"), "{error}");
}

#[test]
fn an_archive_on_disk_has_a_hash_and_progress() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("batch");
    let archive = zip(DEFLATED, &[("a.pcap", &small_pcap()), ("b.pcap", &small_pcap())]);
    std::fs::write(&path, &archive).expect("writes");
    let mut captures = open_hashed(&Input::file(&path), &InputLimits::default()).expect("opens");
    let progress = captures.progress();
    let mut first = captures.next().expect("one").expect("read");
    assert_eq!(first.entry(), Some("a.pcap"));
    while first.next_batch().expect("reads").is_some() {}
    let middle = progress.read_bytes();
    assert_eq!(captures.by_ref().count(), 1);
    assert!(0 < middle && middle < progress.read_bytes() && progress.read_bytes() < archive.len() as u64);
    let sha256: [u8; 32] = Sha256::digest(&archive).into();
    assert_eq!(captures.stored_sha256().expect("reads"), Some(sha256));
    assert_eq!(open(&Input::file(&path), &InputLimits::default()).expect("opens").count(), 2);
}

/// An archive to break.
pub(crate) fn small_zip() -> Vec<u8> {
    zip(DEFLATED, &[("a.pcap", &small_pcap()), ("b.txt", b"text")])
}
