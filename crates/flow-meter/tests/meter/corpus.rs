//! Replays what the fuzz targets of decode and of the meter begin with, and what they once found.

#[path = "../../../../fuzz/bodies/decoding.rs"]
mod decoding;
#[path = "../../../../fuzz/bodies/metering.rs"]
mod metering;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a corpus") {
        let path = entry.expect("entry").path();
        // Shown when an assertion fails.
        eprintln!("{}", path.display());
        check(&std::fs::read(&path).expect("file"));
        files += 1;
    }
    assert!(files > 0, "{target}");
}

#[test]
fn the_corpus_of_decode_holds() {
    replay("decode", decoding::check);
}

#[test]
fn the_corpus_of_the_flow_table_holds() {
    replay("flow_table", metering::check);
}
