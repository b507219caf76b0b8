//! Writes, searches and aggregates predictions.
//!
//! Promise: an item whose verdict is `Stored` or `AlreadyStored` survives a crash of the process, and no document id is
//! ever there twice, however often, in whatever batches and by how many writers it is written. Statistics count
//! exactly what is stored: they change in the same transaction.
//!
//! Only this crate knows SQL. It never decides anything about traffic: it keeps what the judge said.

mod cursor;
mod error;
mod packing;
mod query;
mod sqlite;
mod stats;
mod summary;

pub use error::{StoreError, WriteVerdict};
pub use query::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, PredictionQuery, StatsQuery, ThreatQuery};
pub use sqlite::{SqliteReader, SqliteStore, StoreOptions};
pub use stats::{
    Capture, Count, HistoryEntry, HostCount, Readiness, Removed, Share, Stats, TimePoint, Timeline, TopHosts,
};

use schema::{CaptureId, FlowId, JobEvent, Prediction, Threat, ThreatId};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that is on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where predictions and threats are kept. Blocking, for plain threads: never call it from inside an async runtime.
pub trait Store: Send {
    /// Writes a batch as one: on an error nothing of it is stored, else there is a verdict an item, in order.
    ///
    /// # Errors
    /// [`StoreError::Retry`] and [`StoreError::Full`]: try the same batch later. [`StoreError::Fatal`]: give up.
    fn write_predictions(&mut self, predictions: &[Arc<Prediction>])
    -> Result<Vec<WriteVerdict>, StoreError>;

    /// Writes a batch as one. A threat replaces its stored version unless that has more flows; one with
    /// `superseded_by` removes its stored version, for good.
    ///
    /// # Errors
    /// As [`Store::write_predictions`].
    fn write_threats(&mut self, threats: &[Arc<Threat>]) -> Result<Vec<WriteVerdict>, StoreError>;

    /// Removes what is too old or too much. Writing does so by itself from time to time; call it every minute or so to
    /// keep the promise of age while nothing is written.
    ///
    /// # Errors
    /// As [`Store::write_predictions`].
    fn retain(&mut self) -> Result<Removed, StoreError>;
}

/// What the API asks of a store. Answers come while a batch is being written.
pub trait Reader: Send + Sync {
    /// A page of predictions, newest first.
    fn predictions(&self, query: PredictionQuery) -> Answer<'_, Page<Prediction>>;

    /// One prediction by its flow's id.
    fn prediction(&self, id: FlowId) -> Answer<'_, Option<Prediction>>;

    /// A page of threats, newest first.
    fn threats(&self, query: ThreatQuery) -> Answer<'_, Page<Threat>>;

    /// One threat by its id.
    fn threat(&self, id: ThreatId) -> Answer<'_, Option<Threat>>;

    /// Statistics of one capture or of everything.
    fn stats(&self, query: StatsQuery) -> Answer<'_, Stats>;

    /// All captures, last stored first, at most [`PAGE_ITEMS_MAX`].
    fn captures(&self) -> Answer<'_, Vec<Capture>>;

    /// How many predictions of a capture are stored; 0 for an unknown one.
    fn count_of_capture(&self, capture: CaptureId) -> Answer<'_, u64>;

    /// Remembers what `/api/predict` was asked and answered (JSON texts); gives the entry's id.
    fn insert_history(&self, input: String, result: String, time_ns: i64) -> Answer<'_, i64>;

    /// History, newest first: entries with an id below `before_id`, at most `limit` (and [`PAGE_ITEMS_MAX`]).
    fn history(&self, limit: usize, before_id: Option<i64>) -> Answer<'_, Vec<HistoryEntry>>;

    /// Remembers a job's state, over the one before with the same `job_id`.
    fn put_job(&self, job: JobEvent) -> Answer<'_, ()>;

    /// A job's last state.
    fn job(&self, job_id: String) -> Answer<'_, Option<JobEvent>>;

    /// Jobs, last begun first, at most `limit` (and [`PAGE_ITEMS_MAX`]).
    fn jobs(&self, limit: usize) -> Answer<'_, Vec<JobEvent>>;

    /// Whether the store can do its work. Never an error: that would be the answer.
    fn readiness(&self) -> Pin<Box<dyn Future<Output = Readiness> + Send + '_>>;
}
