//! Files that are no store, stores that cannot be written, and disks without room.

use crate::samples::{Traffics, threat};
use crate::{Place, open, options, wait};
use schema::{JobEvent, ThreatCategory};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};
use std::path::Path;
use std::sync::Arc;
use store::{PredictionQuery, Reader, SqliteStore, Store, StoreError, StoreOptions};

fn connection(path: &Path) -> SqliteConnection {
    wait(SqliteConnectOptions::new().filename(path).create_if_missing(true).connect()).expect("a connection")
}

fn check_refused(path: &Path, says: &str) {
    let before = std::fs::read(path).ok();
    match SqliteStore::open(StoreOptions::new(path)) {
        Err(StoreError::Fatal(text)) => {
            assert!(text.contains(says), "{text:?} does not say {says:?}");
            assert!(text.contains(path.to_str().expect("a name")), "{text:?} does not name the file");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{} was opened", path.display()),
    }
    assert_eq!(std::fs::read(path).ok(), before, "the file was changed");
}

#[test]
fn files_that_are_no_store_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("text");
    std::fs::write(&path, "This is a letter, not a database. ".repeat(100)).expect("written");
    check_refused(&path, "not a database");

    let path = folder.path().join("other.db");
    wait(connection(&path).execute("CREATE TABLE songs (title TEXT)")).expect("a table");
    check_refused(&path, "another program");

    let path = folder.path().join("folder");
    std::fs::create_dir(&path).expect("folder");
    check_refused(&path, "is a folder");

    let below_a_file = folder.path().join("text/flows.db");
    let refused = SqliteStore::open(StoreOptions::new(&below_a_file));
    assert!(matches!(refused.err(), Some(StoreError::Fatal(text)) if text.contains("cannot be made")));
}

#[test]
fn an_empty_file_and_a_missing_folder_become_a_store() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("flows.db"), "").expect("written");
    open(folder.path()).write_predictions(&Traffics::new("a").batch(0, 3)).expect("written");
    open(&folder.path().join("deep/down"))
        .write_predictions(&Traffics::new("a").batch(0, 3))
        .expect("written");
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    drop(open(folder.path()));
    let path = folder.path().join("flows.db");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', 1, x'00', 0)";
    wait(connection(&path).execute(newer)).expect("a migration");
    let refused = SqliteStore::open(StoreOptions::new(&path));
    assert!(matches!(refused.err(), Some(StoreError::Fatal(text)) if text.contains("newer")));
}

#[test]
fn a_damaged_store_says_so_and_what_to_do() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("flows.db");
    let mut store = open(folder.path());
    store.write_predictions(&Traffics::new("a").batch(0, 3000)).expect("written");
    drop(store);
    // All connections are closed, so everything is in the file itself now.
    wait(connection(&path).execute("PRAGMA wal_checkpoint(TRUNCATE)")).expect("checkpoint");
    let mut bytes = std::fs::read(&path).expect("read");
    let pages = bytes.len() / 8192;
    for page in (pages / 4)..pages {
        bytes[page * 8192..page * 8192 + 2000].fill(0xa5);
    }
    std::fs::write(&path, bytes).expect("written");
    let mut store = match SqliteStore::open(options(folder.path())) {
        Ok(store) => store,
        Err(error) => return assert!(error.to_string().contains("damaged"), "{error}"),
    };
    let read = wait(store.reader().predictions(PredictionQuery { limit: 1000, ..Default::default() }));
    let written = store.write_predictions(&Traffics::new("b").batch(0, 3000));
    for error in [read.err(), written.err()].into_iter().flatten() {
        assert!(
            matches!(&error, StoreError::Fatal(text) if text.contains("damaged") && text.contains(".recover")),
            "{error}"
        );
    }
}

#[test]
fn a_locked_store_is_worth_another_try() {
    let mut place = Place::new();
    let batch = Traffics::new("a").batch(0, 10);
    let mut other = connection(&place.folder.path().join("flows.db"));
    wait(other.execute("BEGIN IMMEDIATE")).expect("a lock");
    let refused = place.store.write_predictions(&batch);
    assert!(matches!(&refused, Err(StoreError::Retry(text)) if text.contains("locked")), "{refused:?}");
    assert!(wait(place.reader.predictions(PredictionQuery::default())).is_ok(), "reading goes on");
    wait(other.execute("COMMIT")).expect("no lock");
    place.store.write_predictions(&batch).expect("written");
}

#[test]
fn without_room_nothing_is_written_and_reading_goes_on() {
    let folder = tempfile::tempdir().expect("folder");
    let traffic = Traffics::new("a");
    open(folder.path()).write_predictions(&traffic.batch(0, 10)).expect("written");
    let full = StoreOptions { disk_free_min_bytes: u64::MAX, ..options(folder.path()) };
    let mut store = SqliteStore::open(full).expect("a store");
    let reader = store.reader();
    let written = store.write_predictions(&traffic.batch(0, 20));
    assert!(
        matches!(&written, Err(StoreError::Full(text)) if text.contains("disk_free_min_bytes")),
        "{written:?}"
    );
    let threats = store.write_threats(&[Arc::new(threat(traffic.capture, 1, ThreatCategory::Dos, 1))]);
    assert!(matches!(threats, Err(StoreError::Full(_))));
    assert!(matches!(wait(reader.insert_history("{}".into(), "{}".into(), 1)), Err(StoreError::Full(_))));
    assert_eq!(wait(reader.count_of_capture(traffic.capture)).expect("count"), 10);
    let state = wait(reader.readiness());
    assert!(state.reads && !state.writes && state.reason.contains("disk_free_min_bytes"), "{state:?}");
    let job = JobEvent { job_id: "a".into(), error: "the disk is full".into(), ..Default::default() };
    wait(reader.put_job(job)).expect("a job can say that it failed");
}

#[test]
fn a_good_store_is_ready() {
    let mut place = Place::new();
    place.store.write_predictions(&Traffics::new("a").batch(0, 100)).expect("written");
    let state = wait(place.reader.readiness());
    assert!(state.reads && state.writes && state.reason.is_empty(), "{state:?}");
    assert!(state.size_bytes > 50_000 && state.disk_free_bytes > 0, "{state:?}");
}

#[test]
fn the_reader_outlives_the_store_and_both_may_be_dropped_in_a_runtime() {
    let Place { mut store, reader, folder } = Place::new();
    let traffic = Traffics::new("a");
    store.write_predictions(&traffic.batch(0, 10)).expect("written");
    wait(async move {
        drop(store);
        assert_eq!(reader.count_of_capture(traffic.capture).await.expect("count"), 10);
        drop(reader);
    });
    drop(folder);
}
