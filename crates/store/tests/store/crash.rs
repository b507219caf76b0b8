//! A process that is killed while it writes loses nothing that was acknowledged, and leaves nothing half done.

use crate::samples::Traffics;
use crate::{open, wait};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use store::{PredictionQuery, Reader, StatsQuery, Store, WriteVerdict};

const FOLDER: &str = "FLOWCATCHER_TEST_CRASH_FOLDER";
const BATCH: u64 = 500;

/// Not a test of its own: what the killed process runs. It writes for ever and says what was acknowledged.
#[test]
#[ignore = "runs in a process of its own, started by the test below"]
fn writes_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut store = open(Path::new(&folder));
    let traffic = Traffics::new("crash");
    let mut out = std::io::stdout();
    for from in (0..).step_by(BATCH as usize) {
        store.write_predictions(&traffic.batch(from, from + BATCH)).expect("written");
        writeln!(out, "\nacknowledged {}", from + BATCH).and_then(|()| out.flush()).expect("told");
    }
}

/// Starts the writer, kills it after `acknowledgements`, gives how many predictions were acknowledged.
fn write_and_kill(folder: &Path, acknowledgements: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "crash::writes_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let mut told = lines.by_ref().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
    let mut last = told.by_ref().take(acknowledgements).last().expect("an acknowledgement");
    child.kill().expect("killed");
    child.wait().expect("ended");
    // What it still said before it died counts too.
    last = told.last().unwrap_or(last);
    last
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    let folder = tempfile::tempdir().expect("folder");
    let traffic = Traffics::new("crash");
    for acknowledgements in [1, 3, 8] {
        let acknowledged = write_and_kill(folder.path(), acknowledgements);
        let mut store = open(folder.path());
        let reader = store.reader();
        let stored = wait(reader.count_of_capture(traffic.capture)).expect("count");
        assert!(stored >= acknowledged, "{acknowledged} acknowledged, {stored} stored");
        assert_eq!(stored % BATCH, 0, "a batch is half there");
        let stats = wait(reader.stats(StatsQuery::default())).expect("statistics");
        assert_eq!(stats.total.flows, stored);
        let mut query = PredictionQuery { limit: 1000, ..Default::default() };
        let mut found = 0;
        loop {
            let page = wait(reader.predictions(query.clone())).expect("a page");
            found += page.items.len() as u64;
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, stored);
        let again = store.write_predictions(&traffic.batch(0, acknowledged)).expect("written");
        assert!(again.iter().all(|verdict| *verdict == WriteVerdict::AlreadyStored));
        drop(store);
        let path = folder.path().join("flows.db");
        let whole: String = wait(async {
            let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await
        })
        .expect("a check");
        assert_eq!(whole, "ok");
    }
}
