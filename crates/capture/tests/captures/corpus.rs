//! Replays what the fuzz targets of the readers begin with, and what they once found.

#[path = "../../../../fuzz/bodies/readers.rs"]
mod readers;

use std::path::Path;

#[test]
fn the_corpora_of_the_readers_hold() {
    for target in ["pcap", "pcapng", "packed", "zip"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut files = 0;
        for entry in std::fs::read_dir(folder).expect("a corpus") {
            let path = entry.expect("entry").path();
            // Shown when an assertion fails.
            eprintln!("{}", path.display());
            readers::check(target, &std::fs::read(&path).expect("file"));
            files += 1;
        }
        assert!(files > 0, "{target}");
    }
}
