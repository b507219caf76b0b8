//! A model as a folder that the product loads: `model.onnx`, `manifest.toml` and `card.md`.

use crate::TrainError;
use detect::manifest::FORMAT;
use detect::{Bundle, BundleKind, Column, Manifest, Source};
use schema::FeatureSchemaId;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All that a bundle says.
#[derive(Debug, Clone)]
pub struct BundleParts {
    /// What it judges.
    pub kind: BundleKind,
    /// The graph.
    pub onnx: Vec<u8>,
    /// RFC 3339.
    pub created: String,
    /// In the order of the graph's input.
    pub columns: Vec<Column>,
    /// What the margins are divided by.
    pub temperature: f64,
    /// By name.
    pub thresholds: BTreeMap<String, f64>,
    /// By name.
    pub metrics: BTreeMap<String, f64>,
    /// The captures that it was fitted on.
    pub training: Vec<Source>,
    /// `card.md`.
    pub card: String,
}

/// A bundle on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its folder.
    pub folder: PathBuf,
    /// Size of `model.onnx`.
    pub onnx_bytes: usize,
    /// Columns that the model takes.
    pub columns: usize,
}

impl BundleParts {
    /// Writes the bundle into the folder of its kind within `models`, over the one that is there.
    ///
    /// # Errors
    /// When the bundle would be refused by this build, or a file cannot be written.
    pub fn write(self, models: &Path) -> Result<Written, TrainError> {
        let manifest = Manifest {
            name: format!("flowcatcher-{}", self.kind.name()),
            kind: self.kind,
            format: FORMAT,
            created: self.created,
            feature_schema: format!("{:016x}", FeatureSchemaId::current().0),
            meter_profile: "correct".to_owned(),
            onnx_sha256: hex::encode(Sha256::digest(&self.onnx)),
            temperature: self.temperature,
            classes: self.kind.classes().into_iter().map(ToOwned::to_owned).collect(),
            thresholds: self.thresholds,
            metrics: self.metrics,
            columns: self.columns,
            training: self.training,
        };
        let text = manifest.to_toml()?;
        Bundle::from_parts(&text, self.onnx.clone())?;
        let folder = models.join(self.kind.name());
        fs::create_dir_all(&folder).map_err(TrainError::io(&folder))?;
        write(&folder.join("card.md"), self.card.as_bytes())?;
        write(&folder.join("model.onnx"), &self.onnx)?;
        // Last: it names the model's hash, so that a half-written bundle is refused.
        write(&folder.join("manifest.toml"), text.as_bytes())?;
        Ok(Written { folder, onnx_bytes: self.onnx.len(), columns: manifest.columns.len() })
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path)).map_err(TrainError::io(path))
}
