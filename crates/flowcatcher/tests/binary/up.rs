//! `up` as a user meets it: started, asked, fed, and ended by a signal.

use crate::program::{Place, can_judge, sample, text};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

/// A running service, ended with the test.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(place: &Place) -> Self {
        let mut command = place.command(&["up", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit("http://").next().expect("a URL").parse().expect("an address");
        Self { child, address }
    }

    /// Status and body of one request.
    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(body).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        (status, if chunked { unchunked(body) } else { body.to_owned() })
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "text/plain", b"");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    fn upload(&self, name: &str, content: &[u8]) -> (u16, Value) {
        let head = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let body = [head.as_bytes(), content, b"\r\n--xyz--\r\n"].concat();
        let kind = "multipart/form-data; boundary=xyz";
        let (status, body) = self.ask("POST", "/api/upload_pcap?wait=true", kind, &body);
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    /// Asks it to end, and gives its exit code.
    fn end(mut self) -> Option<i32> {
        // The shell has a `kill` of its own; not every machine has the program.
        let kill = format!("kill {}", self.child.id());
        let kill = std::process::Command::new("bash").args(["-c", &kill]).status().expect("bash runs");
        assert!(kill.success());
        self.child.wait().expect("ended").code()
    }
}

fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).expect("a chunk length");
        if length == 0 {
            break;
        }
        out.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    out
}

impl Drop for Service {
    fn drop(&mut self) {
        // After `end` there is nobody left to kill.
        drop(self.child.kill());
    }
}

#[test]
fn an_upload_is_judged_stored_and_shown_and_survives_a_restart() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let capture = fs::read(sample()).expect("sample");
    let service = Service::start(&place);
    let (status, answer) = service.upload("sample.pcap", &capture);
    assert_eq!((status, &answer["status"]), (200, &Value::from("success")), "{answer}");
    let job = service.get(&format!("/api/jobs/{}", answer["job_id"].as_str().expect("job id")));
    let flows = job["flows"].as_u64().expect("flows");
    assert_eq!((&job["phase"], job["stored"].as_u64()), (&Value::from("done"), Some(flows)), "{job}");
    let before = service.get("/api/stats");
    assert!(before.to_string().contains(&flows.to_string()), "{before}");
    let threats = service.get("/api/threats");
    assert!(threats.to_string().contains("reconnaissance"), "{threats}");
    let (_, metrics) = service.ask("GET", "/metrics", "text/plain", b"");
    assert!(metrics.contains("flowcatcher_predictions_total{class=\"Tor\"}"), "{metrics}");

    // The same capture again: nothing is stored twice, and the job says so.
    let (status, again) = service.upload("sample.pcap", &capture);
    assert_eq!(status, 200, "{again}");
    assert_eq!(service.get("/api/stats"), before);
    assert_eq!(service.end(), Some(0));

    let service = Service::start(&place);
    assert_eq!(service.get("/api/stats"), before);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn what_analyze_stores_is_what_up_shows() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    place.run(&["analyze", "--store", text(&sample())]).expect(0);
    let documents = place.run(&["analyze", "--format", "ndjson", text(&sample())]).expect(0).documents();
    let one = documents.iter().find(|d| d["event"]["kind"] == "event").expect("a prediction");
    let service = Service::start(&place);
    let id = one["event"]["id"].as_str().expect("id");
    assert_eq!(&service.get(&format!("/api/predictions/{id}")), one);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn predict_answers_as_the_clients_expect() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let service = Service::start(&place);
    let body = br#"{"len":60,"source_port":80,"dest_port":443}"#;
    let (status, answer) = service.ask("POST", "/api/predict", "application/json", body);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["status"]), (200, &Value::from("success")), "{answer}");
    let prediction = answer["prediction"].as_f64().expect("a number");
    assert!((0.0..=1.0).contains(&prediction));
    let history = service.get("/api/history");
    assert_eq!(history[0]["input"], serde_json::from_slice::<Value>(body).expect("JSON"));
    assert!(history[0]["id"].is_u64() && history[0]["timestamp"].is_string(), "{history}");
    let (status, answer) =
        service.ask("POST", "/api/predict", "application/json", br#"{"Flow Duration": 1}"#);
    assert_eq!(status, 422, "{answer}");
    assert!(answer.contains("Missing required columns: "), "{answer}");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn a_taken_port_is_one_clear_error() {
    if !can_judge() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("address").to_string();
    let done = Place::new().run(&["up", "--listen", &address]).expect(1);
    assert!(done.err.contains("another process listens there"), "{}", done.err);
    let done = Place::new().run(&["up", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(done.err.contains("gateway.token"), "{}", done.err);
}
