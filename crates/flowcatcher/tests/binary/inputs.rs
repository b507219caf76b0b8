//! Files of every kind, and the exit codes that they lead to.

use crate::program::{Place, can_judge, sample, text};
use std::fs;

#[test]
fn packets_and_flows_account_for_every_packet() {
    let place = Place::new();
    let capture = sample();
    let packets = place.run(&["packets", text(&capture)]).expect(0);
    assert_eq!(packets.out.lines().count(), 1 + 4157);
    let flows = place.run(&["flows", text(&capture)]).expect(0);
    let header: Vec<&str> = flows.out.lines().next().expect("header").split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("column");
    let (fwd, bwd) = (column("fwd_packets"), column("bwd_packets"));
    let in_flows: f64 = flows
        .out
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| cells[fwd].parse::<f64>().expect("number") + cells[bwd].parse::<f64>().expect("number"))
        .sum();
    let skipped = packets.out.lines().skip(1).filter(|line| !line.ends_with(',')).count();
    assert_eq!(in_flows as usize + skipped, 4157);
    assert!(packets.out.lines().any(|line| line.contains(",ARP,")), "ARP is named");
    let windows = place.path("windows.ndjson");
    place.run(&["flows", "--format", "none", "--hosts", text(&windows), text(&capture)]).expect(0);
    let windows = fs::read_to_string(windows).expect("windows");
    assert!(windows.lines().any(|line| line.contains("as_initiator")), "the scan in the sample is seen");
    let json = place.run(&["flows", "--format", "ndjson", text(&capture)]).expect(0);
    assert_eq!(json.documents().len(), flows.out.lines().count() - 1);
    assert!(json.documents()[0]["features"]["duration"].is_number());
}

#[test]
fn flows_are_written_in_the_columns_of_cicflowmeter() {
    let place = Place::new();
    let capture = sample();
    let table = |arguments: &[&str]| {
        let run = place.run(&[&["flows", text(&capture)], arguments].concat()).expect(0);
        let mut lines = run.out.lines().map(|line| line.split(',').count()).collect::<Vec<_>>();
        let columns = lines.remove(0);
        assert!(lines.iter().all(|count| *count == columns), "{arguments:?}");
        (columns, lines.len())
    };
    let (_, ours) = table(&["--dialect", "cic"]);
    for (dialect, columns) in [("cic", 84), ("cic2017", 85), ("cic2018", 84), ("python", 75)] {
        assert_eq!(table(&["--dialect", dialect]), (columns, ours), "{dialect}");
    }
    let (columns, theirs) = table(&["--profile", "cic2017"]);
    assert_eq!(columns, 85);
    assert!(theirs > 0 && theirs < ours, "flows of one packet are not written: {theirs} of {ours}");
    let json = place.run(&["flows", "--profile", "cic2017", "--format", "ndjson", text(&capture)]).expect(0);
    assert_eq!(json.documents().len(), theirs);
    assert!(json.documents()[0]["Flow Duration"].is_number());
    let wrong = place.run(&["flows", "--dialect", "cic", "--format", "ndjson", text(&capture)]).expect(2);
    assert!(wrong.err.contains("leave out --format"), "{}", wrong.err);
    let wrong = place.run(&["flows", "--profile", "cic2017", "--hosts", "x", text(&capture)]).expect(2);
    assert!(wrong.err.contains("leave out --hosts"), "{}", wrong.err);
}

#[test]
fn what_cannot_be_read_is_named_and_has_its_exit_code() {
    let place = Place::new();
    let whole = fs::read(sample()).expect("sample");
    let cut = place.write("cut.pcap", &whole[..whole.len() - 10]);
    let table = place.write("table.csv", "a,b,c\n1,2,3\n");
    let empty = place.write("empty.pcap", "");
    for (files, code, says) in [
        (vec![text(&cut)], 3, "damaged at byte"),
        (vec![text(&table)], 2, "not a capture"),
        (vec![text(&empty)], 2, "empty"),
        (vec!["nowhere.pcap"], 2, "no such file"),
        (vec!["nowhere.pcap", text(&cut)], 3, "no such file"),
        (vec!["."], 2, "a folder"),
    ] {
        let args = [&["flows", "--format", "none"], &files[..]].concat();
        let done = place.run(&args).expect(code);
        assert!(done.err.contains(says), "{files:?}: {}", done.err);
    }
    let done = place.run(&["flows", "--format", "none", text(&cut)]).expect(3);
    assert!(done.err.contains("4156 packets"), "{}", done.err);
}

