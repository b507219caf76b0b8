//! `/api/predict` and its history.

use crate::door::Door;
use serde_json::{Value, json};

#[test]
fn a_packet_is_judged() {
    let door = Door::open();
    let answer = door.post("/api/predict").json(r#"{"len":60,"source_port":80,"dest_port":443}"#).send();
    let model = json!({"name": "thumb", "sha256": "07".repeat(32)});
    let prediction = answer.ok();
    assert_eq!(
        (&prediction["status"], &prediction["class"], &prediction["model"]),
        (&json!("success"), &json!("attack"), &model)
    );
    assert!(answer.text().contains("\"prediction\":0.85,"), "{}", answer.text());
}

#[test]
fn a_flow_is_judged_by_named_features() {
    let door = Door::open();
    let row: serde_json::Map<String, Value> = schema::FEATURES
        .iter()
        .filter(|feature| feature.cic.is_some())
        .map(|feature| (feature.cic.unwrap().0.to_owned(), json!(1)))
        .collect();
    let mut row = Value::from(row);
    row["Label"] = json!("BENIGN");
    let response = door.post("/api/predict").json(&row.to_string()).send();
    let answer = response.ok();
    assert_eq!((&answer["class"], &answer["category"]), (&json!("NonVPN"), &json!("none")));
    assert_eq!(answer["columns_ignored"], json!(["Label"]));
    assert!(answer["features_absent"].as_u64().unwrap() > 0);
    assert!(response.text().contains("\"NonVPN\":0.8"), "{}", response.text());
}

#[test]
fn what_cannot_be_judged_is_named() {
    let door = Door::open();
    let check = |body: &str, status: u16, kind: &str, detail: &str| {
        let problem = door.post("/api/predict").json(body).send().problem(status, kind);
        let found = problem["detail"].as_str().unwrap();
        assert!(found.contains(detail), "{body}: {found}");
        problem
    };
    check("{}", 422, "missing-columns", "Missing required columns: len, source_port, dest_port");
    let problem =
        check(r#"{"len":60}"#, 422, "missing-columns", "Missing required columns: source_port, dest_port");
    assert_eq!(problem["missing"], json!(["source_port", "dest_port"]));
    check(r#"{"duration":1}"#, 422, "missing-columns", "Missing required columns: fwd_packets, bwd_packets");
    check(r#"{"Flow Duration":1}"#, 422, "missing-columns", "columns: Total Fwd Packet, Total Bwd packets");
    let problem = check(
        r#"{"len":"60","source_port":65536,"dest_port":-1}"#,
        422,
        "invalid-value",
        "len must be a whole number of bytes from 0 to 262144; source_port must be a whole number from 0 to 65535",
    );
    assert_eq!(problem["columns"], json!(["len", "source_port", "dest_port"]));
    let problem = check("{\"len\": 60,\n \"source_port\": }", 400, "malformed", "line 2 column 17");
    assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(17)));
    check("[1, 2]", 400, "malformed", "not the JSON object that is wanted");
    check("", 400, "malformed", "line 1 column 0");
    check(
        &format!("{{\"a\": \"{}\"}}", "x".repeat(300_000)),
        413,
        "too-large",
        "262144 bytes (json_bytes_max)",
    );
    check(r#"{"len":0,"source_port":1,"dest_port":2}"#, 503, "unavailable", "run ./bootstrap");
    let form = door.post("/api/predict").body("application/x-www-form-urlencoded", b"len=60").send();
    form.problem(415, "unsupported-type");
    assert_eq!(door.get("/api/history").send().ok(), json!([]));
}

#[test]
fn every_verdict_is_in_the_history_page_by_page() {
    let door = Door::open();
    for len in 1..=5 {
        door.post("/api/v1/predict")
            .json(&json!({"len": len, "source_port": 1, "dest_port": 2}).to_string())
            .send()
            .ok();
    }
    let page = |path: &str| {
        let answer = door.get(path).send();
        let lens: Vec<u64> = answer
            .ok()
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["input"]["len"].as_u64().unwrap())
            .collect();
        let next =
            answer.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        (lens, next.map(str::to_owned))
    };
    let (lens, next) = page("/api/history?limit=2");
    assert_eq!(lens, [5, 4]);
    let (lens, next) = page(&next.expect("a next page"));
    assert_eq!(lens, [3, 2]);
    assert_eq!(page(&next.expect("a next page")), (vec![1], None));
    let entry = door.get("/api/history?limit=1").send().ok()[0].take();
    assert!(entry["id"].is_i64() && entry["timestamp"].as_str().unwrap().ends_with('Z'), "{entry}");
    assert_eq!(entry["result"]["prediction"], json!(0.85));
    let mut fields: Vec<&String> = entry.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["id", "input", "result", "timestamp"]);
    for (query, part) in
        [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("page=2", "page")]
    {
        let problem = door.get(&format!("/api/history?{query}")).send().problem(400, "malformed");
        assert!(problem["detail"].as_str().unwrap().contains(part) || query == "limit=x", "{problem}");
    }
}

#[test]
fn a_verdict_that_cannot_be_kept_is_not_given() {
    let door = Door::open();
    door.shelf.fail(true);
    let answer = door.post("/api/predict").json(r#"{"len":60,"source_port":80,"dest_port":443}"#).send();
    answer.problem(503, "unavailable");
}
