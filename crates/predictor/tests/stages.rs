//! Both stages on a memory bus, with the small models of `testdata/onnx`.

use bus::memory::{Topic, TopicLimits};
use bus::{
    BusError, Consumer, DeadLetterList, HopCounters, Message, Outlet, Ports, Producer, Stage, StageLimits,
    Stop, run_stage,
};
use detect::manifest::{FORMAT, PACKET_COLUMNS};
use detect::{Bundle, BundleKind, Bundles, Column, CorrelateConfig, JudgeConfig, Manifest};
use predictor::{CorrelateStage, JudgeStage, overridden, start_runtime};
use schema::features::index_of;
use schema::{
    FEATURES, FeatureSchemaId, FeatureVector, FlowRecord, Id, Prediction, Threat, ThreatCategory, Traffic,
};
use service::{ServiceError, Settings};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const COLUMNS: [&str; 3] = ["duration", "fwd_packets", "bwd_payload_bytes"];

fn parts(kind: BundleKind, name: &str) -> (String, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    let onnx = std::fs::read(folder.join(format!("{name}.onnx"))).expect("a model of testdata/onnx");
    let names = if kind == BundleKind::Packet { PACKET_COLUMNS } else { COLUMNS };
    let manifest = Manifest {
        name: format!("{name}-test"),
        kind,
        format: FORMAT,
        created: "2026-01-01T00:00:00Z".into(),
        feature_schema: format!("{:016x}", FeatureSchemaId::current().0),
        meter_profile: "correct".into(),
        onnx_sha256: hex::encode(Sha256::digest(&onnx)),
        temperature: 1.0,
        classes: kind.classes().into_iter().map(str::to_owned).collect(),
        thresholds: kind.thresholds().iter().map(|name| ((*name).to_owned(), 0.5)).collect(),
        metrics: [("macro_f1".to_owned(), 0.5)].into(),
        columns: names.map(|name| Column { name: name.into(), revision: 1 }).to_vec(),
        training: vec![],
    };
    (manifest.to_toml().expect("text"), onnx)
}

fn bundles() -> Bundles {
    let bundle = |kind, name| {
        let (manifest, onnx) = parts(kind, name);
        Bundle::from_parts(&manifest, onnx).expect("a good bundle")
    };
    Bundles::new(
        bundle(BundleKind::Traffic, "traffic"),
        bundle(BundleKind::Threat, "threat"),
        bundle(BundleKind::Packet, "packet"),
    )
    .expect("each in its place")
}

