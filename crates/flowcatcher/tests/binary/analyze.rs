//! What `analyze` finds in the sample, and in what shape it tells.

use crate::program::{Place, can_judge, sample, text};
use serde_json::Value;
use std::collections::BTreeMap;

fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(document, |value, key| &value[key])
}

#[test]
fn every_flow_has_one_document_and_the_attacks_are_threats() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let documents = place.run(&["analyze", "--format", "ndjson", text(&sample())]).expect(0).documents();
    let flows = place.run(&["flows", "--format", "ndjson", text(&sample())]).expect(0).documents();
    let (threats, predictions): (Vec<_>, Vec<_>) =
        documents.iter().partition(|document| at(document, "event.kind") == "alert");
    let ids = |documents: &[&Value], path: &str| {
        let mut ids: Vec<String> =
            documents.iter().map(|d| at(d, path).as_str().expect("id").to_owned()).collect();
        ids.sort_unstable();
        ids
    };
    let flows: Vec<&Value> = flows.iter().collect();
    assert_eq!(ids(&predictions, "event.id"), ids(&flows, "flow_id"));
    let named: Vec<&str> =
        threats.iter().filter_map(|threat| at(threat, "flowcatcher.threat.category").as_str()).collect();
    for category in ["reconnaissance", "brute_force"] {
        assert!(named.contains(&category), "{category} is missing in {named:?}");
    }
    for prediction in &predictions {
        assert!(at(prediction, "flowcatcher.verdict_hash").as_str().is_some_and(|hash| hash.len() == 32));
        assert!(at(prediction, "flowcatcher.reasons").as_array().is_some_and(|reasons| !reasons.is_empty()));
        let score = at(prediction, "flowcatcher.threat.score").as_f64().expect("score");
        assert!((0.0..=1.0).contains(&score));
    }
}

/// Class by application protocol: what the protocol itself tells is never left to a model.
#[test]
fn marks_decide_the_class() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let documents = place.run(&["analyze", "--format", "ndjson", text(&sample())]).expect(0).documents();
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for document in &documents {
        if let (Some(protocol), Some(class)) =
            (at(document, "network.protocol").as_str(), at(document, "flowcatcher.traffic.class").as_str())
        {
            classes.entry(protocol).or_default().push(class);
        }
    }
    for protocol in ["wireguard", "openvpn"] {
        assert!(classes[protocol].iter().all(|class| *class == "VPN"), "{protocol}: {:?}", classes[protocol]);
    }
    assert!(classes["tls"].contains(&"Tor"), "{:?}", classes["tls"]);
}

#[test]
fn the_text_report_says_what_people_look_for() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let done = place.run(&["analyze", text(&sample())]).expect(0);
    for words in [
        "4157 packets",
        "Protocols",
        "Top sources",
        "packets/s",
        "Traffic classes",
        "Scans",
        "distinct ports",
        "reconnaissance by 10.77.",
        "ATT&CK: T1046",
        "do: ",
    ] {
        assert!(done.out.contains(words), "{words:?} is missing in\n{}", done.out);
    }
    assert_eq!(done.err, "");
    let json: Value =
        serde_json::from_str(&place.run(&["analyze", "--format", "json", text(&sample())]).expect(0).out)
            .expect("JSON");
    assert_eq!(json["files"][0]["packets"], 4157);
    assert!(json["statistics"]["top_sources"].as_array().is_some_and(|sources| sources.len() == 10));
    assert!(json["threats"].as_array().is_some_and(|threats| threats.len() >= 2));
}

#[test]
fn the_threshold_decides_what_a_scan_is() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let scans = |threshold: &str| {
        let capture = sample();
        let args = ["analyze", "--format", "ndjson", "--scan-threshold", threshold, text(&capture)];
        let documents = place.run(&args).expect(0).documents();
        let scan = |d: &&Value| d.to_string().contains("flowcatcher-port-scan");
        documents.iter().filter(scan).count()
    };
    assert!(scans("100") > 900);
    assert_eq!(scans("60000"), 0);
}

#[test]
fn a_store_without_room_is_one_clear_error() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let mut command = place.command(&["analyze", "--store", text(&sample())]);
    // More than any disk has.
    let output =
        command.env("FLOWCATCHER__STORE__DISK_FREE_MIN_BYTES", "4000000 TiB").output().expect("runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("disk_free_min_bytes"), "{error}");
}
