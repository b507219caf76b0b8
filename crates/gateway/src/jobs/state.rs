//! What is known of a job at one moment.

use schema::{Id, JobEvent, JobFile, JobPhase};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// One received file, waiting to be read.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// As the sender called it: text to show, never a path.
    pub(crate) name: String,
    /// Where it lies, under a name of ours.
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Hex digits.
    pub(crate) sha256: String,
}

/// A job as it stands: the event that the store keeps, and what only this process knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobState {
    pub(crate) event: JobEvent,
    /// Names of the uploaded files; those of `event.files` are the captures in them.
    pub(crate) names: Vec<String>,
    /// For each of `event.files`, how many of its flows were stored before. Empty when the job is of an earlier run.
    pub(crate) already_stored: Vec<u64>,
}

impl JobState {
    /// A job that has just been received.
    pub(crate) fn queued(id: Id, uploads: &[Upload]) -> Self {
        let file = |upload: &Upload| JobFile {
            name: upload.name.clone(),
            sha256: upload.sha256.clone(),
            ..JobFile::default()
        };
        let event = JobEvent {
            job_id: id.to_string(),
            phase: JobPhase::Queued.into(),
            bytes_total: uploads.iter().map(|upload| upload.bytes).sum(),
            files: uploads.iter().map(file).collect(),
            time_ns: now_ns(),
            ..JobEvent::default()
        };
        Self {
            event,
            names: uploads.iter().map(|upload| upload.name.clone()).collect(),
            already_stored: Vec::new(),
        }
    }

    /// A job as the store remembers it.
    pub(crate) fn remembered(event: JobEvent) -> Self {
        let names = event.files.iter().map(|file| file.name.clone()).collect();
        Self { event, names, already_stored: Vec::new() }
    }

    /// Whether nothing will change any more.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.event.phase(), JobPhase::Done | JobPhase::Failed)
    }

    /// Enters a phase.
    pub(crate) fn enter(&mut self, phase: JobPhase) {
        self.event.set_phase(phase);
        self.event.time_ns = now_ns();
    }

    /// Ends the job; `why` also says what to do.
    pub(crate) fn fail(&mut self, why: impl Into<String>) {
        self.event.error = why.into();
        self.enter(JobPhase::Failed);
    }
}

/// Wall clock, nanoseconds since 1970: when something was asked, never a packet's time.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
