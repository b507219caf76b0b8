//! Jobs: uploads on their way into the store. One runs, the others wait in line, and everyone may watch.
//!
//! A job's state lives here while the process does, and in the store at every change of phase, so that it can be asked
//! for after a restart. A job that was under way when the process ended is then `failed` and says so. Its captures may
//! be uploaded again: what was stored of them is not stored twice.

mod error;
mod line;
mod read;
mod run;
mod state;
mod stored;

pub(crate) use error::JobError;
pub(crate) use line::{Admission, Jobs, Ticket};
pub(crate) use run::{RunLimits, Worker, run_worker};
pub(crate) use state::{JobState, Upload, now_ns};
