//! `flowcatcher flows`: the records themselves, as CSV or one JSON object a line.

use super::cic;
use crate::cli::{Cli, FlowFormat, Flows, Profile};
use crate::exit::{BadInput, Done};
use crate::input::Outcome;
use crate::{input, output, setup};
use flow_meter::Counted;
use schema::document::{end_reason_name, rfc3339};
use schema::{FEATURES, FeatureVector, FlowLayer, FlowRecord, HostActivity, HostWindow, Id, Traffic, Tunnel};
use service::Settings;
use std::io::Write;

/// Columns before the features.
const COLUMNS: [&str; 30] = [
    "flow_id",
    "part",
    "start",
    "end",
    "source_ip",
    "source_port",
    "destination_ip",
    "destination_port",
    "protocol",
    "application",
    "state",
    "history",
    "end_reason",
    "community_id",
    "vlan",
    "fwd_ip_bytes",
    "bwd_ip_bytes",
    "fwd_wire_bytes",
    "bwd_wire_bytes",
    "fwd_tcp_flags",
    "bwd_tcp_flags",
    "layer",
    "tunnels",
    "ether_type",
    "fwd_ttl_min",
    "fwd_ttl_max",
    "bwd_ttl_min",
    "bwd_ttl_max",
    "fwd_mss",
    "bwd_mss",
];

pub(super) fn run(cli: &Cli, flows: &Flows) -> anyhow::Result<Done> {
    if flows.dialect.is_some() && flows.format != FlowFormat::Csv {
        return Err(
            BadInput("--dialect names columns of CSV; leave it out, or leave out --format".into()).into()
        );
    }
    if flows.hosts.is_some() && flows.profile == Profile::Cic2017 {
        return Err(
            BadInput("CICFlowMeter knows no hosts; leave out --hosts, or --profile cic2017".into()).into()
        );
    }
    let loaded = setup::load(cli, Vec::new())?;
    setup::start_quiet_log(&loaded)?;
    let mut out = output::open(flows.output.as_deref())?;
    let (outcome, total) = match (flows.profile, flows.dialect) {
        (Profile::Cic2017, dialect) => cic::as_the_program(flows, dialect, &mut out)?,
        (Profile::Correct, Some(dialect)) => cic::as_its_columns(flows, dialect, &loaded.settings, &mut out)?,
        (Profile::Correct, None) => records(flows, &loaded.settings, &mut out)?,
    };
    out.flush()?;
    let done = outcome.done()?;
    eprintln!("{} packets, {total} flows", outcome.packets());
    for (reason, count) in outcome.skipped() {
        eprintln!("skipped {count} packets: {reason}");
    }
    Ok(done)
}

