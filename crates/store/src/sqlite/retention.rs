//! Removes what is too old or too much, oldest first, in small transactions.

use super::batch::Batched;
use super::predictions::{GENERATION_BITS, MARK_EVERY_NS, add};
use super::trouble::Failure;
use super::writer::{BEGIN, Writer};
use crate::packing;
use crate::summary::Sighting;
use crate::{Removed, StoreError};
use schema::{CaptureId, Prediction};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Connection, Row};

/// Predictions of one transaction: some hundredths of a second, so that writing never waits long.
const CHUNK_ROWS: i64 = 2048;
/// Writing looks for what is too old this often.
const RETAIN_EVERY_NS: i64 = 60_000_000_000;
/// When the store is too large it is brought this share (of 64) below its size, so that it does not happen all the time.
const SIZE_SLACK: u64 = 64;
/// Pages given back to the file system at a time, and how many must be free for it to be worth the work.
const VACUUM_PAGES: i64 = 8192;
const VACUUM_PAGES_MIN: i64 = 512;

pub(super) fn deletes() -> Batched {
    // Not `IN (VALUES ..)`: that looks at every flow.
    Batched::of("DELETE FROM flows WHERE", "start_ns = ? AND flow_id = ?", " OR ", "")
}

impl Removed {
    pub(super) fn join(&mut self, other: Self) {
        self.predictions_by_age += other.predictions_by_age;
        self.predictions_by_size += other.predictions_by_size;
        self.threats += other.threats;
        self.freed_bytes += other.freed_bytes;
    }
}

impl Writer {
    /// Whether writing has gone on for long enough to look for what is too old or too much.
    pub(super) fn is_retention_due(&self, now_ns: i64) -> bool {
        let is_time = now_ns.saturating_sub(self.retained_ns) >= RETAIN_EVERY_NS;
        is_time || self.options.size_max_bytes.is_some_and(|max| self.bytes_since > max / SIZE_SLACK)
    }

    /// One small step of retention, counted in `removed`; `false` when nothing is left to do.
    pub(super) async fn retain_step(
        &mut self,
        now_ns: i64,
        removed: &mut Removed,
    ) -> Result<bool, StoreError> {
        let outcome = self.try_step(now_ns, removed).await;
        let more = self.settled(outcome)?;
        if !more {
            (self.retained_ns, self.bytes_since) = (now_ns, 0);
        }
        Ok(more)
    }

    async fn try_step(&mut self, now_ns: i64, removed: &mut Removed) -> Result<bool, Failure> {
        if let Some(age) = self.options.retention_age {
            let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
            let below = self.row_of_age(now_ns.saturating_sub(age_ns), removed).await?;
            let count = self.remove_chunk(below, now_ns, removed).await?;
            removed.predictions_by_age += count;
            if count > 0 {
                return Ok(true);
            }
        }
        if let Some(max) = self.options.size_max_bytes {
            let has_begun = removed.predictions_by_size > 0;
            let enough = if has_begun { max - max / SIZE_SLACK } else { max };
            if self.used_bytes().await? > enough {
                let count = self.remove_chunk(i64::MAX, now_ns, removed).await?;
                removed.predictions_by_size += count;
                if count > 0 {
                    return Ok(true);
                }
            }
        }
        self.give_back(removed).await
    }

    /// Removes threats that are too old, and gives the row below which predictions are.
    async fn row_of_age(&mut self, cutoff_ns: i64, removed: &mut Removed) -> Result<i64, Failure> {
        // Rows from one mark to the next were stored within this time after it, or there would be another mark.
        let marked_ns = cutoff_ns.saturating_sub(MARK_EVERY_NS);
        let mut transaction = self.connection.begin_with(BEGIN).await?;
        let threats = sqlx::query("DELETE FROM threats WHERE stored_ns <= ?").bind(cutoff_ns);
        let threats = threats.execute(&mut *transaction).await?.rows_affected();
        let below: Option<i64> = sqlx::query_scalar("SELECT min(row) FROM marks WHERE stored_ns > ?")
            .bind(marked_ns)
            .fetch_one(&mut *transaction)
            .await?;
        let below = below.unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM marks WHERE row < ?").bind(below).execute(&mut *transaction).await?;
        transaction.commit().await?;
        removed.threats += threats;
        Ok(below)
    }

