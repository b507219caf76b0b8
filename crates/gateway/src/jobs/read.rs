//! Reads a job's captures and sends their flows.

use super::run::Worker;
use super::stored::Ledger;
use super::{JobState, Upload};
use bus::BusError;
use capture::{Capture, FlowReceiver, Input, Progress, SourceError, meter_capture};
use flow_meter::{MeterConfig, MeterCounters, Metered, SkipReason};
use schema::{FlowId, Id, JobFile};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use store::StoreError;
use tokio::runtime::Runtime;

/// Longest wait for room on the bus before the wish to stop is looked at.
const SEND_WAIT: Duration = Duration::from_millis(200);
/// How often those who watch a job see it move.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Why a job ends before its work is done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The service ends.
    #[error(
        "The service was stopped while this job was under way. Upload the captures again: flows that were stored \
             already are not stored twice"
    )]
    Stopped,
    /// Records cannot be sent.
    #[error("The flows could not be sent to be judged: {0}. See /readyz, and upload the captures again")]
    Bus(#[from] BusError),
    /// The store cannot be asked.
    #[error("The store could not be asked what it holds: {0}. See /readyz, and upload the captures again")]
    Store(#[from] StoreError),
    /// More work than one job may be.
    #[error("Reading took longer than {max_s} s (job_time_max). Split the captures and upload them again")]
    TooLong { max_s: u64 },
    /// The store takes nothing.
    #[error(
        "No prediction was stored for {quiet_s} s, and {missing} flows are not stored yet (storing_quiet_max). \
             They are not lost on a bus that lasts; else see /readyz and upload the captures again"
    )]
    Stalled { quiet_s: u64, missing: u64 },
}

