//! Uploads and their jobs.

use crate::captures::{gzip, of_the_lab, pcap, zip};
use crate::door::{Door, Setup};
use crate::shelf::Shelf;
use gateway::GatewayLimits;
use schema::{JobEvent, JobPhase};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn an_upload_is_a_job_whose_flows_are_stored() {
    let door = Door::open();
    let answer = door.upload("morning.pcap", &pcap(40, 1));
    assert_eq!((&answer["status"], &answer["job"]["phase"]), (&json!("success"), &json!("done")));
    let job = door.get(&format!("/api/v1/jobs/{}", answer["job_id"].as_str().unwrap())).send().ok();
    for (field, value) in [("packets", 40), ("flows", 40), ("stored", 40), ("position", 0)] {
        assert_eq!(job[field], value, "{field}");
    }
    assert_eq!(job["bytes_read"], job["bytes_total"]);
    let file = &job["files"][0];
    assert_eq!(
        (&file["name"], &file["warning"], &file["already_stored"]),
        (&json!("morning.pcap"), &json!(""), &json!(0))
    );
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(door.get("/api/stats").send().ok()["flows"], 40);
    assert_eq!(door.get("/api/jobs").send().ok()["items"], json!([job]));
    let left: Vec<_> =
        std::fs::read_dir(door.folder.as_ref().unwrap().path().join("uploads")).unwrap().collect();
    assert!(left.is_empty(), "uploaded files stay: {left:?}");
}

#[test]
fn every_kind_of_capture_is_read() {
    let (plain, other) = (pcap(7, 1), pcap(5, 2));
    let check = |name: &str, upload: &[u8], flows: &[u64]| {
        let job = Door::open().upload(name, upload)["job"].take();
        let found: Vec<u64> =
            job["files"].as_array().unwrap().iter().map(|file| file["flows"].as_u64().unwrap()).collect();
        assert_eq!(found, flows, "{job:#}");
        job
    };
    check("a.pcap", &plain, &[7]);
    check("a.pcap.gz", &gzip(&plain), &[7]);
    check("no name of a capture at all.txt", &plain, &[7]);
    let job = check(
        "b.zip",
        &zip(&[("x/1.pcap", &plain), ("2.pcap.gz", &gzip(&other)), ("notes.txt", b"hi there")]),
        &[7, 5, 0],
    );
    assert_eq!(job["files"][1]["name"], "b.zip: 2.pcap.gz");
    assert!(job["files"][2]["warning"].as_str().unwrap().contains("not a capture but text"), "{job:#}");
    assert_eq!((&job["flows"], &job["stored"]), (&json!(12), &json!(12)));
}

#[test]
fn a_cut_capture_gives_what_is_before_the_cut_and_says_where_it_is() {
    let mut capture = pcap(10, 1);
    capture.truncate(capture.len() - 5);
    let job = Door::open().upload("cut.pcap", &capture)["job"].take();
    assert_eq!((&job["phase"], &job["flows"]), (&json!("done"), &json!(9)));
    let warning = job["files"][0]["warning"].as_str().unwrap();
    assert!(warning.contains("damaged at byte"), "{warning}");
}

#[test]
fn the_same_capture_again_is_known() {
    let door = Door::open();
    door.upload("a.pcap", &pcap(20, 1));
    let job = door.upload("b.pcap", &pcap(20, 1))["job"].take();
    assert_eq!((&job["flows"], &job["files"][0]["already_stored"]), (&json!(20), &json!(20)));
    assert_eq!(door.get("/api/stats").send().ok()["flows"], 20);
}

#[test]
fn several_files_are_one_job() {
    let door = Door::open();
    let (one, two) = (pcap(3, 1), pcap(4, 2));
    let files: [(&str, &str, &[u8]); 3] =
        [("file", "1.pcap", &one), ("comment", "", b"two days"), ("file", "2.pcap", &two)];
    let job = door.post("/api/upload_pcap?wait=true").files(&files).send().ok()["job"].take();
    assert_eq!((&job["names"], &job["flows"]), (&json!(["1.pcap", "2.pcap"]), &json!(7)));
}

