//! The reading side: each question takes one connection and sees one state of the store.

use super::trouble::Failure;
use super::{Shared, journal, search, statistics};
use crate::{
    Answer, Capture, HistoryEntry, Page, PredictionQuery, Reader, Readiness, Stats, StatsQuery, StoreError,
    ThreatQuery,
};
use schema::{CaptureId, FlowId, JobEvent, Prediction, Threat, ThreatId};
use sqlx::sqlite::SqliteConnection;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// The reading side of a [`crate::SqliteStore`], for any async runtime. Lives on when the writing side is dropped.
#[derive(Clone)]
pub struct SqliteReader {
    shared: Arc<Shared>,
}

impl SqliteReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Asks in a transaction, so that all statements of one question see the same.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let answer = async {
            let mut transaction = self.shared.readers.begin().await?;
            question(&mut transaction).await
        };
        answer.await.map_err(|failure| failure.told(&self.shared.options.path))
    }

    /// Writes a little, in turn with the sink.
    async fn note<T>(
        &self,
        note: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut writer = self.shared.writer.lock().await;
        note(&mut writer.connection).await.map_err(|failure| failure.told(&self.shared.options.path))
    }

    async fn check(&self) -> Readiness {
        let reading = self.count_of_capture(CaptureId::default()).await;
        let writing = self.shared.guard.check();
        let reasons = [reading.as_ref().err(), writing.as_ref().err()];
        let reasons: Vec<String> = reasons.into_iter().flatten().map(ToString::to_string).collect();
        let path = &self.shared.options.path;
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        Readiness {
            reads: reading.is_ok(),
            writes: writing.is_ok(),
            reason: reasons.join(" "),
            size_bytes: size(path.clone()) + size(log.into()),
            disk_free_bytes: self.shared.guard.free_bytes().unwrap_or(0),
        }
    }
}

impl Reader for SqliteReader {
    fn predictions(&self, query: PredictionQuery) -> Answer<'_, Page<Prediction>> {
        Box::pin(self.ask(async move |connection| search::predictions(connection, &query).await))
    }

    fn prediction(&self, id: FlowId) -> Answer<'_, Option<Prediction>> {
        Box::pin(self.ask(async move |connection| search::prediction(connection, id).await))
    }

    fn threats(&self, query: ThreatQuery) -> Answer<'_, Page<Threat>> {
        Box::pin(self.ask(async move |connection| search::threats(connection, &query).await))
    }

    fn threat(&self, id: ThreatId) -> Answer<'_, Option<Threat>> {
        Box::pin(self.ask(async move |connection| search::threat(connection, id).await))
    }

    fn stats(&self, query: StatsQuery) -> Answer<'_, Stats> {
        Box::pin(self.ask(async move |connection| statistics::stats(connection, query.capture).await))
    }

    fn captures(&self) -> Answer<'_, Vec<Capture>> {
        Box::pin(self.ask(async |connection| statistics::captures(connection).await))
    }

    fn count_of_capture(&self, capture: CaptureId) -> Answer<'_, u64> {
        Box::pin(self.ask(async move |connection| statistics::count(connection, capture).await))
    }

    fn insert_history(&self, input: String, result: String, time_ns: i64) -> Answer<'_, i64> {
        Box::pin(async move {
            self.shared.guard.check()?;
            self.note(async |connection| journal::insert_history(connection, &input, &result, time_ns).await)
                .await
        })
    }

    fn history(&self, limit: usize, before_id: Option<i64>) -> Answer<'_, Vec<HistoryEntry>> {
        Box::pin(self.ask(async move |connection| journal::history(connection, limit, before_id).await))
    }

    fn put_job(&self, job: JobEvent) -> Answer<'_, ()> {
        // Not guarded: how else would a job say that it failed because the disk is full?
        Box::pin(self.note(async move |connection| journal::put_job(connection, &job).await))
    }

    fn job(&self, job_id: String) -> Answer<'_, Option<JobEvent>> {
        Box::pin(self.ask(async move |connection| journal::job(connection, &job_id).await))
    }

    fn jobs(&self, limit: usize) -> Answer<'_, Vec<JobEvent>> {
        Box::pin(self.ask(async move |connection| journal::jobs(connection, limit).await))
    }

    fn readiness(&self) -> Pin<Box<dyn Future<Output = Readiness> + Send + '_>> {
        Box::pin(self.check())
    }
}
