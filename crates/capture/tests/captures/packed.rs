//! gzip and zstd around captures, standard streams, caps, ids, hashes and progress.

use crate::build::{Build, Order, drain, frames, gzip, open_bytes, read, small_frames, small_pcap};
use capture::{FrameSource, Input, InputLimits, SourceError, open, open_hashed, open_stream};
use sha2::{Digest, Sha256};
use std::io::Cursor;

#[test]
fn gzip_and_zstd_of_several_members() {
    let whole = small_pcap();
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).expect("packs");
    for cut in [0, 10, 24, 100, whole.len()] {
        let (front, back) = whole.split_at(cut);
        assert_eq!(frames(&[gzip(front), gzip(back)].concat()), small_frames());
        assert_eq!(frames(&[zstd(front), zstd(back)].concat()), small_frames());
    }
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd(&whole)].concat();
    assert_eq!(frames(&skippable), small_frames());
}

#[test]
fn a_cut_zstd_stream_gives_what_came_before() {
    let noise = |seed: u32| {
        let bytes = (0..200_000_u32)
            .map(|n| ((n ^ seed << 20).wrapping_mul(0x9e37_79b1).wrapping_mul(n | 1) >> 13) as u8);
        bytes.collect::<Vec<u8>>()
    };
    let file = (0..20).fold(Build::new(Order::Little).pcap(0xa1b2_c3d4, 1), |f, n| f.record(n, 0, &noise(n)));
    let packed = zstd::encode_all(&file.bytes[..], 1).expect("packs");
    let (found, damage) = read(&packed[..packed.len() * 3 / 4]);
    assert!(found.len() > 1 && found.len() < 20, "{}", found.len());
    let damage = damage.expect("named");
    assert!(damage.what.contains("zstd"), "{damage}");
    assert_eq!(damage.byte_offset, 24 + found.len() as u64 * 200_016);
}

#[test]
fn bytes_behind_a_gzip_stream_are_named() {
    let (found, damage) = read(&[gzip(&small_pcap()), b"rubbish behind it".to_vec()].concat());
    assert_eq!(found, small_frames());
    assert!(damage.expect("named").what.contains("gzip"));
}

#[test]
fn caps_are_errors_with_their_names() {
    let packed = gzip(&Build::new(Order::Little).pcap(0xa1b2_c3d4, 1).raw(&[0; 16_000]).bytes);
    let check = |limits: InputLimits, name: &str| {
        let error = match open_bytes(&packed, &limits) {
            Ok(mut captures) => {
                drain(&mut captures.next().expect("one").expect("read")).expect_err("is stopped")
            }
            Err(error) => error,
        };
        assert!(matches!(error, SourceError::LimitExceeded { limit, .. } if limit == name), "{error}");
    };
    check(InputLimits { expanded_bytes_max: 16_023, ..InputLimits::default() }, "expanded_bytes_max");
    check(
        InputLimits { upload_bytes_max: packed.len() as u64 - 1, ..InputLimits::default() },
        "upload_bytes_max",
    );
    let exact = InputLimits {
        expanded_bytes_max: 16_024,
        upload_bytes_max: packed.len() as u64,
        ..InputLimits::default()
    };
    let mut capture = open_bytes(&packed, &exact).expect("opens").next().expect("one").expect("read");
    assert_eq!(drain(&mut capture).expect("within").0.len(), 1000);
}

#[test]
fn frames_before_a_cap_are_given() {
    let limits = InputLimits { expanded_bytes_max: 2 << 20, ..InputLimits::default() };
    let packet = vec![0; 100_000];
    let file = (0..40).fold(Build::new(Order::Little).pcap(0xa1b2_c3d4, 1), |f, n| f.record(n, 0, &packet));
    let mut capture =
        open_bytes(&gzip(&file.bytes), &limits).expect("opens").next().expect("one").expect("read");
    let mut count = 0;
    let error = loop {
        match capture.next_batch() {
            Ok(Some(batch)) => count += batch.len(),
            Ok(None) => panic!("the cap is not silent"),
            Err(error) => break error,
        }
    };
    assert_eq!(count, (2 << 20) / 100_016, "all that fit under the cap");
    assert!(error.to_string().contains("2097152 bytes once unpacked; split it or raise expanded_bytes_max"));
    assert!(capture.next_batch().expect("ended").is_none());
}

