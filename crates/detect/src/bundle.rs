//! Model bundles: a manifest and its model, checked against each other and against this build.

use crate::error::DetectError;
use crate::graph;
use crate::manifest::{BundleKind, Manifest};
use schema::features::index_of;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// A manifest and its model, found to fit this build.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    onnx: Cow<'static, [u8]>,
    sha256: [u8; 32],
    columns: Vec<usize>,
}

impl Bundle {
    /// Checks a manifest and its model. Needs no runtime.
    ///
    /// # Errors
    /// [`DetectError::Bundle`] when they do not fit each other or this build, with what to do.
    pub fn from_parts(manifest_text: &str, onnx: impl Into<Cow<'static, [u8]>>) -> Result<Self, DetectError> {
        let manifest = Manifest::parse(manifest_text)?;
        let onnx = onnx.into();
        let refused = |reason| DetectError::Bundle { kind: manifest.kind.name(), reason };
        let found = hex::encode(Sha256::digest(&onnx));
        if found != manifest.onnx_sha256 {
            let wanted = &manifest.onnx_sha256;
            return Err(refused(format!(
                "model.onnx has the sha256 {found}, its manifest says {wanted}; copy both files again"
            )));
        }
        graph::inspect(&onnx, manifest.kind, manifest.columns.len()).map_err(refused)?;
        // Empty for packet bundles, whose columns are no features; the manifest has checked all others.
        let columns = manifest.columns.iter().filter_map(|column| index_of(&column.name)).collect();
        let sha256 = Sha256::digest(manifest_text).into();
        Ok(Self { manifest, onnx, sha256, columns })
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model's bytes.
    #[must_use]
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// sha256 of `manifest.toml`, which names that of the model: what predictions call the bundle by.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Where in the feature table the model's columns are.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// A threshold that the manifest has checked to be there.
    pub(crate) fn threshold(&self, name: &str) -> f32 {
        self.manifest.thresholds.get(name).map_or(1.0, |value| *value as f32)
    }
}

/// One bundle of each kind.
#[derive(Debug, Clone)]
pub struct Bundles {
    /// Which kind of traffic a flow is.
    pub traffic: Arc<Bundle>,
    /// Whether a flow belongs to an attack.
    pub threat: Arc<Bundle>,
    /// Whether a packet belongs to an attack.
    pub packet: Arc<Bundle>,
}

impl Bundles {
    /// Takes one bundle of each kind.
    ///
    /// # Errors
    /// [`DetectError::Bundle`] when one is of another kind than its place.
    pub fn new(traffic: Bundle, threat: Bundle, packet: Bundle) -> Result<Self, DetectError> {
        Ok(Self {
            traffic: placed(traffic, BundleKind::Traffic)?,
            threat: placed(threat, BundleKind::Threat)?,
            packet: placed(packet, BundleKind::Packet)?,
        })
    }

    /// The same with another bundle in the place of its kind.
    #[must_use]
    pub fn with(mut self, bundle: Bundle) -> Self {
        let place = match bundle.manifest.kind {
            BundleKind::Traffic => &mut self.traffic,
            BundleKind::Threat => &mut self.threat,
            BundleKind::Packet => &mut self.packet,
        };
        *place = Arc::new(bundle);
        self
    }
}

fn placed(bundle: Bundle, wanted: BundleKind) -> Result<Arc<Bundle>, DetectError> {
    let found = bundle.manifest.kind;
    if found == wanted {
        return Ok(Arc::new(bundle));
    }
    let reason = format!("it is a {} bundle; put it into the folder of that name", found.name());
    Err(DetectError::Bundle { kind: wanted.name(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::Model;
    use crate::testing::{bundle, has_runtime, manifest, model};
    use proptest::prelude::*;

    #[test]
    fn models_that_break_the_contract_are_refused() {
        for (name, kind, wanted) in [
            ("bad_custom_operator", BundleKind::Traffic, "custom operator domain \"com.example\""),
            ("bad_external_data", BundleKind::Traffic, "\"scale\" lies in another file"),
            ("bad_shape", BundleKind::Threat, "\"categories\" has the shape [N, 15], wanted is [N, 16]"),
            ("bad_fixed_rows", BundleKind::Traffic, "\"features\" has the shape [1, 3], wanted is [N, 3]"),
            ("bad_input_name", BundleKind::Traffic, "its inputs are [\"X\"]"),
            ("bad_output_name", BundleKind::Traffic, "no output called \"probabilities\""),
            ("bad_type", BundleKind::Traffic, "not a tensor of float32"),
            ("bad_control_flow", BundleKind::Traffic, "without control flow"),
            ("bad_tree_column", BundleKind::Traffic, "asks for column 1000000"),
            ("bad_tree_source", BundleKind::Traffic, "must read the rows of \"features\""),
            ("bad_tree_loop", BundleKind::Traffic, "leads back or nowhere"),
            ("bad_tree_target", BundleKind::Traffic, "outside of its 4 results"),
            ("traffic", BundleKind::Threat, "its outputs are [\"probabilities\"]"),
        ] {
            let error = bundle(kind, name).expect_err(name).to_string();
            assert!(error.contains(wanted), "{name}: {error}");
        }
    }

    #[test]
    fn a_model_must_be_the_one_of_its_manifest() {
        let text = manifest(BundleKind::Traffic, &model("traffic")).to_toml().expect("text");
        let error = Bundle::from_parts(&text, model("forest")).expect_err("another").to_string();
        assert!(error.contains("copy both files again"), "{error}");
    }

    #[test]
    fn a_bundle_has_its_place() {
        let traffic = || bundle(BundleKind::Traffic, "traffic").expect("good");
        let error = Bundles::new(traffic(), traffic(), traffic()).expect_err("places").to_string();
        assert!(error.contains("threat bundle refused: it is a traffic bundle"), "{error}");
    }

    #[test]
    fn what_only_the_runtime_can_refuse_is_refused_at_load() {
        if !has_runtime() {
            return;
        }
        let unknown = bundle(BundleKind::Traffic, "bad_operator").expect("looks good");
        let error = Model::load(&unknown).err().expect("refused").to_string();
        assert!(error.contains("traffic bundle refused: ONNX Runtime does not take its model"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..700_usize, flip in any::<u8>()) {
            let mut damaged = model("traffic");
            let at = cut % damaged.len();
            damaged[at] ^= flip;
            for onnx in [bytes, damaged.clone(), damaged[..at].to_vec()] {
                // Whatever comes back: an answer and no panic.
                _ = graph::inspect(&onnx, BundleKind::Traffic, 3).is_ok();
            }
        }
    }
}
