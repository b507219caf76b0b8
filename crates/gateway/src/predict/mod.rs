//! `/api/predict`: a packet or a flow as the caller describes it, judged by the models that judge captures.
//!
//! The names of the columns decide what is asked: `len`, `source_port` and `dest_port` describe a packet; anything
//! else a flow, by our feature names or by those of `CICFlowMeter`.

mod columns;
mod detect_judge;
mod flow;
mod judge;
mod packet;

pub use detect_judge::{DetectJudge, Unavailable};
pub use judge::{JudgeError, PacketInput, PacketVerdict, PredictJudge};

pub(crate) use flow::FlowInput;

use crate::problem::{Kind, Problem};
use serde_json::{Map, Value};

/// A JSON object: column names and values.
pub(crate) type Row = Map<String, Value>;

/// What a request describes.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    Packet(PacketInput),
    Flow(Box<FlowInput>),
}

/// Why a description cannot be judged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InputError {
    /// Columns without which there is no verdict.
    #[error("Missing required columns: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Values that mean nothing: each with its column and what would do.
    #[error("{}", .0.iter().map(|(name, wanted)| format!("{name} must be {wanted}")).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<(String, &'static str)>),
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        let detail = error.to_string();
        match error {
            InputError::Missing(names) => Self::new(Kind::MissingColumns, detail).with("missing", names),
            InputError::Invalid(values) => {
                let names: Vec<String> = values.into_iter().map(|(name, _)| name).collect();
                Self::new(Kind::InvalidValue, detail).with("columns", names)
            }
        }
    }
}

impl Input {
    /// Reads a request's columns.
    pub(crate) fn read(row: &Row) -> Result<Self, InputError> {
        if row.is_empty() || packet::COLUMNS.iter().any(|column| row.contains_key(*column)) {
            return packet::read(row).map(Self::Packet);
        }
        FlowInput::read(row).map(|flow| Self::Flow(Box::new(flow)))
    }
}
