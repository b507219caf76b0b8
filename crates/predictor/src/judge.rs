//! The stage that judges flow records, on several threads inside a batch.

use bus::{BusError, Outlet, Stage};
use detect::{Bundles, DetectError, Judge, JudgeConfig, Reject};
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{FlowRecord, Prediction};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Fewer records than this are not worth another thread.
const RECORDS_A_THREAD_MIN: usize = 64;

/// What was judged, for metrics.
#[derive(Debug, Default)]
pub struct JudgeCounters {
    /// Predictions by traffic class, in the order of [`TRAFFIC_CLASSES`].
    pub traffic: [AtomicU64; TRAFFIC_CLASSES.len()],
    /// Predictions by threat category, in the order of [`CATEGORIES`].
    pub threat: [AtomicU64; CATEGORIES.len()],
    /// Predictions that policy calls abnormal.
    pub abnormal: AtomicU64,
    /// Batches.
    pub batches: AtomicU64,
    /// Time spent on them, nanoseconds.
    pub busy_ns: AtomicU64,
}

impl JudgeCounters {
    fn count(&self, predictions: &[Prediction]) {
        for prediction in predictions {
            self.traffic[prediction.traffic_class() as usize].fetch_add(1, Ordering::Relaxed);
            self.threat[prediction.threat_category() as usize].fetch_add(1, Ordering::Relaxed);
            self.abnormal.fetch_add(u64::from(prediction.is_abnormal), Ordering::Relaxed);
        }
    }
}

/// Flow records in, predictions out, in the order of the records whatever the number of threads.
pub struct JudgeStage {
    /// One a thread, never empty.
    judges: Vec<Judge>,
    counters: Arc<JudgeCounters>,
}

/// What one thread made of its share.
type Share = Result<(Vec<Prediction>, Vec<Reject>), DetectError>;

impl JudgeStage {
    /// Loads the models once for each of `threads` (at least one). ONNX Runtime must run.
    ///
    /// # Errors
    /// See [`Judge::new`].
    pub fn new(bundles: &Bundles, config: &JudgeConfig, threads: usize) -> Result<Self, DetectError> {
        let judges = (0..threads.max(1)).map(|_| Judge::new(bundles, config.clone()));
        Ok(Self { judges: judges.collect::<Result<_, _>>()?, counters: Arc::default() })
    }

    /// For metrics, while the stage runs on its thread.
    #[must_use]
    pub fn counters(&self) -> Arc<JudgeCounters> {
        Arc::clone(&self.counters)
    }

    /// Cuts the batch into one run of records a thread; this thread takes the first.
    fn shares(&mut self, batch: &[Arc<FlowRecord>], share_len: usize) -> Vec<Share> {
        let mut work = self.judges.iter_mut().zip(batch.chunks(share_len));
        let first = work.next();
        std::thread::scope(|scope| {
            let others: Vec<_> =
                work.map(|(judge, records)| scope.spawn(move || judge_share(judge, records))).collect();
            let mut shares: Vec<Share> =
                first.into_iter().map(|(judge, records)| judge_share(judge, records)).collect();
            for thread in others {
                shares.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            shares
        })
    }
}

fn judge_share(judge: &mut Judge, records: &[Arc<FlowRecord>]) -> Share {
    let mut predictions = Vec::with_capacity(records.len());
    match judge.judge(records, &mut predictions) {
        Ok(rejects) => Ok((predictions, rejects)),
        Err(DetectError::Inference { .. }) => one_by_one(judge, records),
        Err(error) => Err(error),
    }
}

/// After a failure of the whole share: a record that breaks a model must not take its neighbours with it.
fn one_by_one(judge: &mut Judge, records: &[Arc<FlowRecord>]) -> Share {
    let (mut predictions, mut rejects) = (Vec::new(), Vec::new());
    for (at, record) in records.iter().enumerate() {
        match judge.judge(std::slice::from_ref(record), &mut predictions) {
            Ok(rejected) => rejects.extend(rejected.into_iter().map(|reject| Reject { at, ..reject })),
            Err(DetectError::Inference { model, reason }) => {
                rejects.push(Reject { at, reason: format!("{model} failed on it: {reason}") });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((predictions, rejects))
}

impl Stage for JudgeStage {
    type In = FlowRecord;
    type Out = Prediction;
    const NAME: &'static str = "judge";

    fn process(&mut self, batch: &[Arc<FlowRecord>], out: &mut Outlet<Prediction>) -> Result<(), BusError> {
        let start = Instant::now();
        let share_len = batch.len().div_ceil(self.judges.len()).max(RECORDS_A_THREAD_MIN);
        for (share, from) in self.shares(batch, share_len).into_iter().zip((0..).step_by(share_len)) {
            // The same batch would fail again.
            let (predictions, rejects) = share.map_err(|error| BusError::Fatal(error.to_string()))?;
            self.counters.count(&predictions);
            out.messages_mut().extend(predictions);
            for reject in rejects {
                out.reject(from + reject.at, reject.reason);
            }
        }
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.busy_ns.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        Ok(())
    }
}
