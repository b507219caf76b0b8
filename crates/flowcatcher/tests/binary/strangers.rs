//! Every capture that others made and that is malformed, of a rare format or link type, or one of a batch: the program ends
//! by itself, in time, within a gigabyte, with an exit code that means something and a reason.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const FOLDERS: [&str; 5] =
    ["pcaps/malformed", "pcaps/malformed_derived", "pcaps/format", "pcaps/linktype", "batches"];
/// Kilobytes of memory that the program may write to, and seconds that it may take.
const LIMITS: &str = "ulimit -d 1048576; exec timeout 60 \"$@\"";

/// All files of the folders that are at hand.
fn files() -> Vec<PathBuf> {
    let root = match std::env::var_os("FLOWCATCHER_DATA") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/flowcatcher-data"),
    };
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|name| root.join("real").join(name)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// What is wrong with a run, if anything.
fn complaint(path: &Path) -> Option<String> {
    let run = Command::new("sh")
        .args(["-c", LIMITS, "sh", env!("CARGO_BIN_EXE_flowcatcher"), "flows", "--format", "none"])
        .arg(path)
        .output()
        .expect("sh");
    let said = String::from_utf8_lossy(&run.stderr);
    let code = run.status.code();
    let named = said.lines().any(|line| line.starts_with("flowcatcher: "));
    match code {
        Some(0) => None,
        Some(2 | 3) if named => None,
        _ => Some(format!("{}: {code:?}, {said}", path.display())),
    }
}

#[test]
fn no_capture_of_strangers_harms_the_program() {
    let files = files();
    if files.is_empty() {
        // Not by `eprintln!`, which the test runner would hide.
        let skipped = format_args!("skipped: no captures of others are at hand\n");
        std::io::Write::write_fmt(&mut std::io::stderr(), skipped).expect("standard error");
        return;
    }
    let (left, complaints) = (Mutex::new(files), Mutex::new(Vec::new()));
    let next = || left.lock().expect("nobody panics").pop();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = next() {
                    complaints.lock().expect("nobody panics").extend(complaint(&path));
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("nobody panics");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
