//! The judge on the small models of `testdata/onnx`.

use super::*;
use crate::testing::{bundles, has_runtime, record};
use schema::{Application, FeatureVector, ThreatCategory, Traffic};

fn judge(traffic: &str, threat: &str) -> Option<Judge> {
    has_runtime().then(|| Judge::new(&bundles(traffic, threat), JudgeConfig::default()).expect("a judge"))
}

fn one(judge: &mut Judge, record: FlowRecord) -> Prediction {
    let mut out = Vec::new();
    let rejects = judge.judge(&[record], &mut out).expect("judged");
    assert_eq!((rejects.len(), out.len()), (0, 1), "{rejects:?}");
    out.remove(0)
}

const QUIET: [(&str, f32); 2] = [("fwd_packets", 5.0), ("bwd_payload_bytes", 500.0)];

fn flow(duration: f32) -> FlowRecord {
    record(&[QUIET[0], QUIET[1], ("duration", duration)])
}

#[test]
fn models_judge_what_nothing_else_decides() {
    let Some(mut judge) = judge("traffic", "threat") else { return };
    let short = one(&mut judge, flow(1.0));
    assert_eq!((short.traffic_class(), short.uncertain), (TrafficClass::NonVpn, false));
    assert_eq!(
        (short.threat_category(), short.is_abnormal, short.severity),
        (ThreatCategory::None, false, 0)
    );
    assert_eq!((short.threat_score, short.confidence), (0.018, 0.7112));
    assert!(short.traffic_scores.iter().all(|score| (score * 1e4 - (score * 1e4).round()).abs() < 1e-2));
    assert_eq!(short.reasons[0], "model traffic-test: NonVPN with probability 0.7112");
    assert_eq!(short.models.len(), 2);
    assert_eq!(short.models[0].sha256.len(), 32);

    let long = one(&mut judge, flow(100.0));
    assert_eq!((long.traffic_class(), long.is_abnormal), (TrafficClass::Vpn, true));
    assert_eq!((long.threat_category(), long.severity), (ThreatCategory::PolicyAnonymiser, 20));

    let attack = one(&mut judge, record(&[("fwd_packets", 500.0), ("duration", 60.0)]));
    assert_eq!((attack.threat_category(), attack.is_abnormal), (ThreatCategory::BruteForce, true));
    assert_eq!((attack.severity, attack.confidence), (64, 0.982));
    assert!(
        attack.reasons[0].contains("attack probability 0.982, at least 0.5: brute force"),
        "{:?}",
        attack.reasons
    );
    assert!((attack.threat_scores.iter().sum::<f32>() - 1.0).abs() < 1e-3);
}

