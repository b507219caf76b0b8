//! The same input gives the same bytes: twice, in batches of any size, with any number of threads.

use crate::program::{Place, can_judge, sample, text};

#[test]
fn batches_and_threads_change_nothing() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let run = |batch: &str, threads: &str| {
        let mut command = place.command(&["analyze", "--format", "ndjson", text(&sample())]);
        command.env("FLOWCATCHER__PREDICTOR__BATCH_MAX", batch);
        command.env("FLOWCATCHER__PREDICTOR__THREADS", threads);
        let output = command.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let first = run("4096", "1");
    assert!(!first.is_empty());
    for (batch, threads) in [("4096", "1"), ("1", "1"), ("10000", "1"), ("1", "2"), ("10000", "2")] {
        assert!(run(batch, threads) == first, "batches of {batch}, {threads} threads");
    }
}
