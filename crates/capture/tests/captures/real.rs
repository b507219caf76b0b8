//! Captures that others made, where they are at hand: each is read or refused by name, and counted as Wireshark
//! counts it.

use capture::{FrameSource, Input, InputLimits, open};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of captures, from the environment or the user's cache.
fn folder(name: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("FLOWCATCHER_DATA") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/flowcatcher-data"),
    };
    let folder = root.join("real").join(name);
    if !folder.is_dir() {
        // Not by `eprintln!`, which the test runner would hide.
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: no captures in {}\n", folder.display()),
        )
        .expect("standard error");
        return None;
    }
    Some(folder)
}

/// All files below `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("is a folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A line for each capture in a file: `NAME packets WARNING`.
fn read(path: &Path) -> Vec<String> {
    let mut captures = match open(&Input::file(path).named("file"), &InputLimits::default()) {
        Ok(captures) => captures,
        Err(error) => return vec![error.to_string()],
    };
    let mut lines = Vec::new();
    for capture in captures.by_ref() {
        let mut capture = match capture {
            Ok(capture) => capture,
            Err(error) => {
                lines.push(error.to_string());
                continue;
            }
        };
        let mut packets = 0;
        while let Some(batch) = capture.next_batch().expect("no cap, no failing disk") {
            packets += batch.len();
        }
        let damage = capture.damage().map(|damage| format!("; {damage}")).unwrap_or_default();
        lines.push(format!("{}: {packets}{damage}", capture.name()));
    }
    lines
}

#[test]
fn every_file_is_read_or_refused_by_name() {
    let Some(folder) = folder("pcaps") else { return };
    for path in files(&folder) {
        for line in read(&path) {
            assert!(line.starts_with("file: ") && line.len() > 6, "{}: {line:?}", path.display());
        }
    }
}

#[test]
fn packets_are_counted_as_capinfos_counts_them() {
    let Some(folder) = folder("pcaps") else { return };
    if Command::new("capinfos").arg("--version").output().is_err() {
        // Not by `eprintln!`, which the test runner would hide.
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: capinfos is not installed\n"),
        )
        .expect("standard error");
        return;
    }
    let (mut compared, mut different) = (0, Vec::new());
    for path in files(&folder) {
        let Some(theirs) = capinfos_count(&path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let line = read(&path).concat();
        let ours = line.split([' ', ';']).nth(1).and_then(|count| count.parse::<u64>().ok());
        if ours != Some(theirs) {
            different.push(format!("{name}: {theirs} expected, {line}"));
        }
        compared += 1;
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(compared > 500, "{compared} files compared");
}

/// What capinfos counts in a capture of our formats. It counts the packets before a cut, but not before other damage.
fn capinfos_count(path: &Path) -> Option<u64> {
    let output =
        Command::new("capinfos").args(["-t", "-c", "-M", "-T", "-r"]).arg(path).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut columns = text.lines().last()?.rsplit('\t');
    let (count, kind) = (columns.next()?, columns.next()?);
    kind.contains("pcap").then(|| count.trim().parse().ok())?
}

#[test]
fn hostile_archives() {
    let Some(folder) = folder("batches") else { return };
    let check = |name: &str, expected: &[&str]| {
        let lines = read(&folder.join(name));
        for part in expected {
            assert!(lines.iter().any(|line| line.contains(part)), "{name}: no {part:?} in {lines:#?}");
        }
        lines.len()
    };
    assert_eq!(check("bomb_200MB.zip", &["zeros.pcap: 12500000"]), 1);
    assert_eq!(check("duplicate_names.zip", &["a.pcap: refused: a second entry", "a.pcap: "]), 2);
    assert_eq!(check("empty.zip", &["a zip archive without files"]), 1);
    assert_eq!(check("in_folders.zip", &["file: day1/benign/zeek__ssl.v3.pcap: "]), 16);
    assert_eq!(check("mixed_20.zip", &["file: zeek__post.pcap: "]), 20);
    assert_eq!(
        check(
            "nested.zip",
            &["inner.zip: refused: a zip archive inside", "cisco__snmp_exposed_creds.pcap: 1"]
        ),
        2
    );
    assert_eq!(
        check(
            "path_traversal.zip",
            &["evil.pcap: refused: a path", "abs.pcap: refused: an abs", "ok.pcap: "]
        ),
        3
    );
    assert_eq!(check("stored.zip", &["file: zeek__ntp2.pcap: "]), 6);
    assert!(
        check("truncated.zip", &["cut short", "odedshimon__IMAP_-_Login_Plaintext_2.pcap: ", "damaged at"])
            > 10
    );
    assert_eq!(
        check(
            "with_junk.zip",
            &["README.txt: not a capture but text", "empty.pcap: not a capture but empty"]
        ),
        5
    );
}
