//! The judge of the predictor's own models, for `/api/predict`.

use super::{JudgeError, PacketInput, PacketVerdict, PredictJudge};
use detect::{Bundles, DetectError, Judge, JudgeConfig, PacketJudge};
use schema::{FlowRecord, ModelRef, Prediction};

/// Judges with the bundles that judge captures.
pub struct DetectJudge {
    flows: Judge,
    packets: PacketJudge,
}

impl DetectJudge {
    /// Loads the models. ONNX Runtime must run.
    ///
    /// # Errors
    /// As [`Judge::new`] and [`PacketJudge::new`].
    pub fn new(bundles: &Bundles, config: JudgeConfig) -> Result<Self, DetectError> {
        Ok(Self { flows: Judge::new(bundles, config)?, packets: PacketJudge::new(bundles)? })
    }
}

impl PredictJudge for DetectJudge {
    fn packet(&mut self, packet: PacketInput) -> Result<PacketVerdict, JudgeError> {
        let probability = self.packets.predict(packet.len, packet.source_port, packet.dest_port)?;
        let bundle = self.packets.bundle();
        let model = ModelRef { name: bundle.manifest().name.clone(), sha256: bundle.sha256().to_vec() };
        Ok(PacketVerdict { probability, is_attack: self.packets.is_attack(probability), model })
    }

    fn flow(&mut self, record: FlowRecord) -> Result<Prediction, JudgeError> {
        let mut out = Vec::with_capacity(1);
        let rejects = self.flows.judge(&[record], &mut out)?;
        let reason = || rejects.first().map_or("no prediction came", |reject| &*reject.reason).to_owned();
        out.pop().ok_or_else(|| JudgeError::Failed(reason()))
    }
}

impl From<DetectError> for JudgeError {
    fn from(error: DetectError) -> Self {
        match error {
            DetectError::Runtime(_) => Self::Unavailable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Stands in where no model can be loaded, and says why at every call.
#[derive(Debug, Clone)]
pub struct Unavailable(pub String);

impl PredictJudge for Unavailable {
    fn packet(&mut self, _packet: PacketInput) -> Result<PacketVerdict, JudgeError> {
        Err(JudgeError::Unavailable(self.0.clone()))
    }

    fn flow(&mut self, _record: FlowRecord) -> Result<Prediction, JudgeError> {
        Err(JudgeError::Unavailable(self.0.clone()))
    }
}
