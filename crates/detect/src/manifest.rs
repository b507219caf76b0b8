//! A bundle's manifest: what its model takes, gives and was made from.

use crate::error::DetectError;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::features::{FEATURES, index_of};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The only layout of manifest and graph that this build reads.
pub const FORMAT: u32 = 1;
/// The longest manifest that is read, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// The most columns that a bundle may use.
pub const COLUMNS_MAX: usize = 4096;
/// The columns of a packet bundle, which has a schema of its own.
pub const PACKET_COLUMNS: [&str; 3] = ["len", "source_port", "dest_port"];
/// Every bundle's input: one row a record, f32, `[N, columns]`.
pub const INPUT: &str = "features";
/// Traffic bundles' output: probability of each class, `[N, 4]`.
pub const PROBABILITIES: &str = "probabilities";
/// Threat and packet bundles' output: probability of an attack, `[N, 1]`. Also the name of its threshold.
pub const ATTACK: &str = "attack";
/// Threat bundles' output: distribution over the categories given an attack, `[N, 16]`.
pub const CATEGORIES_OUTPUT: &str = "categories";

/// What a bundle judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BundleKind {
    /// Which kind of traffic a flow is.
    Traffic,
    /// Whether a flow belongs to an attack, and to which.
    Threat,
    /// Whether a single packet belongs to an attack flow.
    Packet,
}

impl BundleKind {
    /// As in manifests and folder names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Threat => "threat",
            Self::Packet => "packet",
        }
    }

    /// The classes that a manifest of this kind lists, in this order.
    #[must_use]
    pub fn classes(self) -> Vec<&'static str> {
        match self {
            Self::Traffic => TRAFFIC_CLASSES.iter().map(|class| class.name()).collect(),
            Self::Threat => CATEGORIES.iter().map(|category| category.name()).collect(),
            Self::Packet => vec![ATTACK],
        }
    }

    /// The graph's outputs by name, and how many values each has a row.
    #[must_use]
    pub fn outputs(self) -> &'static [(&'static str, usize)] {
        const TRAFFIC: [(&str, usize); 1] = [(PROBABILITIES, TRAFFIC_CLASSES.len())];
        const THREAT: [(&str, usize); 2] = [(ATTACK, 1), (CATEGORIES_OUTPUT, CATEGORIES.len())];
        const PACKET: [(&str, usize); 1] = [(ATTACK, 1)];
        match self {
            Self::Traffic => &TRAFFIC,
            Self::Threat => &THREAT,
            Self::Packet => &PACKET,
        }
    }

    /// The thresholds without which such a bundle cannot judge.
    #[must_use]
    pub fn thresholds(self) -> &'static [&'static str] {
        match self {
            Self::Traffic => &[],
            Self::Threat | Self::Packet => &[ATTACK],
        }
    }
}

/// A feature that the model takes, by name and by the revision of its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// As in [`FEATURES`].
    pub name: String,
    /// That of the feature when the model was fitted.
    pub revision: u16,
}

/// A file that the model was fitted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its path within the training data.
    pub name: String,
    /// 64 hex digits.
    pub sha256: String,
}

/// `manifest.toml` of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What predictions call the model.
    pub name: String,
    /// What it judges.
    pub kind: BundleKind,
    /// [`FORMAT`].
    pub format: u32,
    /// RFC 3339.
    pub created: String,
    /// The whole feature table at that time: 16 hex digits. Told for people; what counts are the columns.
    pub feature_schema: String,
    /// The meter profile that the features came from.
    pub meter_profile: String,
    /// sha256 of `model.onnx`: 64 hex digits.
    pub onnx_sha256: String,
    /// What the margins are divided by within the graph; above 0.
    pub temperature: f64,
    /// [`BundleKind::classes`].
    pub classes: Vec<String>,
    /// By name, each from 0 to 1; at least [`BundleKind::thresholds`].
    pub thresholds: BTreeMap<String, f64>,
    /// How good the model is, by the name of the measure.
    pub metrics: BTreeMap<String, f64>,
    /// In the order of the model's input.
    pub columns: Vec<Column>,
    /// What the model was fitted on.
    pub training: Vec<Source>,
}

impl Manifest {
    /// Reads a manifest and checks all that can be checked without the model.
    ///
    /// # Errors
    /// [`DetectError::Bundle`] when the text is no manifest, or one that this build cannot serve.
    pub fn parse(text: &str) -> Result<Self, DetectError> {
        if text.len() > MANIFEST_BYTES_MAX {
            let reason =
                format!("manifest.toml has {} bytes, at most {MANIFEST_BYTES_MAX} are read", text.len());
            return Err(DetectError::Bundle { kind: "model", reason });
        }
        let manifest: Self = toml::from_str(text).map_err(|error| DetectError::Bundle {
            kind: "model",
            reason: format!("manifest.toml is not a manifest of format {FORMAT}: {error}"),
        })?;
        manifest.check().map_err(|reason| DetectError::Bundle { kind: manifest.kind.name(), reason })?;
        Ok(manifest)
    }

