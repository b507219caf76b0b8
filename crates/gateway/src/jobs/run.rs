//! The worker: takes one job after another, reads its captures and waits until its flows are stored.

use super::read::{Reading, RunError};
use super::{JobState, Jobs, Upload};
use bus::{BusError, Producer, Stop};
use capture::InputLimits;
use flow_meter::{ContextLimits, FlowLimits};
use schema::{FlowRecord, Id, JobPhase};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Reader, StoreError};
use tokio::runtime::Runtime;

/// How long a bus may take to make durable what it took, per try.
const FLUSH_MAX: Duration = Duration::from_secs(10);
/// First and longest pause between two looks at the store's counts.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// What jobs may use.
#[derive(Debug, Clone)]
pub(crate) struct RunLimits {
    pub(crate) input: InputLimits,
    pub(crate) flows: FlowLimits,
    pub(crate) context: ContextLimits,
    pub(crate) job_time_max: Duration,
    pub(crate) storing_quiet_max: Duration,
    pub(crate) settled_after: Duration,
}

/// All that the worker thread holds.
pub(crate) struct Worker {
    pub(crate) jobs: Jobs,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) flows: Box<dyn Producer<FlowRecord>>,
    pub(crate) limits: RunLimits,
    pub(crate) stop: Stop,
}

/// Runs jobs until the line is closed.
pub(crate) fn run_worker(mut worker: Worker, runtime: &Runtime) {
    while let Some((id, uploads)) = worker.jobs.next() {
        let Ok(state) = runtime.block_on(worker.jobs.find(id)) else { continue };
        // No input may panic a reader. Should one do so all the same, it costs its job and not the line.
        let ran = catch_unwind(AssertUnwindSafe(|| worker.run(id, state.clone(), &uploads, runtime)));
        let ended = ran.unwrap_or_else(|_| {
            let mut state = state;
            state.fail(
                "Reading the captures failed inside the service; its log says where. Please report it.",
            );
            state
        });
        runtime.block_on(worker.jobs.save(&ended));
        worker.jobs.finish(id, &ended);
        worker.jobs.show(id, &ended);
        log_end(&ended);
    }
}

fn log_end(state: &JobState) {
    let event = &state.event;
    let (packets, flows, error) = (event.packets, event.flows, &*event.error);
    if event.phase() == JobPhase::Done {
        tracing::info!(job_id = event.job_id, packets, flows, "job done");
    } else {
        tracing::warn!(job_id = event.job_id, packets, flows, error, "job failed");
    }
}

impl Worker {
    fn run(&mut self, id: Id, mut state: JobState, uploads: &[Upload], runtime: &Runtime) -> JobState {
        state.enter(JobPhase::Metering);
        runtime.block_on(self.jobs.save(&state));
        self.jobs.show(id, &state);
        let mut reading = Reading::new(id, state, self, runtime);
        let outcome = reading.all(uploads);
        let mut state = reading.state;
        match outcome {
            Ok(()) => conclude(&mut state),
            Err(error) => state.fail(format!("{error}.")),
        }
        state
    }
}

/// The job has done what could be done: that is a failure only when nothing was readable at all.
fn conclude(state: &mut JobState) {
    if state.event.files.iter().any(|file| !file.capture_id.is_empty()) {
        return state.enter(JobPhase::Done);
    }
    let reasons: Vec<&str> = state.event.files.iter().map(|file| &*file.warning).collect();
    let reasons = format!("Nothing could be read. {}", reasons.join(". "));
    state.fail(reasons);
}

impl Reading<'_> {
    /// All files of the job, into the store.
    fn all(&mut self, uploads: &[Upload]) -> Result<(), RunError> {
        for upload in uploads {
            self.upload(upload)?;
        }
        self.flush()?;
        self.state.enter(JobPhase::Storing);
        self.runtime.block_on(self.worker.jobs.save(&self.state));
        self.worker.jobs.show(self.id, &self.state);
        self.wait_stored()
    }

    fn flush(&mut self) -> Result<(), RunError> {
        loop {
            match self.worker.flows.flush(FLUSH_MAX) {
                Ok(()) => return Ok(()),
                Err(BusError::Retry(_)) if !self.worker.stop.is_requested() => {}
                Err(BusError::Retry(_)) => return Err(RunError::Stopped),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until the store counts every flow, or has settled without some of them.
    fn wait_stored(&mut self) -> Result<(), RunError> {
        let (mut pause, mut last, mut moved) = (LOOK_EVERY.0, u64::MAX, Instant::now());
        loop {
            let missing = self.missing(last)?;
            self.state.event.stored = self.state.event.flows - missing.min(self.state.event.flows);
            self.worker.jobs.show(self.id, &self.state);
            if missing == 0 {
                return Ok(());
            }
            if missing != last {
                (last, moved) = (missing, Instant::now());
            }
            let quiet = moved.elapsed();
            if quiet >= self.worker.limits.settled_after && self.is_last_stored()? {
                tracing::warn!(
                    job_id = self.state.event.job_id,
                    missing,
                    "flows without a stored prediction"
                );
                return Ok(());
            }
            if quiet >= self.worker.limits.storing_quiet_max {
                return Err(RunError::Stalled { quiet_s: quiet.as_secs(), missing });
            }
            if self.worker.stop.wait_timeout(pause) {
                return Err(RunError::Stopped);
            }
            pause = (pause * 2).min(LOOK_EVERY.1);
        }
    }

    /// Flows that are not stored yet; `last` while the store is too busy to say.
    fn missing(&self, last: u64) -> Result<u64, RunError> {
        let mut missing = 0;
        for capture in self.ledger.captures() {
            match self.runtime.block_on(self.worker.reader.count_of_capture(capture)) {
                Ok(stored) => missing += self.ledger.missing(capture, stored),
                Err(StoreError::Retry(_)) => return Ok(last),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(missing)
    }

    fn is_last_stored(&self) -> Result<bool, RunError> {
        let Some(last) = self.last_flow() else { return Ok(true) };
        Ok(self.runtime.block_on(self.worker.reader.prediction(last))?.is_some())
    }
}