/// Writes our own records, with all their features. Gives how many.
fn records(flows: &Flows, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<(Outcome, u64)> {
    if flows.format == FlowFormat::Csv {
        writeln!(out, "{}", header())?;
    }
    let mut windows = flows.hosts.as_deref().map(|path| output::open(Some(path))).transpose()?;
    let mut line = Vec::new();
    let mut total = 0u64;
    let outcome = input::each_capture(&flows.files, |capture, bar| {
        if flows.format == FlowFormat::None && windows.is_none() {
            let mut counted = Counted::default();
            let read = input::meter_into(settings, capture, bar, &mut counted)?;
            total += counted.flows;
            return Ok(Some(read));
        }
        let read = input::meter(settings, capture, bar, |records| {
            for window in records.hosts.drain(..) {
                if let Some(windows) = &mut windows {
                    writeln!(windows, "{}", host_window(&window))?;
                }
            }
            total += records.flows.len() as u64;
            for record in records.flows.drain(..) {
                write_record(flows.format, &record, &mut line);
                out.write_all(&line)?;
                line.clear();
            }
            Ok(())
        })?;
        Ok(Some(read))
    })?;
    windows.map_or(Ok(()), |mut windows| windows.flush())?;
    Ok((outcome, total))
}

/// What a busy host did in ten seconds.
fn host_window(window: &HostWindow) -> serde_json::Value {
    let activity = |activity: Option<&HostActivity>| {
        let activity = activity.copied().unwrap_or_default();
        serde_json::json!({
            "flows": activity.flows,
            "peers": activity.peers,
            "ports": activity.ports,
            "unanswered": activity.unanswered,
            "reset": activity.reset,
            "packets": activity.packets,
            "bytes": activity.bytes,
        })
    };
    serde_json::json!({
        "host": address(&window.host_ip),
        "start": rfc3339(window.start_ns).to_string(),
        "end": rfc3339(window.end_ns).to_string(),
        "as_initiator": activity(window.as_initiator.as_ref()),
        "as_responder": activity(window.as_responder.as_ref()),
    })
}

fn header() -> String {
    let features = FEATURES.iter().map(|feature| feature.name.as_str());
    COLUMNS.into_iter().chain(features).collect::<Vec<_>>().join(",")
}

fn write_record(format: FlowFormat, record: &FlowRecord, line: &mut Vec<u8>) {
    match format {
        FlowFormat::Csv => csv(record, line),
        FlowFormat::Ndjson => json(record, line),
        FlowFormat::None => {}
    }
}

/// The values of [`COLUMNS`], in order.
fn cells(record: &FlowRecord) -> [String; COLUMNS.len()] {
    let none = Traffic::default();
    let forward = record.forward.as_ref().unwrap_or(&none);
    let backward = record.backward.as_ref().unwrap_or(&none);
    let vlan: Vec<String> = record.vlan_ids.iter().map(ToString::to_string).collect();
    [
        Id::from_slice(&record.flow_id).unwrap_or_default().to_string(),
        record.part.to_string(),
        rfc3339(record.start_ns).to_string(),
        rfc3339(record.end_ns).to_string(),
        address(&record.source_ip),
        record.source_port.to_string(),
        address(&record.destination_ip),
        record.destination_port.to_string(),
        record.protocol.to_string(),
        record.application.as_ref().map_or_else(String::new, |found| found.protocol.clone()),
        record.state.clone(),
        record.history.clone(),
        end_reason_name(record.end_reason()).to_owned(),
        record.community_id.clone(),
        vlan.join(" "),
        forward.ip_bytes.to_string(),
        backward.ip_bytes.to_string(),
        forward.wire_bytes.to_string(),
        backward.wire_bytes.to_string(),
        forward.tcp_flags.to_string(),
        backward.tcp_flags.to_string(),
        if record.layer() == FlowLayer::Outer { "outer" } else { "inner" }.to_owned(),
        record.tunnels.iter().map(tunnel).collect::<Vec<_>>().join(" "),
        if record.ether_type == 0 { String::new() } else { format!("{:#06x}", record.ether_type) },
        forward.ttl_min.to_string(),
        forward.ttl_max.to_string(),
        backward.ttl_min.to_string(),
        backward.ttl_max.to_string(),
        forward.mss.map_or_else(String::new, |mss| mss.to_string()),
        backward.mss.map_or_else(String::new, |mss| mss.to_string()),
    ]
}

fn address(bytes: &[u8]) -> String {
    schema::ids::address(bytes).map_or_else(String::new, |ip| ip.to_string())
}

/// `vxlan:42:192.0.2.1>192.0.2.2`, without an id where the kind has none.
fn tunnel(tunnel: &Tunnel) -> String {
    let id = tunnel.id.map_or_else(String::new, |id| format!(":{id}"));
    format!("{}{id}:{}>{}", tunnel.kind, address(&tunnel.source_ip), address(&tunnel.destination_ip))
}

fn features(record: &FlowRecord) -> Vec<f32> {
    FeatureVector::unpack(&record.features).map(|vector| vector.0).unwrap_or_default()
}

/// An absent feature is an empty cell.
fn csv(record: &FlowRecord, line: &mut Vec<u8>) {
    for (at, cell) in cells(record).iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        output::csv_cell(cell, line);
    }
    for value in features(record) {
        line.push(b',');
        if !value.is_nan() {
            line.extend(value.to_string().bytes());
        }
    }
    line.push(b'\n');
}

/// An absent feature is left out.
fn json(record: &FlowRecord, line: &mut Vec<u8>) {
    let mut object = serde_json::Map::new();
    for (name, cell) in COLUMNS.iter().zip(cells(record)) {
        let number = cell.parse::<u64>().ok().filter(|_| *name != "flow_id");
        object.insert((*name).to_owned(), number.map_or(cell.into(), Into::into));
    }
    let values = FEATURES.iter().zip(features(record)).filter(|(_, value)| value.is_finite());
    let values: serde_json::Map<_, _> =
        values.map(|(feature, value)| (feature.name.clone(), value.into())).collect();
    object.insert("features".to_owned(), values.into());
    line.extend(serde_json::Value::from(object).to_string().bytes());
    line.push(b'\n');
}
