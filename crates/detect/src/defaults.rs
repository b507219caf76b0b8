//! The default bundles, compiled in: the binary judges from any folder.

use crate::bundle::{Bundle, Bundles};
use crate::error::DetectError;

macro_rules! embedded {
    ($folder:literal) => {
        Bundle::from_parts(
            include_str!(concat!("../../../models/", $folder, "/manifest.toml")),
            include_bytes!(concat!("../../../models/", $folder, "/model.onnx")).as_slice(),
        )
    };
}

impl Bundles {
    /// The bundles of `models/` as they were when this was compiled.
    ///
    /// # Errors
    /// [`DetectError::Bundle`] when they do not fit this build's features: then they must be trained anew.
    pub fn embedded() -> Result<Self, DetectError> {
        Self::new(embedded!("traffic")?, embedded!("threat")?, embedded!("packet")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Judge, JudgeConfig};
    use crate::packet::PacketJudge;
    use crate::testing::{has_runtime, record};

    #[test]
    fn they_fit_this_build_and_say_how_good_they_are() {
        let bundles = Bundles::embedded().expect("default bundles");
        for bundle in [&bundles.traffic, &bundles.threat, &bundles.packet] {
            let manifest = bundle.manifest();
            assert!(!manifest.metrics.is_empty() && !manifest.training.is_empty(), "{}", manifest.name);
        }
    }

    #[test]
    fn they_judge_in_any_batches_alike() {
        if !has_runtime() {
            return;
        }
        let bundles = Bundles::embedded().expect("default bundles");
        let mut judge = Judge::new(&bundles, JudgeConfig::default()).expect("a judge");
        let records: Vec<_> = (0..500_u16)
            .map(|n| {
                let n = f32::from(n);
                record(&[
                    ("is_tcp", 1.0),
                    ("duration", n / 7.0),
                    ("fwd_packets", n),
                    ("initiator_60s_flows", n * 3.0),
                ])
            })
            .collect();
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        assert!(judge.judge(&records, &mut whole).expect("judged").is_empty());
        for record in records.chunks(1) {
            judge.judge(record, &mut parts).expect("judged");
        }
        assert_eq!(parts, whole);
        let mut packets = PacketJudge::new(&bundles).expect("a judge");
        let probability = packets.predict(60, 80, 443).expect("judged");
        assert!((0.0..=1.0).contains(&probability));
    }
}
