//! Why a job is not taken.

use crate::problem::{Kind, Problem};
use actix_web::http::header::{self, HeaderValue};

/// What the line of jobs refuses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// Too many wait already: come back later.
    #[error(
        "{waiting} jobs wait already (jobs_waiting_max). Wait until one is done: GET /api/jobs shows them"
    )]
    Full { waiting: usize },
    /// The same upload is being received at this moment: wait for it.
    #[error("An upload with this Idempotency-Key is being received. Wait for its answer")]
    UnderWay,
    /// The service ends.
    #[error("The service is stopping and takes no more jobs. Upload again once it is back")]
    Stopping,
    /// There is no such job.
    #[error("There is no job {0}. GET /api/jobs lists the latest ones")]
    Unknown(String),
    /// The folder for the upload cannot be made.
    #[error("The folder for uploads cannot be used: {0}. Check the data directory's rights and room")]
    Folder(#[from] std::io::Error),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// A guess at how long a place in the line takes to become free, seconds.
const RETRY_AFTER_S: u32 = 10;

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        let kind = match error {
            JobError::Full { .. } => Kind::TooManyJobs,
            JobError::UnderWay => Kind::Conflict,
            JobError::Stopping => Kind::Unavailable,
            JobError::Unknown(_) => Kind::NotFound,
            JobError::Folder(source) => return crate::problem::disk_problem(&source),
            JobError::Store(source) => return source.into(),
        };
        let problem = Self::new(kind, format!("{error}."));
        match kind {
            Kind::TooManyJobs => problem.header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S)),
            _ => problem,
        }
    }
}
