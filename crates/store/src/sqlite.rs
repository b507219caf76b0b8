//! The embedded store: one SQLite file, one connection that writes, a few that read beside it.
//!
//! The write-ahead log lets readers see the last committed state while a batch is written. A commit survives a crash of
//! the process at once and a loss of power as of the log's next checkpoint, never half; what the bus has not been told
//! to forget is written again after either.

mod batch;
mod guard;
mod journal;
mod open;
mod predictions;
mod reader;
mod retention;
mod search;
mod statistics;
mod tally;
#[cfg(test)]
mod tests;
mod threats;
mod trouble;
mod writer;

pub use reader::SqliteReader;

use crate::{Removed, Store, StoreError, WriteVerdict};
use guard::DiskGuard;
use schema::{Prediction, Threat};
use sqlx::sqlite::SqlitePool;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::runtime::{Builder, Runtime};
use writer::Writer;

/// Steps of retention that one write may bring along: it removes faster than it writes, and still never waits long.
const STEPS_A_WRITE: usize = 8;

/// Where the store is and what it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The database file; made with its folder when it is not there.
    pub path: PathBuf,
    /// What was stored longer ago is removed; `None`: nothing is too old.
    pub retention_age: Option<Duration>,
    /// Above this size of the database the oldest is removed; `None`: it may grow until the disk guard stops it.
    pub size_max_bytes: Option<u64>,
    /// Writes are refused while the disk has less room than this.
    pub disk_free_min_bytes: u64,
}

impl StoreOptions {
    /// A store without limits of its own that leaves 1 GiB of the disk free.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), retention_age: None, size_max_bytes: None, disk_free_min_bytes: 1 << 30 }
    }
}

/// What writing and reading have in common.
struct Shared {
    options: StoreOptions,
    guard: DiskGuard,
    /// A fair lock: whoever waits for it comes next, however busy the sink is.
    writer: tokio::sync::Mutex<Writer>,
    readers: SqlitePool,
    removed: Mutex<Removed>,
}

/// The writing side, for plain threads. Clones share one connection and take turns.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    /// Always there until the last clone is dropped.
    runtime: Option<Arc<Runtime>>,
}

impl SqliteStore {
    /// Opens the store, or makes it. Like all of this type it blocks: never call it from inside an async runtime.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] when the file is damaged, of another program or of a newer version, or may not be written;
    /// [`StoreError::Retry`] when another process has it locked. Nothing in a refused file is changed.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_time().build().map_err(|error| {
            StoreError::Fatal(format!(
                "The store could not start: the system refuses what it needs: {error}."
            ))
        })?;
        let guard = DiskGuard::new(&options.path, options.disk_free_min_bytes);
        let connection = runtime.block_on(open::writer(&options))?;
        let readers = {
            let _inside = runtime.enter();
            open::readers(&options.path)
        };
        let writer = tokio::sync::Mutex::new(Writer::new(connection, options.clone(), guard.clone()));
        let shared = Shared { options, guard, writer, readers, removed: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), runtime: Some(Arc::new(runtime)) })
    }

    /// The reading side, for any async runtime.
    #[must_use]
    pub fn reader(&self) -> SqliteReader {
        SqliteReader::new(Arc::clone(&self.shared))
    }

    /// What retention removed since the store was opened, for metrics.
    #[must_use]
    pub fn removed(&self) -> Removed {
        *self.shared.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("taken only when dropped").block_on(answer)
    }
}

impl Store for SqliteStore {
    fn write_predictions(
        &mut self,
        predictions: &[Arc<Prediction>],
    ) -> Result<Vec<WriteVerdict>, StoreError> {
        let now_ns = now_ns();
        self.wait(async {
            let verdicts = self.shared.writer.lock().await.write_predictions(predictions, now_ns).await?;
            self.shared.retain_when_due(now_ns).await;
            Ok(verdicts)
        })
    }

    fn write_threats(&mut self, threats: &[Arc<Threat>]) -> Result<Vec<WriteVerdict>, StoreError> {
        self.wait(async { self.shared.writer.lock().await.write_threats(threats, now_ns()).await })
    }

    fn retain(&mut self) -> Result<Removed, StoreError> {
        self.wait(self.shared.retain(now_ns(), usize::MAX))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Without waiting, so that the last clone may be dropped anywhere, inside an async runtime too.
        if let Some(runtime) = self.runtime.take().and_then(Arc::into_inner) {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// A failure here is not the failure of the write before it: it is told in the log, and comes again.
    async fn retain_when_due(&self, now_ns: i64) {
        if !self.writer.lock().await.is_retention_due(now_ns) {
            return;
        }
        if let Err(error) = self.retain(now_ns, STEPS_A_WRITE).await {
            tracing::warn!(%error, "retention failed");
        }
    }

    /// Lets go of the writer after each step, so that others get their turn.
    async fn retain(&self, now_ns: i64, steps_max: usize) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        let mut outcome = Ok(true);
        for _ in 0..steps_max {
            outcome = self.writer.lock().await.retain_step(now_ns, &mut removed).await;
            if !matches!(outcome, Ok(true)) {
                break;
            }
        }
        if removed != Removed::default() {
            let Removed { predictions_by_age, predictions_by_size, threats, freed_bytes } = removed;
            tracing::info!(predictions_by_age, predictions_by_size, threats, freed_bytes, "retention");
            self.removed.lock().unwrap_or_else(PoisonError::into_inner).join(removed);
        }
        outcome.map(|_| removed)
    }
}

/// Nanoseconds since 1970.
fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
