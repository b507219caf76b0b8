//! The one connection that writes. Everything that changes the store passes here, one after the other.

use super::batch::Batched;
use super::guard::DiskGuard;
use super::tally::Tally;
use super::trouble::Failure;
use super::{StoreOptions, predictions, retention, threats};
use crate::{StoreError, WriteVerdict};
use schema::{Prediction, Threat};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use std::sync::Arc;

/// Takes the write lock at once: a transaction that only finds out later that another process writes cannot wait.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// See the top of the file.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) options: StoreOptions,
    pub(super) guard: DiskGuard,
    pub(super) place: Place,
    pub(super) inserts: predictions::Inserts,
    pub(super) deletes: Batched,
    /// When retention looked last, nanoseconds since 1970, and what was written since.
    pub(super) retained_ns: i64,
    pub(super) bytes_since: u64,
}

/// Where the writer stands: a mirror of what is stored, dropped whenever it might differ.
#[derive(Default)]
pub(super) struct Place {
    known: Option<Known>,
    data_version: i64,
}

/// What the writer knows without asking.
pub(super) struct Known {
    pub(super) tally: Tally,
    /// Next number of a body; never used before.
    pub(super) next_row: i64,
    /// When the last mark was made, nanoseconds since 1970.
    pub(super) marked_ns: i64,
}

impl Place {
    /// What is known, read anew if another connection wrote since. Inside a transaction, so that it holds until its end.
    pub(super) async fn known(
        &mut self,
        connection: &mut SqliteConnection,
        now_ns: i64,
    ) -> Result<&mut Known, Failure> {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
        if version != self.data_version {
            self.known = None;
        }
        let known = match self.known.take() {
            Some(known) => known,
            None => Known::read(connection, now_ns).await?,
        };
        self.data_version = version;
        Ok(self.known.insert(known))
    }

    /// After a failed transaction: what is in memory was not stored.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }
}

impl Known {
    async fn read(connection: &mut SqliteConnection, now_ns: i64) -> Result<Self, Failure> {
        let row = sqlx::query(
            "SELECT max(ifnull((SELECT max(row) FROM bodies), 0), ifnull((SELECT max(row) FROM marks), 0)), \
             ifnull((SELECT stored_ns FROM marks ORDER BY row DESC LIMIT 1), 0)",
        )
        .fetch_one(&mut *connection)
        .await?;
        let last_row: i64 = row.try_get(0)?;
        let marked_ns = row.try_get(1)?;
        Ok(Self { tally: Tally::read(connection, now_ns).await?, next_row: last_row + 1, marked_ns })
    }
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, options: StoreOptions, guard: DiskGuard) -> Self {
        Self {
            connection,
            options,
            guard,
            place: Place::default(),
            inserts: predictions::Inserts::new(),
            deletes: retention::deletes(),
            retained_ns: i64::MIN,
            bytes_since: 0,
        }
    }

    pub(super) async fn write_predictions(
        &mut self,
        batch: &[Arc<Prediction>],
        now_ns: i64,
    ) -> Result<Vec<WriteVerdict>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.guard.check()?;
        let outcome = async {
            let mut transaction = self.connection.begin_with(BEGIN).await?;
            let known = self.place.known(&mut transaction, now_ns).await?;
            let written =
                predictions::write(&mut transaction, &mut self.inserts, known, batch, now_ns).await?;
            transaction.commit().await?;
            Ok(written)
        };
        let outcome = outcome.await;
        let (verdicts, bytes) = self.settled(outcome)?;
        self.bytes_since += bytes;
        Ok(verdicts)
    }

    pub(super) async fn write_threats(
        &mut self,
        batch: &[Arc<Threat>],
        now_ns: i64,
    ) -> Result<Vec<WriteVerdict>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.guard.check()?;
        let outcome = async {
            let mut transaction = self.connection.begin_with(BEGIN).await?;
            let verdicts = threats::write(&mut transaction, batch, now_ns).await?;
            transaction.commit().await?;
            Ok(verdicts)
        };
        let outcome = outcome.await;
        self.settled(outcome)
    }

    /// Puts the file's name to an error, and forgets what was not stored.
    pub(super) fn settled<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, StoreError> {
        outcome.map_err(|failure| {
            self.place.forget();
            failure.told(&self.options.path)
        })
    }
}