#[test]
fn an_id_is_of_the_content() {
    let id = |bytes: &[u8]| {
        open_bytes(bytes, &InputLimits::default()).expect("opens").next().expect("one").expect("read").id()
    };
    let plain = small_pcap();
    let expected = Sha256::new().chain_update([1, 0]).chain_update(&plain).finalize();
    assert_eq!(id(&plain).0, expected[..16]);
    assert_eq!(id(&gzip(&plain)), id(&plain));

    let long = Build::new(Order::Big).pcap(0xa1b2_c3d4, 101).raw(&vec![0; 3 << 20]).bytes;
    let expected = Sha256::new().chain_update([101, 0]).chain_update(&long[..1 << 20]).finalize();
    assert_eq!(id(&long).0, expected[..16]);
    assert_eq!(id(&long[..2 << 20]), id(&long), "only the first MiB counts");

    let pcapng = Build::new(Order::Big)
        .section()
        .block(99, |body| body.word(0))
        .interface(113, 0, &[])
        .interface(1, 0, &[])
        .bytes;
    let expected = Sha256::new().chain_update([113, 0]).chain_update(&pcapng).finalize();
    assert_eq!(id(&pcapng).0, expected[..16]);
}

#[test]
fn a_file_by_its_path() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("called.txt");
    let packed = gzip(&small_pcap());
    std::fs::write(&path, &packed).expect("writes");

    let mut captures =
        open_hashed(&Input::file(&path).named("upload"), &InputLimits::default()).expect("opens");
    let progress = captures.progress();
    assert_eq!(progress.total_bytes(), Some(packed.len() as u64));
    let mut capture = captures.next().expect("one").expect("read");
    assert_eq!((capture.name(), capture.entry(), capture.link_type().0), ("upload", None, 1));
    let sha256: [u8; 32] = Sha256::digest(&packed).into();
    assert_eq!(captures.stored_sha256().expect("read"), Some(sha256));
    assert_eq!(drain(&mut capture).expect("read").0, small_frames());
    assert_eq!(progress.read_bytes(), packed.len() as u64);
    assert_eq!(captures.stored_sha256().expect("read"), Some(sha256));

    let mut captures = open(&Input::from_argument(&path), &InputLimits::default()).expect("opens");
    let capture = captures.next().expect("one").expect("read");
    assert_eq!(capture.name(), path.display().to_string());
    assert_eq!(captures.stored_sha256().expect("not asked"), None);
}

#[test]
fn what_cannot_be_opened_is_said() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let missing = folder.path().join("missing.pcap");
    let error = open(&Input::file(&missing), &InputLimits::default()).expect_err("is missing");
    assert!(matches!(error, SourceError::NotFound { .. }));
    assert_eq!(error.name(), missing.display().to_string());
    let error = open(&Input::file(folder.path()), &InputLimits::default()).expect_err("is a folder");
    assert!(error.to_string().contains("a folder; give the files in it"));

    let large = folder.path().join("large.pcap");
    std::fs::write(&large, small_pcap()).expect("writes");
    let limits = InputLimits { upload_bytes_max: 10, ..InputLimits::default() };
    let error = open(&Input::file(&large), &limits).expect_err("is too large");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "upload_bytes_max", max: 10, .. }));
    assert_eq!(Input::from_argument("-"), Input::standard_input());
}

#[test]
fn a_failing_read_is_an_error_behind_the_frames_before_it() {
    struct Failing(Cursor<Vec<u8>>);
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            const EIO: i32 = 5;
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::from_raw_os_error(EIO)),
                count => Ok(count),
            }
        }
    }
    // More than one batch, and more than is read at the opening.
    let file =
        (0..3000).fold(Build::new(Order::Little).pcap(0xa1b2_c3d4, 1), |f, n| f.record(n, 0, &[1; 800]));
    let open = || {
        let stream = Failing(Cursor::new(file.bytes.clone()));
        let mut captures = open_stream("disk", stream, &InputLimits::default()).expect("opens");
        captures.next().expect("one").expect("opens")
    };
    let (mut capture, mut count) = (open(), 0);
    while count < 3000 {
        count += capture.next_batch().expect("before the failure").expect("frames").len();
    }
    assert!(matches!(capture.next_batch(), Err(SourceError::Io { .. })));
    assert!(capture.next_batch().expect("ended").is_none());
    let (mut capture, mut count) = (open(), 0);
    while count < 3000 {
        count += capture.next_shared().expect("before the failure").expect("frames").as_batch().len();
    }
    assert!(matches!(capture.next_shared(), Err(SourceError::Io { .. })));
    assert!(capture.next_shared().expect("ended").is_none());
}