#[test]
fn what_is_no_capture_is_refused_and_told_what_is() {
    let door = Setup {
        limits: GatewayLimits { upload_bytes_max: 2_000, upload_files_max: 2, ..GatewayLimits::default() },
        ..Setup::default()
    }
    .open();
    let capture = pcap(1, 1);
    let check = |files: &[(&str, &str, &[u8])], status: u16, kind: &str, part: &str| {
        let problem = door.post("/api/upload_pcap").files(files).send().problem(status, kind);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{detail}");
    };
    check(
        &[("file", "x.pcap", b"GIF89a, a picture")],
        415,
        "unsupported-type",
        "supported are pcap and pcapng",
    );
    check(&[("file", "x.pcap", b"a,b,c\n1,2,3\n")], 415, "unsupported-type", "CSV");
    check(&[("file", "x.gz", &gzip(b"{\"json\": true}"))], 415, "unsupported-type", "JSON");
    check(&[("file", "x.pcap", b"")], 400, "malformed", "x.pcap is empty");
    check(&[], 400, "malformed", "curl -F file=@capture.pcap");
    check(&[("capture", "x.pcap", &capture)], 400, "malformed", "only: capture");
    check(&[("file", "x.pcap", &pcap(40, 1))], 413, "too-large", "2000 bytes (upload_bytes_max)");
    check(
        &[("file", "1", &capture), ("file", "2", &capture), ("file", "3", &capture)],
        413,
        "too-large",
        "2 files",
    );
    let body = "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncut";
    let cut =
        door.post("/api/upload_pcap").body("multipart/form-data; boundary=limit", body.as_bytes()).send();
    cut.problem(400, "malformed");
    door.post("/api/upload_pcap").json("{}").send().problem(415, "unsupported-type");
    let huge = door
        .post("/api/upload_pcap")
        .body("multipart/form-data; boundary=limit", &vec![b'x'; 2 << 20])
        .send();
    huge.problem(413, "too-large");
    let left: Vec<_> =
        std::fs::read_dir(door.folder.as_ref().unwrap().path().join("uploads")).unwrap().collect();
    assert!(left.is_empty(), "refused files stay: {left:?}");
    assert_eq!(door.get("/api/jobs").send().ok(), json!({"items": []}));
}

#[test]
fn a_job_without_any_readable_capture_fails_and_says_why() {
    let door = Door::open();
    let upload = zip(&[("notes.txt", b"hello"), ("more.txt", b"hello again")]);
    let answer = door.post("/api/upload_pcap?wait=true").files(&[("file", "b.zip", &upload)]).send();
    let problem = answer.problem(422, "job-failed");
    assert!(problem["detail"].as_str().unwrap().contains("notes.txt"), "{problem}");
    assert_eq!((&problem["job"]["phase"], &problem["job"]["id"]), (&json!("failed"), &problem["job_id"]));
}

#[test]
fn a_second_upload_waits_and_says_so_and_a_full_line_refuses() {
    let limits = GatewayLimits { jobs_waiting_max: 2, ..GatewayLimits::default() };
    let door = Setup { limits, held: true, ..Setup::default() }.open();
    let send = |seed: u8| door.post("/api/upload_pcap").files(&[("file", "a.pcap", &pcap(3, seed))]).send();
    let id = |answer: &Value| answer["job_id"].as_str().unwrap().to_owned();
    let first = send(1);
    assert_eq!((first.status, first.header("location")), (202, &*format!("/api/jobs/{}", id(&first.json()))));
    // Its flows are held, so it cannot end.
    door.until(&id(&first.ok()), "storing");
    let (second, third) = (send(2).ok(), send(3).ok());
    assert_eq!((&second["job"]["phase"], &second["job"]["position"]), (&json!("queued"), &json!(1)));
    assert!(second["message"].as_str().unwrap().contains("it is next"), "{second}");
    assert_eq!(third["job"]["position"], 2);
    assert!(third["message"].as_str().unwrap().contains("1 job goes before it"), "{third}");
    let fourth = send(4);
    fourth.problem(429, "too-many-jobs");
    assert_eq!(fourth.header("retry-after"), "10");
    let order: Vec<Value> = door.get("/api/jobs?limit=2").send().ok()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].clone())
        .collect();
    assert_eq!(order, [third["job_id"].clone(), second["job_id"].clone()]);
    door.release();
    door.until(&id(&third), "done");
    assert!(
        door.get("/metrics").send().text().contains("flowcatcher_gateway_jobs_total{result=\"refused\"} 1")
    );
}

#[test]
fn the_same_key_is_the_same_job_unless_it_failed() {
    let door = Door::open();
    let send = |key: &str, content: &[u8]| {
        let request = door.post("/api/upload_pcap?wait=true").header("Idempotency-Key", key);
        request.files(&[("file", "a.pcap", content)]).send()
    };
    let first = send("one", &pcap(3, 1)).ok();
    assert_eq!(send("one", &pcap(3, 1)).ok(), first);
    assert_ne!(send("two", &pcap(3, 1)).ok()["job_id"], first["job_id"]);
    let failed = send("three", &zip(&[("a.txt", b"text")])).problem(422, "job-failed");
    let again = send("three", &pcap(3, 3)).ok();
    assert_eq!((&again["job_id"], &again["job"]["phase"]), (&failed["job_id"], &json!("done")));
    send("", &pcap(1, 1)).problem(400, "malformed");
}

