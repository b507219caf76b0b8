//! Errors as the API shows them: RFC 9457 `application/problem+json`, made in this one place.
//!
//! A room's own error says what went wrong; its `From` into [`Problem`] says which kind that is and what to do about
//! it. The outermost layer of the door ([`crate::door`]) fills in the instance and also turns the framework's own
//! refusals (unknown route, wrong method) into this shape.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::io;
use store::StoreError;
use utoipa::ToSchema;

/// Content type of every error.
const PROBLEM_JSON: &str = "application/problem+json";

/// What kind of thing went wrong; one stable `type` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    Unauthorized,
    ForbiddenHost,
    ForbiddenOrigin,
    NotFound,
    WrongMethod,
    TimedOut,
    Conflict,
    TooLarge,
    UnsupportedType,
    MissingColumns,
    InvalidValue,
    JobFailed,
    TooManyJobs,
    Internal,
    Unavailable,
    DiskFull,
}

impl Kind {
    /// Status, the last part of the `type`, and the title.
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request could not be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed"),
            Self::ForbiddenHost => (StatusCode::FORBIDDEN, "forbidden-host", "This host name is not served"),
            Self::ForbiddenOrigin => {
                (StatusCode::FORBIDDEN, "forbidden-origin", "Another site may not change anything here")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing here"),
            Self::WrongMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "The route has another method")
            }
            Self::TimedOut => (StatusCode::REQUEST_TIMEOUT, "timed-out", "The request stopped coming"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The same request is still under way"),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is larger than allowed")
            }
            Self::UnsupportedType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-type",
                "This type of content is not supported",
            ),
            Self::MissingColumns => {
                (StatusCode::UNPROCESSABLE_ENTITY, "missing-columns", "Columns are missing from the input")
            }
            Self::InvalidValue => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-value",
                "A value is of the wrong type or out of range",
            ),
            Self::JobFailed => (StatusCode::UNPROCESSABLE_ENTITY, "job-failed", "The job failed"),
            Self::TooManyJobs => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-jobs", "The queue of jobs is full")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The service failed"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "A part of the service is not ready")
            }
            Self::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk-full", "There is no room for this"),
        }
    }

    /// The kind that a bare status of the framework stands for.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::WrongMethod,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedType,
            status if status.is_client_error() => Self::Malformed,
            _ => Self::Internal,
        }
    }
}

/// One error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// `urn:flowcatcher:problem:` and the kind of error.
    r#type: String,
    title: &'static str,
    status: u16,
    /// What happened and what to do.
    detail: &'a str,
    /// The path that was asked for.
    instance: &'a str,
    /// More for programs, by kind of error.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// `detail` says what happened this time and what to do.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), members: Map::new(), headers: Vec::new() }
    }

    /// Adds a member for programs to read.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The kind, for counters and logs.
    pub(crate) fn status(&self) -> StatusCode {
        self.kind.facts().0
    }

    /// The response, `instance` being the path that was asked for.
    pub(crate) fn response(&self, instance: &str) -> HttpResponse {
        let (status, slug, title) = self.kind.facts();
        let mut response = HttpResponse::build(status);
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        let body = Body {
            r#type: format!("urn:flowcatcher:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            members: &self.members,
        };
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON)).json(body)
    }

    /// What a refusal of the framework itself means.
    pub(crate) fn of_status(status: StatusCode, method: &str) -> Self {
        let kind = Kind::of_status(status);
        let detail = match kind {
            Kind::NotFound => "No such route. GET /api/openapi.json lists them all.".to_owned(),
            Kind::WrongMethod => {
                format!("{method} is not possible here; the Allow header and /api/openapi.json say what is.")
            }
            Kind::Internal => "The service failed at this request; its log says why.".to_owned(),
            _ => format!(
                "The request was refused: {}. Compare it with /api/openapi.json.",
                status.canonical_reason().unwrap_or("unknown reason")
            ),
        };
        Self::new(kind, detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Retry(_) | StoreError::Fatal(_) => Kind::Unavailable,
            StoreError::Full(_) => Kind::DiskFull,
            StoreError::BadQuery(_) => Kind::Malformed,
        };
        Self::new(kind, error.to_string())
    }
}

/// A disk that does not take an upload.
pub(crate) fn disk_problem(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Problem::new(
            Kind::DiskFull,
            format!(
                "The upload could not be kept: {error}. Make room in the data directory, then send it again."
            ),
        ),
        _ => Problem::new(
            Kind::Internal,
            format!("The upload could not be kept: {error}. Check the data directory and its rights."),
        ),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response("")
    }
}
