//! Captures that tests upload.

use std::io::Write;
use std::path::PathBuf;

/// A pcap of so many UDP flows of one packet each; `seed` makes it another capture.
pub(crate) fn pcap(flows: u16, seed: u8) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for flow in 0..flows {
        let frame = udp([10, 0, 0, seed], [10, 0, 1, 1], 10_000 + flow, 53);
        let length = (frame.len() as u32).to_le_bytes();
        let second = (1_700_000_000 + u32::from(flow)).to_le_bytes();
        for part in [&second[..], &[0; 4], &length, &length, &frame] {
            file.extend_from_slice(part);
        }
    }
    file
}

/// An Ethernet frame with a UDP packet of four payload bytes.
fn udp(source: [u8; 4], destination: [u8; 4], from: u16, to: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend_from_slice(&[0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend_from_slice(&source);
    frame.extend_from_slice(&destination);
    for word in [from, to, 12, 0] {
        frame.extend_from_slice(&word.to_be_bytes());
    }
    frame.extend_from_slice(b"ping");
    frame
}

/// Gzip of some bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

/// A zip with these entries.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
        archive.write_all(content).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}

/// A capture of the lab, when it is there.
pub(crate) fn of_the_lab(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("FLOWCATCHER_DATA").map(PathBuf::from);
    let folder =
        folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/flowcatcher-data")))?;
    let read = std::fs::read(folder.join("train").join(path));
    if read.is_err() {
        // Not by `eprintln!`, which the test runner would hide.
        Write::write_fmt(&mut std::io::stderr(), format_args!("skipped: {path} is not there\n"))
            .expect("standard error");
    }
    read.ok()
}
