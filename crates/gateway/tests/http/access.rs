//! Who may ask, and what every answer carries.

use crate::client::Request;
use crate::door::{Door, Setup};
use crate::shelf::Shelf;

#[test]
fn every_answer_carries_the_security_headers() {
    let door = Door::open();
    for (path, status) in
        [("/", 200), ("/api/stats", 200), ("/no/such", 404), ("/api/jobs/x", 400), ("/metrics", 200)]
    {
        let answer = door.get(path).send();
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'self'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), if path == "/" { "no-cache" } else { "no-store" });
    }
}

#[test]
fn unknown_routes_and_wrong_methods_are_problems_too() {
    let door = Door::open();
    let problem = door.get("/api/no/such?x=1").send().problem(404, "not-found");
    assert_eq!(problem["instance"], "/api/no/such");
    assert!(problem["detail"].as_str().unwrap().contains("/api/openapi.json"));
    let wrong = door.post("/api/stats").json("{}").send();
    wrong.problem(405, "wrong-method");
    assert_eq!(wrong.header("allow"), "GET, HEAD");
    let head = Request::new(door.address, "HEAD", "/livez").send();
    assert_eq!((head.status, head.body.len()), (200, 0));
    door.get("/api/predict").send().problem(405, "wrong-method");
    door.get("/assets/../Cargo.toml").send().problem(404, "not-found");
}

#[test]
fn on_loopback_another_host_or_origin_is_kept_out() {
    let door = Door::open();
    let packet = r#"{"len":60,"source_port":80,"dest_port":443}"#;
    door.get("/").host("evil.example").send().problem(403, "forbidden-host");
    door.get("/livez").host("evil.example:5000").send().problem(403, "forbidden-host");
    door.get("/")
        .header("X-Forwarded-Host", "localhost")
        .host("evil.example")
        .send()
        .problem(403, "forbidden-host");
    assert_eq!(door.get("/").host("localhost:1").send().status, 200);
    let post = || door.post("/api/predict");
    post().header("Origin", "http://evil.example").json(packet).send().problem(403, "forbidden-origin");
    post().header("Origin", "null").json(packet).send().problem(403, "forbidden-origin");
    let own = format!("http://{}", door.address);
    post().header("Origin", &own).json(packet).send().ok();
    post().json(packet).send().ok();
}

#[test]
fn with_a_token_data_needs_it_and_health_does_not() {
    let door = Setup { token: Some("a secret of sixteen".into()), ..Setup::default() }.open();
    let refused = door.get("/api/stats").send();
    refused.problem(401, "unauthorized");
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    let get = |token: &str| door.get("/api/stats").header("Authorization", token).host("any.example").send();
    get("Bearer wrong").problem(401, "unauthorized");
    get("Bearer a secret of sixteen").ok();
    for path in ["/", "/assets/app.js", "/livez", "/readyz?verbose=1", "/metrics", "/api/openapi.json"] {
        assert_eq!(door.get(path).send().status, 200, "{path}");
    }
    door.get("/api/v1/predictions").send().problem(401, "unauthorized");
}

#[test]
fn other_addresses_are_not_served_without_a_token() {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let setup = Setup::default();
    let (gateway, _flows) = setup.gateway(&Shelf::open(setup.folder.path()));
    let error = actix_web::rt::System::new().block_on(gateway::serve(listener, gateway)).unwrap_err();
    assert!(error.to_string().contains("set gateway.token"), "{error}");
}

#[test]
fn the_page_and_its_files_are_served_and_hold_no_inline_script() {
    let door = Door::open();
    let page = door.get("/").send();
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let html = page.text();
    for part in ["<script>", "style=", "onclick", "javascript:", "http://", "https://"] {
        assert!(!html.contains(part), "{part} would not run or not load");
    }
    let mut scripts = String::new();
    for path in html.split('"').filter(|part| part.starts_with("/assets/")).chain([
        "/assets/api.js",
        "/assets/text.js",
        "/assets/detail.js",
        "/assets/jobs.js",
        "/assets/results.js",
    ]) {
        let file = door.get(path).send();
        assert_eq!(file.status, 200, "{path}");
        if file.header("content-type").starts_with("text/javascript") {
            scripts += &file.text();
        }
    }
    for part in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
        assert!(!scripts.contains(part), "{part} could run what was captured");
    }
    let again = door.get("/").header("If-None-Match", page.header("etag")).send();
    assert_eq!((again.status, again.body.len()), (304, 0));
}
