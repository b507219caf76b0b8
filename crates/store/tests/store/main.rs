//! The store on real files: what is written is there once, found, counted, and survives.

#[path = "../samples/mod.rs"]
mod samples;

mod crash;
mod files;
mod paging;
mod statistics;
mod threats;
mod writing;

use schema::{FlowId, Prediction};
use std::path::Path;
use store::{SqliteReader, SqliteStore, StoreOptions};
use tempfile::TempDir;

/// A store of its own in a folder of its own.
struct Place {
    store: SqliteStore,
    reader: SqliteReader,
    /// Removed at the end, after the store.
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let store = open(folder.path());
        Self { reader: store.reader(), store, folder }
    }
}

/// The options of most tests: never mind how full the machine's disk is.
fn options(folder: &Path) -> StoreOptions {
    StoreOptions { disk_free_min_bytes: 0, ..StoreOptions::new(folder.join("flows.db")) }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(options(folder)).expect("a store")
}

/// Waits for an answer.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(answer)
}

fn id_of(prediction: &Prediction) -> FlowId {
    let record = prediction.record.as_ref().expect("a record");
    FlowId::from_slice(&record.flow_id).expect("an id")
}