    /// The text of `manifest.toml`.
    ///
    /// # Errors
    /// [`DetectError::Bundle`] when it would not be read again.
    pub fn to_toml(&self) -> Result<String, DetectError> {
        let refused = |reason| DetectError::Bundle { kind: self.kind.name(), reason };
        self.check().map_err(refused)?;
        toml::to_string(self).map_err(|error| refused(error.to_string()))
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!(
                "its format is {}, this build reads {FORMAT}; use a bundle made by the same version",
                self.format
            ));
        }
        if self.name.is_empty() || self.name.len() > 100 {
            return Err("its name is empty or longer than 100 bytes".into());
        }
        check_hex("feature_schema", &self.feature_schema, 16)?;
        check_hex("onnx_sha256", &self.onnx_sha256, 64)?;
        for source in &self.training {
            check_hex("training sha256", &source.sha256, 64)?;
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(format!("temperature is {}, it must be above 0", self.temperature));
        }
        let wanted = self.kind.classes();
        if self.classes != wanted {
            return Err(format!("its classes are {:?}, wanted are {wanted:?} in this order", self.classes));
        }
        self.check_thresholds()?;
        self.check_columns()
    }

    fn check_thresholds(&self) -> Result<(), String> {
        for name in self.kind.thresholds() {
            if !self.thresholds.contains_key(*name) {
                return Err(format!("threshold {name:?} is missing; train the bundle anew"));
            }
        }
        match self.thresholds.iter().find(|(_, value)| !(0.0..=1.0).contains(*value)) {
            Some((name, value)) => Err(format!("threshold {name:?} is {value}, it must be from 0 to 1")),
            None => Ok(()),
        }
    }

    fn check_columns(&self) -> Result<(), String> {
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return Err(format!("it has {} columns, wanted are 1 to {COLUMNS_MAX}", self.columns.len()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.columns.iter().find(|column| !seen.insert(&column.name)) {
            return Err(format!("column {:?} is listed twice", twice.name));
        }
        if self.kind == BundleKind::Packet {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            if names == PACKET_COLUMNS && self.columns.iter().all(|column| column.revision == 1) {
                return Ok(());
            }
            return Err(format!("its columns are {names:?}, wanted are {PACKET_COLUMNS:?}, revision 1"));
        }
        self.columns.iter().try_for_each(check_feature)
    }
}

fn check_feature(column: &Column) -> Result<(), String> {
    let Some(at) = index_of(&column.name) else {
        return Err(format!("no feature is called {:?} in this build; train the bundle anew", column.name));
    };
    let known = FEATURES[at].revision;
    if known != column.revision {
        return Err(format!(
            "{:?} has revision {known} in this build, the bundle was fitted on {}; train it anew",
            column.name, column.revision
        ));
    }
    Ok(())
}

fn check_hex(what: &str, text: &str, digits: usize) -> Result<(), String> {
    let good = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if good { Ok(()) } else { Err(format!("{what} is {text:?}, wanted are {digits} lower-case hex digits")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn good(kind: BundleKind) -> Manifest {
        testing::manifest(kind, b"")
    }

    #[test]
    fn a_manifest_survives_its_text() {
        for kind in [BundleKind::Traffic, BundleKind::Threat, BundleKind::Packet] {
            let manifest = good(kind);
            let text = manifest.to_toml().expect("text");
            assert_eq!(Manifest::parse(&text).expect("manifest"), manifest, "{text}");
        }
    }

    #[test]
    fn a_bad_manifest_is_refused_with_what_to_do() {
        fn check(kind: BundleKind, spoil: impl Fn(&mut Manifest), wanted: &str) {
            let mut manifest = good(kind);
            spoil(&mut manifest);
            let text = toml::to_string(&manifest).expect("text");
            let error = Manifest::parse(&text).expect_err(wanted).to_string();
            assert!(error.contains(wanted), "{error}");
            assert!(manifest.to_toml().is_err());
        }
        use BundleKind::{Packet, Threat, Traffic};
        check(Traffic, |m| m.format = 2, "this build reads 1");
        check(Traffic, |m| m.classes.reverse(), "wanted are [\"Non-Tor\", \"NonVPN\", \"VPN\", \"Tor\"]");
        check(Traffic, |m| m.columns[0].name = "src_port".into(), "no feature is called \"src_port\"");
        check(Traffic, |m| m.columns[0].revision = 9, "was fitted on 9");
        check(Traffic, |m| m.columns[1] = m.columns[0].clone(), "listed twice");
        check(Traffic, |m| m.columns.clear(), "0 columns");
        check(Traffic, |m| m.temperature = f64::NAN, "above 0");
        check(Traffic, |m| m.onnx_sha256 = "AB".into(), "64 lower-case hex digits");
        check(Threat, |m| m.thresholds.clear(), "\"attack\" is missing");
        check(Threat, |m| _ = m.thresholds.insert("attack".into(), 1.5), "from 0 to 1");
        check(Packet, |m| m.columns.swap(0, 1), "[\"len\", \"source_port\", \"dest_port\"]");
    }

    #[test]
    fn unknown_keys_and_other_texts_are_refused() {
        let text = good(BundleKind::Traffic).to_toml().expect("text");
        for bad in
            ["", "a", "kind = 'other'", &format!("author = 'x'\n{text}"), &"#".repeat(MANIFEST_BYTES_MAX + 1)]
        {
            assert!(Manifest::parse(bad).is_err());
        }
    }
}
