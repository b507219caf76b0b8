//! The HTTP door: API, uploads and their jobs, the page at `/`.
//!
//! A request passes the [`door`] (who may ask, security headers, one shape for errors), is read into types of the API's
//! own, answered by a plain function, and every error becomes an RFC 9457 problem in one place ([`problem`]). Uploads
//! are streamed to disk and wait in line for one worker thread, which meters them and sends their flows on the bus; who
//! judges and stores them is not known here. Results are read from the store.

mod access;
mod api;
mod clock;
mod door;
mod jobs;
mod limits;
mod predict;
mod problem;
mod receive;
mod serve;

pub use api::Part;
pub use limits::GatewayLimits;
pub use predict::{DetectJudge, JudgeError, PacketInput, PacketVerdict, PredictJudge, Unavailable};
pub use serve::{Gateway, GatewayError, serve};