#[test]
fn a_job_of_an_earlier_run_is_remembered_and_what_never_ended_has_failed() {
    let folder = {
        let door = Door::open();
        door.upload("a.pcap", &pcap(3, 1));
        door.close()
    };
    let (id, left) = ("ab".repeat(16), folder.path().join("uploads/left-over"));
    Shelf::open(folder.path()).write_job(JobEvent {
        job_id: id.clone(),
        phase: JobPhase::Metering.into(),
        ..JobEvent::default()
    });
    std::fs::create_dir(&left).unwrap();
    let door = Setup { folder, ..Setup::default() }.open();
    let jobs = door.get("/api/jobs").send().ok();
    let phases: Vec<&Value> = jobs["items"].as_array().unwrap().iter().map(|job| &job["phase"]).collect();
    assert_eq!(phases, ["failed", "done"]);
    let job = door.get(&format!("/api/jobs/{id}")).send().ok();
    assert!(job["error"].as_str().unwrap().contains("Upload the captures again"), "{job}");
    assert!(!left.exists());
    door.get(&format!("/api/jobs/{}", "0".repeat(32))).send().problem(404, "not-found");
    door.get("/api/jobs/..%2f..").send().problem(400, "malformed");
}

#[test]
fn a_stop_ends_the_running_job_and_those_that_wait() {
    let door = Setup { held: true, ..Setup::default() }.open();
    let send =
        |seed: u8| door.post("/api/upload_pcap").files(&[("file", "a.pcap", &pcap(3, seed))]).send().ok();
    door.until(send(1)["job_id"].as_str().unwrap(), "storing");
    send(2);
    let folder = door.close();
    let door = Setup { folder, ..Setup::default() }.open();
    let jobs = door.get("/api/jobs").send().ok();
    for job in jobs["items"].as_array().unwrap() {
        assert_eq!(job["phase"], "failed");
        assert!(job["error"].as_str().unwrap().contains("stopped"), "{job}");
    }
    assert_eq!(jobs["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_store_that_takes_nothing_fails_the_job_in_the_end() {
    let limits = GatewayLimits { storing_quiet_max: Duration::from_millis(20), ..GatewayLimits::default() };
    let door = Setup { limits, held: true, ..Setup::default() }.open();
    let answer = door.post("/api/upload_pcap?wait=1").files(&[("file", "a.pcap", &pcap(3, 1))]).send();
    answer.problem(400, "malformed");
    let answer = door.post("/api/upload_pcap?wait=true").files(&[("file", "a.pcap", &pcap(3, 1))]).send();
    let problem = answer.problem(422, "job-failed");
    assert!(problem["detail"].as_str().unwrap().contains("3 flows are not stored yet"), "{problem}");
}

#[test]
fn flows_that_repeat_others_are_not_waited_for() {
    let limits = GatewayLimits { settled_after: Duration::from_millis(20), ..GatewayLimits::default() };
    let door = Setup { limits, ..Setup::default() }.open();
    // Time goes back in the middle, and the same packets come again.
    let mut twice = pcap(30, 1);
    twice.extend_from_slice(&pcap(30, 1)[24..]);
    let answer = door.upload("twice.pcap", &twice);
    assert_eq!((&answer["job"]["flows"], &answer["job"]["stored"]), (&json!(60), &json!(30)));
    assert!(answer["message"].as_str().unwrap().contains("repeat"), "{answer}");
}

#[test]
fn an_upload_that_stops_coming_is_given_up() {
    let limits = GatewayLimits {
        upload_quiet_max: Duration::from_millis(20),
        jobs_waiting_max: 1,
        ..GatewayLimits::default()
    };
    let door = Setup { limits, ..Setup::default() }.open();
    let request = door.post("/api/upload_pcap").files(&[("file", "a.pcap", &pcap(3, 1))]);
    request.send_without_end().problem(408, "timed-out");
    // Its place in the line is free again.
    door.upload("a.pcap", &pcap(3, 1));
}

#[test]
fn hostile_names_are_only_text() {
    let door = Door::open();
    let name = "../../../etc/<img src=x onerror=alert(1)>.pcap";
    let job = door.upload(name, &pcap(1, 1))["job"].take();
    assert_eq!(job["names"], json!([name]));
    let long = "n".repeat(1000);
    assert_eq!(door.upload(&long, &pcap(1, 2))["job"]["names"][0].as_str().unwrap().len(), 255);
}

#[test]
fn a_capture_of_the_lab_goes_all_the_way() {
    let Some(capture) = of_the_lab("dns/dns_lookups_1.pcap") else { return };
    let door = Door::open();
    let job = door.upload("dns_lookups_1.pcap", &capture)["job"].take();
    assert_eq!(job["files"][0]["warning"], "");
    assert!(job["flows"].as_u64().unwrap() > 0 && job["flows"] == job["stored"], "{job}");
    let page = door.get("/api/predictions?limit=1").send().ok();
    assert_eq!(page["items"][0]["event"]["dataset"], "flowcatcher.prediction");
}