    /// Removes the oldest predictions below a row, at most a chunk; gives how many.
    async fn remove_chunk(&mut self, below: i64, now_ns: i64, removed: &mut Removed) -> Result<u64, Failure> {
        let mut transaction = self.connection.begin_with(BEGIN).await?;
        let known = self.place.known(&mut transaction, now_ns).await?;
        let rows = sqlx::query("SELECT row, body FROM bodies WHERE row < ? ORDER BY row LIMIT ?")
            .bind(below)
            .bind(CHUNK_ROWS)
            .fetch_all(&mut *transaction)
            .await?;
        let Some(last) = rows.last() else { return Ok(0) };
        let last: i64 = last.try_get(0)?;
        let mut predictions: Vec<Prediction> = Vec::with_capacity(rows.len());
        for row in &rows {
            match packing::unpack(row.try_get(1)?) {
                Some(prediction) => predictions.push(prediction),
                None => forget_damaged(&mut transaction, row.try_get(0)?).await?,
            }
        }
        let keys: Vec<_> = predictions.iter().filter_map(|prediction| prediction.record.as_ref()).collect();
        for (sql, piece) in self.deletes.pieces(&keys) {
            let mut arguments = SqliteArguments::default();
            for record in piece {
                add(&mut arguments, record.start_ns)?;
                add(&mut arguments, record.flow_id.as_slice())?;
            }
            sqlx::query_with(sql, arguments).execute(&mut *transaction).await?;
        }
        sqlx::query("DELETE FROM bodies WHERE row <= ?").bind(last).execute(&mut *transaction).await?;
        for (prediction, record) in predictions.iter().zip(keys) {
            let capture = CaptureId::from_slice(&record.capture_id);
            if let (Ok(flow), Some(capture)) = (Sighting::of(prediction), capture) {
                known.tally.number(&mut transaction, capture, &record.sensor, now_ns).await?;
                known.tally.remove(capture, &flow);
            }
        }
        let first: Option<i64> =
            sqlx::query_scalar("SELECT min(start_ns) FROM flows").fetch_one(&mut *transaction).await?;
        known.tally.begin_at(first.unwrap_or(0));
        for capture in known.tally.write(&mut transaction).await? {
            let threats = sqlx::query("DELETE FROM threats WHERE capture_id = ?").bind(capture.0.as_slice());
            removed.threats += threats.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Bytes of the database that hold something.
    async fn used_bytes(&mut self) -> Result<u64, Failure> {
        let (pages, free) = self.pages().await?;
        let page_bytes: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut self.connection).await?;
        Ok(((pages - free) * page_bytes).max(0) as u64)
    }

    /// Pages of the database, and those of them that hold nothing.
    async fn pages(&mut self) -> Result<(i64, i64), Failure> {
        let pages = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut self.connection).await?;
        let free = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut self.connection).await?;
        Ok((pages, free))
    }

    /// Gives room back to the file system once an eighth of the database is empty (less is soon used again); `false` when
    /// there was none to give.
    async fn give_back(&mut self, removed: &mut Removed) -> Result<bool, Failure> {
        let (pages, free) = self.pages().await?;
        if free < VACUUM_PAGES_MIN || free < pages / 8 {
            return Ok(false);
        }
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({})", free.min(VACUUM_PAGES)));
        sqlx::query(sql).persistent(false).fetch_all(&mut self.connection).await?;
        // The file itself shrinks when the log is put into it. Passive: waits for no reader.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(&mut self.connection).await?;
        let (pages_now, _) = self.pages().await?;
        let given = u64::try_from(pages - pages_now).unwrap_or(0);
        removed.freed_bytes += given * u64::from(super::open::PAGE_BYTES);
        Ok(given > 0)
    }
}

/// Removes the searched part of a prediction whose body is damaged: by its row, which takes a look at its generation.
async fn forget_damaged(connection: &mut SqliteConnection, row: i64) -> Result<(), Failure> {
    tracing::warn!(
        row,
        "a stored prediction could not be read; it is removed, the statistics still count it"
    );
    sqlx::query("DELETE FROM flows WHERE generation = ? AND row = ?")
        .bind(row >> GENERATION_BITS)
        .bind(row)
        .execute(connection)
        .await?;
    Ok(())
}
