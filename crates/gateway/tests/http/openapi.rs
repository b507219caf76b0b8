//! The API's description is whole.

use crate::door::Door;
use serde_json::Value;

const ROUTES: [(&str, &str); 15] = [
    ("post", "/api/upload_pcap"),
    ("get", "/api/jobs"),
    ("get", "/api/jobs/{id}"),
    ("post", "/api/predict"),
    ("get", "/api/history"),
    ("get", "/api/predictions"),
    ("get", "/api/predictions/{id}"),
    ("get", "/api/threats"),
    ("get", "/api/threats/{id}"),
    ("get", "/api/stats"),
    ("get", "/api/captures"),
    ("get", "/api/openapi.json"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let door = Door::open();
    let openapi = door.get("/api/openapi.json").send().ok();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"), "{}", openapi["openapi"]);
    let described: usize =
        openapi["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(described, ROUTES.len());
    for (method, path) in ROUTES {
        let operation = &openapi["paths"][path][method];
        let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {path}"));
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        assert!(responses.contains_key("403"), "{method} {path}");
        let real = path.replace("{id}", &"0".repeat(32));
        for real in [real.clone(), real.replace("/api/", "/api/v1/")] {
            let answer = door.get(&real).send();
            assert!(answer.status != 404 || path.contains("{id}"), "{real} is no route");
            assert_eq!(answer.status == 405, method == "post", "{real}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let openapi = Door::open().get("/api/openapi.json").send().ok();
    let mut references = Vec::new();
    collect(&openapi, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(openapi.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            references.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn the_description_is_as_it_was() {
    let mut openapi = Door::open().get("/api/openapi.json").send().ok();
    openapi["info"]["version"] = "…".into();
    insta::assert_json_snapshot!("openapi", openapi);
}