/// A judge on so many threads; `None`, said aloud, where ONNX Runtime is not installed.
fn judge(threads: usize) -> Option<JudgeStage> {
    match start_runtime(&Settings::default()) {
        Ok(()) => Some(JudgeStage::new(&bundles(), &JudgeConfig::default(), threads).expect("loaded")),
        Err(predictor::PredictorError::Files(ServiceError::Missing(_))) => {
            // Not by `eprintln!`, which the test runner would hide.
            std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("skipped: ONNX Runtime is not installed\n"),
            )
            .expect("standard error");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A flow of one of 50 hosts, of which ten scan ports.
fn record(number: u32) -> FlowRecord {
    let host = number % 50;
    let mut row: Vec<f32> = vec![f32::NAN; FEATURES.len()];
    let mut set = |name: &str, value: f32| row[index_of(name).expect("a feature")] = value;
    set("duration", number as f32 / 7.0);
    set("fwd_packets", 3.0);
    set("bwd_payload_bytes", 90.0);
    let mut side = Traffic {
        packets: 5,
        wire_bytes: 900,
        ip_bytes: 800,
        payload_bytes: 500,
        tcp_flags: 0x1b,
        ..Traffic::default()
    };
    if host >= 40 {
        for (name, value) in [("flows", 200.0), ("ports", 200.0), ("peers", 1.0), ("bytes_mean", 0.0)] {
            set(&format!("initiator_60s_{name}"), value);
        }
        side = Traffic { packets: 1, payload_bytes: 0, tcp_flags: 2, ..side.clone() };
    }
    FlowRecord {
        flow_id: Id::hash(&[&number.to_le_bytes()]).0.to_vec(),
        capture_id: vec![1; 16],
        source_ip: vec![10, 0, 0, host as u8],
        destination_ip: vec![10, 0, 1, 2],
        source_port: 40_000,
        destination_port: 443,
        protocol: 6,
        start_ns: i64::from(number) * 1_000_000,
        end_ns: i64::from(number) * 1_000_000 + 5,
        forward: Some(side.clone()),
        backward: Some(side),
        feature_schema_id: FeatureSchemaId::current().0,
        features: FeatureVector::pack(&row),
        ..FlowRecord::default()
    }
}

fn judged(stage: &mut JudgeStage, records: &[Arc<FlowRecord>], batch_len: usize) -> Vec<Vec<u8>> {
    let mut predictions = Vec::new();
    for batch in records.chunks(batch_len) {
        let mut out = Outlet::default();
        stage.process(batch, &mut out).expect("judged");
        for prediction in out.messages() {
            let mut bytes = Vec::new();
            prediction.encode_to(&mut bytes);
            predictions.push(bytes);
        }
    }
    predictions
}

#[test]
fn threads_and_batches_change_nothing() {
    let Some(mut one) = judge(1) else { return };
    let records: Vec<Arc<FlowRecord>> = (0..1_000).map(record).map(Arc::new).collect();
    let expected = judged(&mut one, &records, 1_000);
    assert_eq!(expected.len(), records.len());
    for (threads, batch_len) in [(2, 1_000), (3, 333), (8, 1_000), (2, 1)] {
        let mut stage = judge(threads).expect("a second time as the first");
        assert!(
            judged(&mut stage, &records, batch_len) == expected,
            "{threads} threads, batches of {batch_len}"
        );
        let seen: u64 = stage.counters().traffic.iter().map(|class| class.load(Ordering::Relaxed)).sum();
        assert_eq!(seen, 1_000);
    }
}

#[test]
fn foreign_records_are_rejected_at_their_place() {
    let Some(mut stage) = judge(3) else { return };
    let mut records: Vec<FlowRecord> = (0..300).map(record).collect();
    records[5].feature_schema_id += 1;
    records[250].features.pop();
    let records: Vec<Arc<FlowRecord>> = records.into_iter().map(Arc::new).collect();
    let mut out = Outlet::default();
    stage.process(&records, &mut out).expect("judged");
    assert_eq!(out.messages().len(), 298);
    let rejects: Vec<_> = out.rejects().iter().map(|(index, reason)| (*index, reason.as_str())).collect();
    assert_eq!(rejects.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [5, 250]);
    assert!(rejects[0].1.contains("meter and judge with one version"), "{rejects:?}");
}

fn run<S: Stage>(
    mut stage: S,
    mut input: impl Consumer<S::In>,
    mut output: impl Producer<S::Out>,
) -> Result<(), BusError> {
    let (mut dead_letters, counters, stop) = (DeadLetterList::new(10), HopCounters::default(), Stop::new());
    let ports = Ports { input: &mut input, output: &mut output, dead_letters: &mut dead_letters };
    run_stage(&mut stage, ports, &StageLimits::default(), &counters, &stop)?;
    assert_eq!(dead_letters.buried(), 0);
    Ok(())
}

fn read<M: Message>(mut consumer: impl Consumer<M>) -> Vec<Arc<M>> {
    let mut all = Vec::new();
    while let Ok(batch) = consumer.poll(4096, Duration::from_secs(30)) {
        all.extend(batch.messages);
        consumer.commit(&batch.position).expect("committed");
    }
    all
}

#[test]
fn the_two_stages_work_behind_each_other_on_a_bus() {
    let Some(stage) = judge(2) else { return };
    let limits = TopicLimits { messages_max: 500, wire_check: true, ..TopicLimits::default() };
    let (flows, predictions, threats) =
        (Topic::<FlowRecord>::new(limits), Topic::<Prediction>::new(limits), Topic::<Threat>::new(limits));
    let (from_flows, from_predictions) = (flows.consumer("judge"), predictions.consumer("correlate"));
    let (seen, found) = (predictions.consumer("sink"), threats.consumer("sink"));
    let (to_flows, to_predictions, to_threats) =
        (flows.producer(), predictions.producer(), threats.producer());
    std::thread::scope(|scope| {
        let judging = scope.spawn(|| run(stage, from_flows, to_predictions));
        let correlating = scope
            .spawn(|| run(CorrelateStage::new(CorrelateConfig::default()), from_predictions, to_threats));
        scope.spawn(move || {
            let (mut to_flows, mut records) = (to_flows, (0..2_000).map(record).collect());
            to_flows.send_all(&mut records, Duration::from_mins(1)).expect("sent");
        });
        let found = scope.spawn(|| read(found));
        let seen = read(seen);
        let found = found.join().expect("threats");
        judging.join().expect("joined").expect("judged");
        correlating.join().expect("joined").expect("correlated");
        assert_eq!(seen.len(), 2_000);
        let subjects = |predictions: &[Arc<Prediction>]| -> HashSet<(i32, Vec<u8>)> {
            let evidence = predictions.iter().filter(|p| p.threat_category() != ThreatCategory::None);
            evidence.map(|p| (p.threat_category, p.key().to_vec())).collect()
        };
        let threats: HashSet<_> = found.iter().map(|t| (t.category, t.subject_ip.clone())).collect();
        assert_eq!(threats, subjects(&seen));
        let scans = (40..50).map(|host| (ThreatCategory::Reconnaissance.into(), vec![10, 0, 0, host]));
        assert!(scans.collect::<HashSet<_>>().is_subset(&threats), "{threats:?}");
    });
}

#[test]
fn bundles_in_a_folder_take_their_places() {
    let folder = tempfile::tempdir().expect("folder");
    let put = |folder_name: &str, kind, name| {
        let (manifest, onnx) = parts(kind, name);
        let place = folder.path().join(folder_name);
        std::fs::create_dir_all(&place).expect("made");
        std::fs::write(place.join("manifest.toml"), manifest).expect("written");
        std::fs::write(place.join("model.onnx"), onnx).expect("written");
    };
    put("traffic", BundleKind::Traffic, "forest");
    let with = overridden(bundles(), folder.path()).expect("good");
    assert_eq!(with.traffic.manifest().name, "forest-test");
    assert_eq!(with.threat.manifest().name, "threat-test");

    put("threat", BundleKind::Packet, "packet");
    let error = overridden(bundles(), folder.path()).expect_err("misplaced").to_string();
    assert!(error.contains("threat: threat bundle refused: it is a packet bundle"), "{error}");
}