/// One job on its way through its captures.
pub(crate) struct Reading<'a> {
    pub(crate) id: Id,
    pub(crate) state: JobState,
    pub(crate) ledger: Ledger,
    pub(crate) worker: &'a mut Worker,
    pub(crate) runtime: &'a Runtime,
    /// Where the upload's own result stands.
    first: usize,
    last_flow: Option<FlowId>,
    /// Bytes of the uploads before the one that is read.
    bytes_before: u64,
    /// Where the next capture's result goes in the list of files.
    at: usize,
    started: Instant,
    shown: Instant,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(id: Id, state: JobState, worker: &'a mut Worker, runtime: &'a Runtime) -> Self {
        let now = Instant::now();
        let (ledger, last_flow) = (Ledger::default(), None);
        Self {
            id,
            state,
            ledger,
            worker,
            runtime,
            first: 0,
            last_flow,
            bytes_before: 0,
            at: 0,
            started: now,
            shown: now,
        }
    }

    /// The flow that was sent last.
    pub(crate) fn last_flow(&self) -> Option<FlowId> {
        self.last_flow
    }

    /// Reads one uploaded file: a capture, or several in an archive. What is wrong with it goes into its result.
    pub(crate) fn upload(&mut self, upload: &Upload) -> Result<(), RunError> {
        let input = Input::file(&upload.path).named(&upload.name);
        self.first = self.at;
        match capture::open(&input, &self.worker.limits.input) {
            Err(error) => self.refused(upload, &error),
            Ok(captures) => {
                let progress = captures.progress();
                for capture in captures {
                    match capture {
                        Ok(capture) => self.capture(upload, capture, &progress)?,
                        Err(error) => self.refused(upload, &error),
                    }
                }
            }
        }
        if self.at == self.first {
            "The archive holds no file.".clone_into(&mut self.file(upload).warning);
            self.at += 1;
        }
        self.bytes_before += upload.bytes;
        self.state.event.bytes_read = self.bytes_before;
        Ok(())
    }

    /// The result at hand: the upload's own for its first capture, a new one behind it for each further.
    fn file(&mut self, upload: &Upload) -> &mut JobFile {
        let files = &mut self.state.event.files;
        if self.at != self.first {
            let file =
                JobFile { name: upload.name.clone(), sha256: upload.sha256.clone(), ..JobFile::default() };
            files.insert(self.at.min(files.len()), file);
        }
        let at = self.at.min(files.len() - 1);
        &mut files[at]
    }

    fn refused(&mut self, upload: &Upload, error: &SourceError) {
        let file = self.file(upload);
        error.name().clone_into(&mut file.name);
        file.warning = error.to_string();
        self.state.already_stored.push(0);
        self.at += 1;
    }

    fn capture(
        &mut self,
        upload: &Upload,
        mut capture: Capture,
        progress: &Progress,
    ) -> Result<(), RunError> {
        let id = capture.id();
        self.ledger.begin(id, self.runtime.block_on(self.worker.reader.count_of_capture(id))?);
        let file = self.file(upload);
        capture.name().clone_into(&mut file.name);
        file.capture_id = id.0.to_vec();
        let config = MeterConfig {
            capture: id,
            sensor: capture.name().to_owned(),
            flows: self.worker.limits.flows,
            context: self.worker.limits.context,
        };
        let (packets, flows) = (self.state.event.packets, self.state.event.flows);
        let mut delivery = Delivery { job: self, upload, progress, packets, flows, sent: 0 };
        let (end, counters) = meter_capture(&mut capture, config, NonZeroUsize::MIN, &mut delivery)?;
        let sent = delivery.sent;
        self.close(id, &counters, sent, end.warning().unwrap_or_default());
        Ok(())
    }

    fn close(&mut self, id: Id, counters: &MeterCounters, sent: u64, warning: String) {
        let skipped = SkipReason::ALL.into_iter().map(|reason| (reason, counters.skipped[reason as usize]));
        let file = &mut self.state.event.files[self.at];
        file.packets = counters.packets;
        file.flows = sent;
        file.skipped = skipped
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.name().to_owned(), count))
            .collect();
        file.warning = warning;
        self.state.already_stored.push(self.ledger.sent(id, sent));
        self.at += 1;
    }

    fn show(&mut self) -> Result<(), RunError> {
        if self.shown.elapsed() < SHOW_EVERY {
            return Ok(());
        }
        self.shown = Instant::now();
        self.worker.jobs.show(self.id, &self.state);
        if self.worker.stop.is_requested() {
            return Err(RunError::Stopped);
        }
        let max = self.worker.limits.job_time_max;
        if self.started.elapsed() > max { Err(RunError::TooLong { max_s: max.as_secs() }) } else { Ok(()) }
    }
}

/// Takes the flows of one capture.
struct Delivery<'r, 'a> {
    job: &'r mut Reading<'a>,
    upload: &'r Upload,
    progress: &'r Progress,
    /// Of the job, before this capture.
    packets: u64,
    flows: u64,
    /// Flows of this capture.
    sent: u64,
}

impl FlowReceiver for Delivery<'_, '_> {
    type Error = RunError;

    /// Waits for room on the bus as long as it takes: an upload's flows are never dropped.
    fn deliver(&mut self, metered: &mut Metered) -> Result<(), RunError> {
        metered.hosts.clear();
        let records = &mut metered.flows;
        let last = records.last().and_then(|record| FlowId::from_slice(&record.flow_id));
        self.job.last_flow = last.or(self.job.last_flow);
        let count = records.len();
        while !records.is_empty() {
            if self.job.worker.stop.is_requested() {
                return Err(RunError::Stopped);
            }
            match self.job.worker.flows.send_all(records, SEND_WAIT) {
                Ok(()) | Err(BusError::Retry(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.sent += count as u64;
        Ok(())
    }

    fn batch_read(&mut self, counters: &MeterCounters) -> Result<(), RunError> {
        let event = &mut self.job.state.event;
        event.bytes_read = self.job.bytes_before + self.progress.read_bytes().min(self.upload.bytes);
        event.packets = self.packets + counters.packets;
        event.flows = self.flows + self.sent;
        self.job.show()
    }
}
