//! Judging a single packet by its length and ports: the classic question of `POST /api/predict`.

use crate::bundle::{Bundle, Bundles};
use crate::error::DetectError;
use crate::manifest::ATTACK;
use crate::onnx::{Model, rounded};
use std::sync::Arc;

/// Judges single packets on one thread.
pub struct PacketJudge {
    bundle: Arc<Bundle>,
    model: Model,
}

impl PacketJudge {
    /// Loads the packet model. ONNX Runtime must run.
    ///
    /// # Errors
    /// [`DetectError::Runtime`] before [`crate::onnx::start`], [`DetectError::Bundle`] when the runtime does not take
    /// the model.
    pub fn new(bundles: &Bundles) -> Result<Self, DetectError> {
        let bundle = Arc::clone(&bundles.packet);
        Ok(Self { model: Model::load(&bundle)?, bundle })
    }

    /// The probability, from 0 to 1, that a packet of so many bytes between these ports belongs to an attack flow.
    ///
    /// # Errors
    /// [`DetectError::Inference`] when the model gives no number.
    pub fn predict(&mut self, len: u32, source_port: u16, dest_port: u16) -> Result<f32, DetectError> {
        let row = [len as f32, f32::from(source_port), f32::from(dest_port)];
        let results = self.model.run([row], |row, out| out.extend(row))?;
        let score = results.first().and_then(|attack| attack.first()).copied().map(rounded);
        score.filter(|score| score.is_finite()).ok_or_else(|| DetectError::Inference {
            model: self.bundle.manifest().name.clone(),
            reason: "it gave no number; replace the bundle".into(),
        })
    }

    /// Whether such a probability is called an attack.
    #[must_use]
    pub fn is_attack(&self, probability: f32) -> bool {
        probability >= self.bundle.threshold(ATTACK)
    }

    /// The bundle that judges.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bundles, has_runtime};

    #[test]
    fn a_packet_is_judged_by_length_and_ports() {
        if !has_runtime() {
            return;
        }
        let mut judge = PacketJudge::new(&bundles("traffic", "threat")).expect("a judge");
        for (packet, wanted) in [
            ((60, 4000, 80), 0.8808),
            ((60, 4000, 8080), 0.2689),
            ((1500, 4000, 80), 0.1192),
            ((0, 0, 0), 0.8808),
        ] {
            let (len, source_port, dest_port) = packet;
            let probability = judge.predict(len, source_port, dest_port).expect("judged");
            assert!((probability - wanted).abs() < f32::EPSILON, "{packet:?}: {probability}");
            assert_eq!(judge.is_attack(probability), wanted > 0.5);
        }
        assert_eq!(judge.bundle().manifest().name, "packet-test");
    }
}