#[test]
fn damaged_captures_have_the_exit_code_of_what_is_said_of_them() {
    let place = Place::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/damaged");
    let expected = fs::read_to_string(folder.join("expected.tsv")).expect("a table");
    let rows: Vec<Vec<&str>> = expected.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert!(rows.len() >= 24);
    for row in rows {
        let &[name, packets, said] = &row[..] else { panic!("{row:?}") };
        let done = place.run(&["flows", "--format", "none", text(&folder.join(name))]);
        // A refusal names the file as it was given there, which is not how it is given here.
        let (code, words) = match said.strip_prefix("refused: file: ") {
            Some(why) => (2, why),
            None => (if said.is_empty() { 0 } else { 3 }, said),
        };
        let done = done.expect(code);
        assert!(done.err.contains(words), "{name}: {}", done.err);
        assert!(code == 2 || done.err.contains(&format!("{packets} packet")), "{name}: {}", done.err);
    }
}

#[test]
fn standard_input_and_packed_captures_give_the_same_flows() {
    use std::io::Write as _;
    let place = Place::new();
    let whole = fs::read(sample()).expect("sample");
    let plain = place.run(&["flows", text(&sample())]).expect(0).out;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&whole).expect("packed");
    // The name lies; the content counts.
    let packed = place.write("capture.txt", packed.finish().expect("packed"));
    assert_eq!(place.run(&["flows", text(&packed)]).expect(0).out, plain);
    let file = fs::File::open(sample()).expect("sample");
    let mut command = place.command(&["flows", "-"]);
    let output = command.stdin(file).output().expect("the binary runs");
    assert_eq!(String::from_utf8(output.stdout).expect("text"), plain);
}

#[test]
fn wrong_settings_are_named() {
    let place = Place::new();
    place.run(&["config"]).expect(0);
    place.run(&["config", "check"]).expect(0);
    place.write("flowcatcher.toml", "[meter]\nidle_udp = 3\n");
    let done = place.run(&["config"]).expect(2);
    assert!(done.err.contains("meter.idle_udp") && done.err.contains("meter.idle_udp_s"), "{}", done.err);
    place.write("flowcatcher.toml", "[meter]\nidle_udp_s = 3\n");
    let done = place.run(&["config"]).expect(0);
    assert!(
        done.out.lines().any(|line| line.contains("meter.idle_udp_s") && line.contains("flowcatcher.toml"))
    );
    let mut command = place.command(&["config"]);
    let output = command.env("FLOWCATCHER__METER__IDLE_UDP_S", "soon").output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_protocol_folder_is_used_whole_or_refused() {
    let place = Place::new();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol");
    for name in ["ETHER", "IP", "PORT", "TCP", "UDP"] {
        place.write(&format!("protocol/{name}"), fs::read(source.join(name)).expect("map"));
    }
    place.write("protocol/IP", "6:Transmission\n17:UDP\n");
    let done = place.run(&["packets", text(&sample())]).expect(0);
    assert!(done.out.contains(",Transmission,"), "the folder's own names are used");
    place.write("protocol/IP", "6:TCP\nsix:TCP\n");
    let done = place.run(&["packets", text(&sample())]).expect(2);
    assert!(done.err.contains("protocol/IP") && done.err.contains("line 2"), "{}", done.err);
    fs::remove_file(place.path("protocol/ETHER")).expect("removed");
    let done = place.run(&["packets", text(&sample())]).expect(2);
    assert!(done.err.contains("No such file or directory: 'protocol/ETHER'"), "{}", done.err);
}

#[test]
fn training_without_rows_says_what_is_missing() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    place.run(&["train", "--output", "models"]).expect(2);
    place.run(&["train", "captures", "--output", "models"]).expect(2);
    let done = place.run(&["train", "--tables", "nowhere", "--output", "models"]).expect(1);
    assert!(done.err.contains("nowhere"), "{}", done.err);
    assert!(!place.path("models").exists(), "nothing is written");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let place = Place::new();
    let mut command = place.command(&["packets", text(&sample())]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
    let output = child.wait_with_output().expect("ended");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn no_runtime_is_one_clear_error() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let mut command = place.command(&["analyze", text(&sample())]);
    let output = command.env("ORT_DYLIB_PATH", place.path("nothing.so")).output().expect("runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("ORT_DYLIB_PATH") && error.lines().count() < 15, "{error}");
}
