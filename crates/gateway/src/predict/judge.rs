//! What `/api/predict` needs of a judge. The gateway never knows how it judges.

use crate::problem::{Kind, Problem};
use schema::{FlowRecord, ModelRef, Prediction};

/// A packet as its length and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketInput {
    /// Length on the wire, bytes.
    pub len: u32,
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub dest_port: u16,
}

/// What is thought of a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketVerdict {
    /// Probability that it belongs to an attack flow, 0 to 1.
    pub probability: f32,
    /// Whether that is above the model's threshold.
    pub is_attack: bool,
    /// Who says so.
    pub model: ModelRef,
}

/// Judges what `/api/predict` is asked. Blocking; the gateway calls it on a thread for such work, one call at a time.
pub trait PredictJudge: Send {
    /// Judges a packet.
    ///
    /// # Errors
    /// See [`JudgeError`].
    fn packet(&mut self, packet: PacketInput) -> Result<PacketVerdict, JudgeError>;

    /// Judges a flow whose record carries the current feature table.
    ///
    /// # Errors
    /// See [`JudgeError`].
    fn flow(&mut self, record: FlowRecord) -> Result<Prediction, JudgeError>;
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// No model can judge this now; the text says what to install or configure.
    #[error("{0}")]
    Unavailable(String),
    /// A model failed.
    #[error("{0}")]
    Failed(String),
}

impl From<JudgeError> for Problem {
    fn from(error: JudgeError) -> Self {
        let kind = match error {
            JudgeError::Unavailable(_) => Kind::Unavailable,
            JudgeError::Failed(_) => Kind::Internal,
        };
        Self::new(kind, format!("No verdict: {error}"))
    }
}