#[test]
fn marks_come_before_models_and_rules_too() {
    let Some(mut judge) = judge("traffic", "threat") else { return };
    let application = Application {
        protocol: "wireguard".into(),
        confirmed: true,
        evidence: "handshake".into(),
        tls: None,
    };
    let marked = one(&mut judge, FlowRecord { application: Some(application), ..flow(1.0) });
    assert_eq!((marked.traffic_class(), marked.confidence), (TrafficClass::Vpn, 1.0));
    assert_eq!(marked.traffic_scores, [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(marked.reasons[0], "protocol mark: WireGuard on both sides: handshake");
    assert_eq!(marked.threat_category(), ThreatCategory::PolicyAnonymiser);

    let hint = Application { protocol: "openvpn".into(), ..Application::default() };
    let hinted = one(&mut judge, FlowRecord { application: Some(hint), ..flow(1.0) });
    assert_eq!((hinted.traffic_class(), hinted.uncertain), (TrafficClass::NonVpn, true));

    let ports =
        [("initiator_60s_flows", 900.0), ("initiator_60s_ports", 900.0), ("initiator_60s_peers", 1.0)];
    let mut features = ports.to_vec();
    features.extend([("initiator_60s_bytes_mean", 0.0), ("initiator_60s_unanswered_share", 1.0)]);
    features.extend([("initiator_60s_reset_share", 0.0)]);
    let probe = Traffic { packets: 1, ..Traffic::default() };
    let scan = one(&mut judge, FlowRecord { forward: Some(probe), backward: None, ..record(&features) });
    assert_eq!((scan.threat_category(), scan.uncertain), (ThreatCategory::Reconnaissance, true));
    assert_eq!(scan.rules[0].id, crate::scan::PORT_SCAN);
    assert_eq!(
        scan.reasons[0],
        "rule flowcatcher-port-scan: initiator tried 900 distinct ports in 60 s (threshold 100)"
    );
    // An uncertain class is no matter of policy.
    assert_eq!((scan.is_abnormal, scan.severity), (true, 39));
}

#[test]
fn policy_is_the_operators() {
    if !has_runtime() {
        return;
    }
    let config = JudgeConfig { abnormal_classes: vec![TrafficClass::NonVpn], ..JudgeConfig::default() };
    let mut judge = Judge::new(&bundles("traffic", "threat"), config).expect("a judge");
    let long = one(&mut judge, flow(100.0));
    assert_eq!((long.is_abnormal, long.threat_category()), (false, ThreatCategory::None));
    let short = one(&mut judge, flow(1.0));
    assert_eq!(
        (short.is_abnormal, short.threat_category(), short.severity),
        (true, ThreatCategory::None, 20)
    );
    let bad = JudgeConfig { scan_threshold: 0, ..JudgeConfig::default() };
    let error = Judge::new(&bundles("traffic", "threat"), bad).err().expect("refused").to_string();
    assert_eq!(error, "scan_threshold = 0: at least 2 is wanted");
}

#[test]
fn strange_records_are_given_back_and_the_others_judged() {
    let Some(mut judge) = judge("traffic", "threat") else { return };
    let foreign = FlowRecord { feature_schema_id: 1, ..flow(1.0) };
    let mut short = flow(1.0);
    short.features.pop();
    let nameless = FlowRecord { flow_id: vec![], ..flow(1.0) };
    let homeless = FlowRecord { source_ip: vec![1; 5], ..flow(1.0) };
    let mut out = Vec::new();
    let records = [foreign, flow(1.0), short, nameless, homeless, flow(2.0)];
    let rejects = judge.judge(&records, &mut out).expect("judged");
    let places: Vec<usize> = rejects.iter().map(|reject| reject.at).collect();
    assert_eq!((places, out.len()), (vec![0, 2, 3, 4], 2));
    assert!(rejects[0].reason.contains("meter and judge with one version"), "{}", rejects[0].reason);
    assert_eq!(out[1].record.as_ref(), Some(&records[5]));
    judge.judge::<FlowRecord>(&[], &mut out).expect("nothing");
    assert_eq!(out.len(), 2);
}

#[test]
fn a_record_for_which_a_model_has_no_number_is_given_back() {
    let Some(mut judge) = judge("nan", "threat") else { return };
    let mut out = Vec::new();
    let rejects = judge.judge(&[flow(f32::NAN), flow(1.0)], &mut out).expect("judged");
    assert_eq!((rejects.len(), rejects[0].at, out.len()), (1, 0, 1));
    assert!(rejects[0].reason.contains("gave no number"));
}

#[test]
fn batches_do_not_show() {
    let Some(mut judge) = judge("forest", "threat_forest") else { return };
    let records: Vec<FlowRecord> = (0..5000_u32)
        .map(|n| {
            let value = |salt: u32| (n.wrapping_mul(2_654_435_761).rotate_left(salt) % 100_000) as f32 / 97.0;
            let names = ["duration", "fwd_packets", "bwd_payload_bytes"];
            record(&[(names[0], value(3)), (names[1], value(11)), (names[2], value(19))])
        })
        .collect();
    let mut whole = Vec::new();
    judge.judge(&records, &mut whole).expect("judged");
    let classes: Vec<i32> = whole.iter().map(|prediction| prediction.traffic_class).collect();
    assert!((0..4).all(|class| classes.contains(&class)), "a test of all classes");
    let attacks = whole.iter().filter(|prediction| prediction.threat_category().is_attack()).count();
    assert!((100..4900).contains(&attacks), "a test of attacks and others: {attacks}");
    for size in [1, 7, 1000] {
        let mut parts = Vec::new();
        for batch in records.chunks(size) {
            let shared: Vec<Arc<FlowRecord>> = batch.iter().cloned().map(Arc::new).collect();
            judge.judge(&shared, &mut parts).expect("judged");
        }
        assert_eq!(parts, whole, "batches of {size}");
    }
}

#[test]
fn features_that_are_no_numbers_do_no_harm() {
    let Some(mut judge) = judge("forest", "threat_forest") else { return };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, -0.0] {
        let all = FeatureVector::pack(&vec![value; schema::FEATURES.len()]);
        one(&mut judge, FlowRecord { features: all, ..flow(1.0) });
    }
}
