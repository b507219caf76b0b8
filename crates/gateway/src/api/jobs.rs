//! `GET /api/jobs`: how uploads go.

use super::App;
use super::parameters::{JobFilter, id, limit};
use crate::clock;
use crate::jobs::{JobState, Jobs};
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use schema::{Id, JobFile, JobPhase};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Jobs of a list when the caller does not say.
const LIST_DEFAULT: usize = 20;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Waits for its turn.
    Queued,
    /// Its packets are being read.
    Metering,
    /// Its flows are being judged and stored.
    Storing,
    /// All that could be read is stored.
    Done,
    /// It ended early; `error` says why and what to do.
    Failed,
}

impl From<JobPhase> for Phase {
    fn from(phase: JobPhase) -> Self {
        match phase {
            JobPhase::Queued => Self::Queued,
            JobPhase::Metering => Self::Metering,
            JobPhase::Storing => Self::Storing,
            JobPhase::Done => Self::Done,
            JobPhase::Failed => Self::Failed,
        }
    }
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) phase: Phase,
    /// Place in the line, 1 being the next; 0 when the job does not wait.
    position: usize,
    /// Names of the uploaded files, as the sender gave them.
    names: Vec<String>,
    /// Read so far, and in all, of the files as uploaded.
    bytes_read: u64,
    bytes_total: u64,
    packets: u64,
    flows: u64,
    /// Flows whose prediction is in the store.
    stored: u64,
    files: Vec<File>,
    /// Why it failed and what to do; empty otherwise.
    error: String,
    /// Last change of phase, RFC 3339.
    changed: String,
}

/// A capture of a job: an uploaded file, or an entry of an uploaded zip.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct File {
    name: String,
    /// 32 hex digits; null when nothing could be read.
    capture_id: Option<String>,
    /// Of the uploaded file.
    sha256: String,
    packets: u64,
    flows: u64,
    /// Packets that are in no flow, by reason.
    skipped: BTreeMap<String, u64>,
    /// Flows that the store had before; absent for jobs of an earlier run.
    #[serde(skip_serializing_if = "Option::is_none")]
    already_stored: Option<u64>,
    /// Damage, or why it was refused; empty when all was read.
    warning: String,
}

impl From<&JobFile> for File {
    fn from(file: &JobFile) -> Self {
        Self {
            name: file.name.clone(),
            capture_id: Id::from_slice(&file.capture_id).map(|id| id.to_string()),
            sha256: file.sha256.clone(),
            packets: file.packets,
            flows: file.flows,
            skipped: file.skipped.iter().map(|(reason, count)| (reason.clone(), *count)).collect(),
            already_stored: None,
            warning: file.warning.clone(),
        }
    }
}

impl From<&JobState> for Job {
    fn from(state: &JobState) -> Self {
        let event = &state.event;
        let mut files: Vec<File> = event.files.iter().map(File::from).collect();
        for (file, known) in files.iter_mut().zip(&state.already_stored) {
            file.already_stored = Some(*known);
        }
        Self {
            id: event.job_id.clone(),
            phase: event.phase().into(),
            position: 0,
            names: state.names.clone(),
            bytes_read: event.bytes_read,
            bytes_total: event.bytes_total,
            packets: event.packets,
            flows: event.flows,
            stored: event.stored,
            files,
            error: event.error.clone(),
            changed: clock::to_text(event.time_ns),
        }
    }
}

impl Job {
    /// With its place in the line.
    pub(crate) fn in_line(state: &JobState, jobs: &Jobs) -> Self {
        Self { position: jobs.position(&state.event.job_id), ..Self::from(state) }
    }

    /// Where it stands, in a sentence.
    pub(crate) fn summary(&self) -> String {
        let Self { packets, flows, stored, .. } = self;
        let names = self.names.join(", ");
        match self.phase {
            Phase::Queued if self.position > 1 => {
                let before = self.position - 1;
                let jobs = if before == 1 { "job goes" } else { "jobs go" };
                format!("{names} received; {before} {jobs} before it. See /api/jobs/{}.", self.id)
            }
            Phase::Queued if self.position == 1 => {
                format!("{names} received; it is next. See /api/jobs/{}.", self.id)
            }
            Phase::Queued | Phase::Metering | Phase::Storing => {
                format!("{names} received and being read. See /api/jobs/{}.", self.id)
            }
            Phase::Done if stored < flows => format!(
                "{names}: {packets} packets, {flows} flows, {stored} predictions stored. The other flows repeat these, \
                 or were refused: see /metrics."
            ),
            Phase::Done => match self.files.iter().filter_map(|file| file.already_stored).sum::<u64>() {
                0 => format!("{names}: {packets} packets, {flows} flows, {stored} predictions stored."),
                known => format!(
                    "{names}: {packets} packets, {flows} flows, {stored} predictions stored, {known} of them already \
                     before: the same capture changes nothing."
                ),
            },
            Phase::Failed => self.error.clone(),
        }
    }
}

/// Jobs, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobList {
    items: Vec<Job>,
}

/// The latest jobs.
#[utoipa::path(
    get, path = "/api/jobs", tag = "captures", params(JobFilter),
    responses(
        (status = 200, body = JobList),
        (status = 400, response = super::openapi::Malformed),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn list(app: Data<App>, Query(filter): Query<JobFilter>) -> Result<HttpResponse, Problem> {
    let latest = app.jobs.latest(limit(filter.limit, LIST_DEFAULT)?).await?;
    let items = latest.iter().map(|state| Job::in_line(state, &app.jobs)).collect();
    Ok(HttpResponse::Ok().json(JobList { items }))
}

/// One job.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "captures",
    params(("id" = String, Path, description = "Job id, 32 hex digits")),
    responses(
        (status = 200, body = Job),
        (status = 400, response = super::openapi::Malformed),
        (status = 404, response = super::openapi::NotFound),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn one(app: Data<App>, path: Path<String>) -> Result<HttpResponse, Problem> {
    let state = app.jobs.find(id(&path, "a job")?).await?;
    Ok(HttpResponse::Ok().json(Job::in_line(&state, &app.jobs)))
}
