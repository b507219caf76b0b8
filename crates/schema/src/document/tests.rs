//! Documents have the fields that design and ECS name, and the hash covers all of them but those of the run.

use super::*;
use crate::wire::{
    Application, FlowRecord, ModelRef, RuleHit, ThreatCategory, TlsClientHello, Traffic, TrafficClass,
};
use serde_json::Value;

fn prediction() -> Prediction {
    let traffic = |packets| {
        let counts =
            Traffic { packets, wire_bytes: 400, ip_bytes: 300, payload_bytes: 100, ..Traffic::default() };
        Some(Traffic { tcp_flags: 0x1b, ..counts })
    };
    let tls = TlsClientHello { server_name: "<script>.example".into(), ..Default::default() };
    let record = FlowRecord {
        flow_id: vec![1; 16],
        capture_id: vec![2; 16],
        source_ip: vec![10, 0, 0, 1],
        destination_ip: vec![10, 0, 0, 2],
        source_port: 40_000,
        destination_port: 443,
        protocol: 6,
        vlan_ids: vec![5],
        start_ns: 1_000_000_000,
        end_ns: 3_500_000_000,
        forward: traffic(3),
        backward: traffic(4),
        end_reason: FlowEndReason::EndOfFlow.into(),
        state: "SF".into(),
        history: "ShADadFf".into(),
        community_id: "1:x".into(),
        application: Some(Application {
            protocol: "tls".into(),
            confirmed: true,
            tls: Some(tls),
            ..Default::default()
        }),
        sensor: "eth0".into(),
        source_mac: vec![0, 0, 0x5e, 0, 0x53, 0x23],
        features: crate::FeatureVector::pack(&vec![0.5; crate::FEATURES.len()]),
        ..Default::default()
    };
    let mut prediction = Prediction {
        record: Some(record),
        traffic_scores: vec![0.1, 0.7, 0.2, 0.0],
        threat_score: 0.9876,
        threat_scores: vec![0.0; 16],
        reasons: vec!["because".into()],
        models: vec![ModelRef { name: "traffic".into(), sha256: vec![0xab; 32] }],
        rules: vec![RuleHit { id: "r".into(), clauses: vec!["a = 1".into()], ..Default::default() }],
        severity: 40,
        ..Default::default()
    };
    prediction.set_traffic_class(TrafficClass::NonVpn);
    prediction.set_threat_category(ThreatCategory::Reconnaissance);
    prediction.verdict_hash = verdict_hash(&prediction).to_vec();
    prediction
}

#[test]
fn arp_has_protocol_addresses_and_no_more() {
    let mut arp = prediction();
    if let Some(record) = &mut arp.record {
        record.ether_type = 0x0806;
        record.protocol = 0;
        record.community_id = String::new();
    }
    let document: Value = serde_json::from_str(&prediction_json(&arp)).expect("JSON");
    assert_eq!(document["network"]["type"], "arp");
    assert_eq!(document["source"]["ip"], "10.0.0.1");
    for absent in [
        &document["network"]["iana_number"],
        &document["network"]["community_id"],
        &document["source"]["port"],
    ] {
        assert!(absent.is_null(), "{document}");
    }
}

#[test]
fn a_tunnelled_flow_tells_what_carried_it() {
    let mut inner = prediction();
    if let Some(record) = &mut inner.record {
        record.tunnels.push(crate::Tunnel {
            kind: "vxlan".into(),
            source_ip: vec![192, 0, 2, 1],
            destination_ip: vec![192, 0, 2, 2],
            id: Some(42),
        });
    }
    let document: Value = serde_json::from_str(&prediction_json(&inner)).expect("JSON");
    let expected = serde_json::json!([
        { "kind": "vxlan", "source": "192.0.2.1", "destination": "192.0.2.2", "id": 42 }
    ]);
    assert_eq!(document["flowcatcher"]["flow"]["tunnels"], expected);
}

fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(document, |value, key| &value[key])
}

#[test]
fn a_prediction_has_the_designed_fields() {
    let document: Value = serde_json::from_str(&prediction_json(&prediction())).expect("JSON");
    for (path, value) in [
        ("event.kind", "event"),
        ("event.dataset", "flowcatcher.prediction"),
        ("event.id", "01010101010101010101010101010101"),
        ("event.start", "1970-01-01T00:00:01.000000000Z"),
        ("network.iana_number", "6"),
        ("network.transport", "tcp"),
        ("network.type", "ipv4"),
        ("network.protocol", "tls"),
        ("source.ip", "10.0.0.1"),
        ("source.mac", "00-00-5E-00-53-23"),
        ("tls.client.server_name", "<script>.example"),
        ("flowcatcher.traffic.class", "NonVPN"),
        ("flowcatcher.threat.category", "reconnaissance"),
        ("flowcatcher.flow.end_reason", "end_of_flow"),
        ("observer.name", "eth0"),
    ] {
        assert_eq!(at(&document, path), value, "{path}");
    }
    assert_eq!(at(&document, "event.duration"), 2_500_000_000_i64);
    assert_eq!(at(&document, "network.packets"), 7);
    assert_eq!(at(&document, "destination.port"), 443);
    assert_eq!(at(&document, "flowcatcher.threat.score").to_string(), "0.9876");
    assert_eq!(at(&document, "flowcatcher.context.initiator_60s.flows"), 0.5);
}

#[test]
fn the_hash_is_of_the_verdict_and_not_of_the_run() {
    let one = prediction();
    let mut other = one.clone();
    if let Some(record) = &mut other.record {
        record.sensor = "eth1".into();
    }
    assert_eq!(verdict_hash(&other), verdict_hash(&one));
    assert_eq!(one.verdict_hash, verdict_hash(&one));
    other.severity = 41;
    assert_ne!(verdict_hash(&other), verdict_hash(&one));
}

#[test]
fn an_empty_prediction_and_strange_lengths_are_still_documents() {
    let mut strange = Prediction::default();
    let _: Value = serde_json::from_str(&prediction_json(&strange)).expect("JSON");
    strange.record = Some(FlowRecord { flow_id: vec![1], source_ip: vec![1, 2], ..Default::default() });
    strange.threat_score = f32::NAN;
    let document: Value = serde_json::from_str(&prediction_json(&strange)).expect("JSON");
    assert!(at(&document, "event.id").is_null());
    assert!(at(&document, "flowcatcher.threat.score").is_null());
}

#[test]
fn a_threat_names_its_subject_and_what_to_do() {
    let mut threat = Threat {
        threat_id: vec![3; 16],
        subject_ip: vec![10, 0, 0, 9],
        flows: 1000,
        related_ips: vec![vec![10, 0, 0, 2], vec![10, 0, 0, 9]],
        related_ips_total: 2,
        severity: 40,
        ..Default::default()
    };
    threat.set_category(ThreatCategory::Reconnaissance);
    let document: Value = serde_json::from_str(&threat_json(&threat)).expect("JSON");
    assert_eq!(at(&document, "event.kind"), "alert");
    assert_eq!(at(&document, "message"), "reconnaissance by 10.0.0.9: 1000 flows with 1 other host");
    assert_eq!(at(&document, "source.ip"), "10.0.0.9");
    assert_eq!(at(&document, "threat.technique.id")[0], "T1046");
    assert_eq!(at(&document, "related.ip")[1], "10.0.0.9");
    assert!(!at(&document, "flowcatcher.threat.actions").as_array().expect("array").is_empty());
    threat.set_category(ThreatCategory::Ddos);
    threat.subject_is_victim = true;
    let document: Value = serde_json::from_str(&threat_json(&threat)).expect("JSON");
    assert_eq!(at(&document, "destination.ip"), "10.0.0.9");
}
