//! `POST /api/upload_pcap`: captures in, a job out.

use super::App;
use super::jobs::{Job, Phase};
use super::parameters::UploadQuery;
use crate::jobs::{Admission, JobState, Ticket};
use crate::problem::{Kind, Problem};
use crate::receive::{ReceiveLimits, receive};
use actix_multipart::Multipart;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use schema::Id;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest key that is taken.
const KEY_BYTES_MAX: usize = 255;

/// The form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form in the OpenAPI document; the form itself is a stream")]
pub(crate) struct UploadForm {
    /// One or more captures: pcap or pcapng, plain or in gzip or zstd, or a zip of them.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<String>,
}

/// What became of the upload.
#[derive(Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// `success`.
    status: &'static str,
    message: String,
    /// For `GET /api/jobs/{id}`.
    job_id: String,
    job: Job,
}

/// Uploads captures: all files of one request are one job.
#[utoipa::path(
    post, path = "/api/upload_pcap", tag = "captures",
    params(
        UploadQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same job, unless that failed"),
    ),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Uploaded, description = "The job waits or runs"),
        (status = 200, body = Uploaded, description = "The job is done"),
        (status = 400, response = super::openapi::Malformed),
        (status = 408, response = super::openapi::TimedOut),
        (status = 409, response = super::openapi::Conflict),
        (status = 413, response = super::openapi::TooLarge),
        (status = 415, response = super::openapi::UnsupportedType),
        (status = 422, response = super::openapi::Unprocessable),
        (status = 429, response = super::openapi::TooManyJobs),
        (status = 503, response = super::openapi::Unavailable),
        (status = 507, response = super::openapi::DiskFull),
    )
)]
pub(crate) async fn upload_pcap(
    app: Data<App>,
    Query(query): Query<UploadQuery>,
    request: HttpRequest,
    form: Multipart,
) -> Result<HttpResponse, Problem> {
    let limits = ReceiveLimits {
        bytes: app.limits.upload_bytes_max,
        files: app.limits.upload_files_max,
        quiet: app.limits.upload_quiet_max,
    };
    refuse_by_length(request.headers(), limits.bytes)?;
    let state = match app.jobs.admit(idempotency_key(request.headers())?).await? {
        Admission::Known(state) => state,
        Admission::New(ticket) => accept(ticket, form, limits).await?,
    };
    let state = match Id::from_hex(&state.event.job_id) {
        Some(id) if query.wait => app.jobs.ended(id).await?,
        _ => state,
    };
    answer(Job::in_line(&state, &app.jobs))
}

async fn accept(ticket: Ticket, form: Multipart, limits: ReceiveLimits) -> Result<JobState, Problem> {
    let uploads = receive(form, ticket.folder(), limits).await?;
    Ok(ticket.submit(uploads).await?)
}

/// An upload that says itself that it is too large need not be sent.
fn refuse_by_length(headers: &HeaderMap, max: u64) -> Result<(), Problem> {
    // The form around the files: boundaries and headers.
    const FORM_BYTES: u64 = 1 << 20;
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > max.saturating_add(FORM_BYTES)) {
        return Err(crate::receive::ReceiveError::TooLarge { max }.into());
    }
    Ok(())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_BYTES_MAX);
    let detail = format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} visible ASCII characters.");
    key.map(Some).ok_or_else(|| Problem::new(Kind::Malformed, detail))
}

fn answer(job: Job) -> Result<HttpResponse, Problem> {
    let message = job.summary();
    if job.phase == Phase::Failed {
        let problem = Problem::new(Kind::JobFailed, message).with("job_id", &*job.id);
        return Err(problem.with("job", serde_json::to_value(&job).unwrap_or_default()));
    }
    let mut response = if job.phase == Phase::Done { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    response.insert_header((header::LOCATION, format!("/api/jobs/{}", job.id)));
    Ok(response.json(Uploaded { status: "success", message, job_id: job.id.clone(), job }))
}
