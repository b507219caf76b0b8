//! Predictions, threats, statistics and health.

use crate::captures::pcap;
use crate::door::Door;
use schema::{Id, Threat, ThreatCategory};
use serde_json::{Value, json};

fn threat() -> Threat {
    Threat {
        threat_id: Id::hash(&[b"threat"]).0.to_vec(),
        capture_id: vec![1; 16],
        category: ThreatCategory::BruteForce.into(),
        subject_ip: vec![10, 0, 0, 1],
        flows: 12,
        severity: 65,
        sensor: "<script>alert(1)</script>".into(),
        ..Threat::default()
    }
}

#[test]
fn predictions_are_the_documents_of_the_schema_page_by_page() {
    let door = Door::open();
    door.upload("a.pcap", &pcap(5, 1));
    let page = |path: &str| {
        let answer = door.get(path).send();
        let next =
            answer.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        (answer.ok(), next.map(str::to_owned))
    };
    let (first, next) = page("/api/predictions?limit=3");
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let (second, end) = page(&next.expect("a next page"));
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"], end), (2, &Value::Null, None));
    let document = &first["items"][0];
    let id = document["event"]["id"].as_str().unwrap();
    assert_eq!(&door.get(&format!("/api/v1/predictions/{id}")).send().ok(), document);
    assert_eq!(document["flowcatcher"]["traffic"]["class"], "NonVPN");
    let (attacks, next) = page("/api/predictions?attacks=true&limit=1&from=2020-01-01&class=NonVPN");
    assert_eq!(attacks["items"][0]["flowcatcher"]["threat"]["category"], "brute_force");
    let next = next.expect("a next page");
    for part in ["attacks=true", "limit=1", "from=2020-01-01", "class=NonVPN", "cursor="] {
        assert!(next.contains(part), "{next}");
    }
}

#[test]
fn threats_are_the_documents_of_the_schema() {
    let mut door = Door::open();
    door.shelf.write_threat(threat());
    let page = door.get("/api/threats?limit=5").send();
    let document: Value = serde_json::from_str(&schema::document::threat_json(&threat())).unwrap();
    assert_eq!(page.ok(), json!({"items": [document], "next": null}));
    let id = Id::hash(&[b"threat"]);
    assert_eq!(door.get(&format!("/api/threats/{id}")).send().ok(), document);
    door.get(&format!("/api/threats/{}", "0".repeat(32))).send().problem(404, "not-found");
    door.get(&format!("/api/predictions/{id}")).send().problem(404, "not-found");
}

#[test]
fn a_filter_that_means_nothing_is_named() {
    let door = Door::open();
    for (query, part) in [
        ("capture=xyz", "capture must be 32 hex digits"),
        ("address=localhost", "address must be an IP address"),
        ("class=tor", "class must be one of Tor, VPN"),
        ("category=bad", "category must be none or one of reconnaissance"),
        ("from=yesterday", "from must be a time like"),
        ("port=70000", "port"),
        ("attacks=maybe", "attacks"),
        ("limit=0", "limit must be from 1 to 1000"),
        ("colour=red", "colour"),
    ] {
        let problem = door.get(&format!("/api/predictions?{query}")).send().problem(400, "malformed");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part) || part == query.split('=').next().unwrap(), "{query}: {detail}");
    }
    door.get("/api/predictions/12").send().problem(400, "malformed");
    door.get("/api/stats?capture=1").send().problem(400, "malformed");
}

#[test]
fn a_store_that_does_not_answer_is_said_so() {
    let door = Door::open();
    door.shelf.fail(true);
    for path in ["predictions", "threats", "stats", "history", "jobs", "captures"] {
        let problem = door.get(&format!("/api/{path}")).send().problem(503, "unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("locked"), "{problem}");
    }
    let ready = door.get("/readyz?verbose").send();
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("not ready")));
    assert_eq!(
        ready.json()["parts"][0],
        json!({"name": "store", "ready": false, "reason": "The database is locked."})
    );
    assert_eq!(door.get("/livez").send().status, 200);
    door.shelf.fail(false);
    assert_eq!(door.get("/readyz").send().ok(), json!({"status": "ready"}));
}

#[test]
fn an_empty_store_is_no_error() {
    let door = Door::open();
    insta::assert_json_snapshot!("empty_stats", door.get("/api/stats").send().ok());
    assert_eq!(door.get("/api/predictions").send().ok(), json!({"items": [], "next": null}));
    assert_eq!(door.get("/api/captures").send().ok(), json!({"items": []}));
}

#[test]
fn a_job_and_an_error_have_these_shapes() {
    let door = Door::open();
    let answer = door.upload("a.pcap", &pcap(2, 1));
    let hidden = |mut value: Value, paths: &[&str]| {
        for path in paths {
            *value.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = json!("…");
        }
        value
    };
    insta::assert_json_snapshot!("upload", hidden(answer, &["/job_id", "/job/id", "/job/changed"]));
    let answer = door.post("/api/predict").json(r#"{"len":60}"#).send();
    insta::assert_json_snapshot!("problem", answer.json());
}
