//! A real store in a folder of its own, whose reading side can be told to fail.

use schema::{CaptureId, FlowId, JobEvent, Prediction, Threat, ThreatId};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{
    Answer, Capture, HistoryEntry, Page, PredictionQuery, Reader, Readiness, SqliteReader, SqliteStore,
    Stats, StatsQuery, Store, StoreError, StoreOptions, ThreatQuery,
};

/// Both sides of the store.
#[derive(Clone)]
pub(crate) struct Shelf {
    store: SqliteStore,
    reading: Reading,
}

/// The side that the gateway gets.
#[derive(Clone)]
pub(crate) struct Reading {
    reader: SqliteReader,
    fails: Arc<AtomicBool>,
}

impl Shelf {
    pub(crate) fn open(folder: &Path) -> Self {
        let options =
            StoreOptions { disk_free_min_bytes: 0, ..StoreOptions::new(folder.join("store.sqlite")) };
        let store = SqliteStore::open(options).unwrap();
        let reading = Reading { reader: store.reader(), fails: Arc::default() };
        Self { store, reading }
    }

    pub(crate) fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.reading.clone())
    }

    /// From now on every question fails, or none does.
    pub(crate) fn fail(&self, fails: bool) {
        self.reading.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn write(&mut self, predictions: &[Arc<Prediction>]) {
        self.store.write_predictions(predictions).unwrap();
    }

    pub(crate) fn write_threat(&mut self, threat: Threat) {
        self.store.write_threats(&[Arc::new(threat)]).unwrap();
    }

    pub(crate) fn write_job(&self, job: JobEvent) {
        actix_web::rt::System::new().block_on(self.reading.put_job(job)).unwrap();
    }
}

impl Reading {
    fn or_fail<'a, T: Send + 'a>(&self, answer: Answer<'a, T>) -> Answer<'a, T> {
        if self.fails.load(Ordering::SeqCst) {
            let locked = StoreError::Retry("The database is locked; try again.".into());
            return Box::pin(std::future::ready(Err(locked)));
        }
        answer
    }
}

impl Reader for Reading {
    fn predictions(&self, query: PredictionQuery) -> Answer<'_, Page<Prediction>> {
        self.or_fail(self.reader.predictions(query))
    }

    fn prediction(&self, id: FlowId) -> Answer<'_, Option<Prediction>> {
        self.or_fail(self.reader.prediction(id))
    }

    fn threats(&self, query: ThreatQuery) -> Answer<'_, Page<Threat>> {
        self.or_fail(self.reader.threats(query))
    }

    fn threat(&self, id: ThreatId) -> Answer<'_, Option<Threat>> {
        self.or_fail(self.reader.threat(id))
    }

    fn stats(&self, query: StatsQuery) -> Answer<'_, Stats> {
        self.or_fail(self.reader.stats(query))
    }

    fn captures(&self) -> Answer<'_, Vec<Capture>> {
        self.or_fail(self.reader.captures())
    }

    fn count_of_capture(&self, capture: CaptureId) -> Answer<'_, u64> {
        self.or_fail(self.reader.count_of_capture(capture))
    }

    fn insert_history(&self, input: String, result: String, time_ns: i64) -> Answer<'_, i64> {
        self.or_fail(self.reader.insert_history(input, result, time_ns))
    }

    fn history(&self, limit: usize, before_id: Option<i64>) -> Answer<'_, Vec<HistoryEntry>> {
        self.or_fail(self.reader.history(limit, before_id))
    }

    fn put_job(&self, job: JobEvent) -> Answer<'_, ()> {
        self.or_fail(self.reader.put_job(job))
    }

    fn job(&self, job_id: String) -> Answer<'_, Option<JobEvent>> {
        self.or_fail(self.reader.job(job_id))
    }

    fn jobs(&self, limit: usize) -> Answer<'_, Vec<JobEvent>> {
        self.or_fail(self.reader.jobs(limit))
    }

    fn readiness(&self) -> Pin<Box<dyn Future<Output = Readiness> + Send + '_>> {
        Box::pin(async {
            let mut readiness = self.reader.readiness().await;
            if self.fails.load(Ordering::SeqCst) {
                readiness = Readiness { reads: false, reason: "The database is locked.".into(), ..readiness };
            }
            readiness
        })
    }
}
