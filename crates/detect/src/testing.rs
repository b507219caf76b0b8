//! What tests of this crate share: the models of `testdata/onnx`, manifests for them, records, and the runtime.

use crate::bundle::{Bundle, Bundles};
use crate::error::DetectError;
use crate::manifest::{BundleKind, Column, FORMAT, Manifest, PACKET_COLUMNS};
use crate::onnx;
use schema::features::index_of;
use schema::{FEATURES, FeatureSchemaId, FeatureVector, FlowRecord, Id, Traffic};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What the flow models of `testdata/onnx` read.
pub(crate) const COLUMNS: [&str; 3] = ["duration", "fwd_packets", "bwd_payload_bytes"];

pub(crate) fn model(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    std::fs::read(folder.join(format!("{name}.onnx"))).expect("a model of testdata/onnx")
}

pub(crate) fn manifest(kind: BundleKind, onnx: &[u8]) -> Manifest {
    let names = if kind == BundleKind::Packet { PACKET_COLUMNS } else { COLUMNS };
    Manifest {
        name: format!("{}-test", kind.name()),
        kind,
        format: FORMAT,
        created: "2026-01-01T00:00:00Z".into(),
        feature_schema: format!("{:016x}", FeatureSchemaId::current().0),
        meter_profile: "correct".into(),
        onnx_sha256: hex::encode(Sha256::digest(onnx)),
        temperature: 1.0,
        classes: kind.classes().into_iter().map(str::to_owned).collect(),
        thresholds: kind.thresholds().iter().map(|name| ((*name).to_owned(), 0.5)).collect(),
        metrics: [("macro_f1".to_owned(), 0.5)].into(),
        columns: names.map(|name| Column { name: name.into(), revision: 1 }).to_vec(),
        training: vec![],
    }
}

pub(crate) fn bundle(kind: BundleKind, name: &str) -> Result<Bundle, DetectError> {
    let onnx = model(name);
    Bundle::from_parts(&manifest(kind, &onnx).to_toml()?, onnx)
}

pub(crate) fn bundles(traffic: &str, threat: &str) -> Bundles {
    let good = |kind, name| bundle(kind, name).expect("a good bundle");
    Bundles::new(
        good(BundleKind::Traffic, traffic),
        good(BundleKind::Threat, threat),
        good(BundleKind::Packet, "packet"),
    )
    .expect("each in its place")
}

/// Whether ONNX Runtime runs; otherwise says so, and the test ends.
pub(crate) fn has_runtime() -> bool {
    let installed = "flowcatcher/lib/libonnxruntime.so.1.24.1";
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let path = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let path = path.or_else(|| data.map(|data| data.join(installed))).unwrap_or_default();
    if !path.exists() {
        // Not by `eprintln!`, which the test runner would hide.
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: no ONNX Runtime at {}\n", path.display()),
        )
        .expect("standard error");
        return false;
    }
    onnx::start(&path).expect("ONNX Runtime starts");
    true
}

/// An answered TCP flow with payload both ways, of these features; all others are absent.
pub(crate) fn record(features: &[(&str, f32)]) -> FlowRecord {
    let mut row = vec![f32::NAN; FEATURES.len()];
    for (name, value) in features {
        row[index_of(name).expect("a feature")] = *value;
    }
    let side = Traffic {
        packets: 5,
        wire_bytes: 900,
        ip_bytes: 800,
        payload_bytes: 500,
        tcp_flags: 0x1b,
        ..Traffic::default()
    };
    let features = FeatureVector::pack(&row);
    FlowRecord {
        flow_id: Id::hash(&[&features]).0.to_vec(),
        capture_id: vec![1; 16],
        source_ip: vec![10, 0, 0, 1],
        destination_ip: vec![10, 0, 0, 2],
        source_port: 40_000,
        destination_port: 443,
        protocol: 6,
        forward: Some(side.clone()),
        backward: Some(side),
        feature_schema_id: FeatureSchemaId::current().0,
        features,
        ..FlowRecord::default()
    }
}
