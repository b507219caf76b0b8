//! The report as one JSON object.

use super::collect::Found;
use super::summary::Count;
use crate::input::Outcome;
use schema::document::{rfc3339, threat_json};
use serde_json::{Map, Value, json};
use std::io::Write;

const TOP_SOURCES: usize = 10;
const RATES: usize = 60;

/// Writes files, statistics and threats.
pub(crate) fn write_json(out: &mut dyn Write, outcome: &Outcome, found: &Found) -> anyhow::Result<()> {
    let summary = &found.summary;
    let threats = found.threats();
    let documents: Vec<Value> =
        threats.iter().map(|threat| serde_json::from_str(&threat_json(threat))).collect::<Result<_, _>>()?;
    let report = json!({
        "files": outcome.captures.iter().map(|read| json!({
            "name": read.name,
            "capture_id": read.capture.to_string(),
            "packets": read.counters.packets,
            "bytes": read.counters.wire_bytes,
            "flows": read.counters.ended.iter().sum::<u64>(),
            "warning": read.warning,
        })).collect::<Vec<_>>(),
        "refused": outcome.refused,
        "skipped": outcome.skipped().into_iter().map(|(reason, count)| (reason.to_owned(), count.into())).collect::<Map<_, _>>(),
        "statistics": {
            "flows": summary.total.flows,
            "packets": summary.total.packets,
            "bytes": summary.total.bytes,
            "first": summary.first_ns.map(|ns| rfc3339(ns).to_string()),
            "last": summary.last_ns.map(|ns| rfc3339(ns).to_string()),
            "abnormal": summary.abnormal,
            "uncertain": summary.uncertain,
            "transports": counts(summary.transports()),
            "protocols": counts(summary.applications()),
            "traffic_classes": counts(summary.classes()),
            "threat_categories": counts(summary.categories()),
            "top_sources": counts(summary.top_sources(TOP_SOURCES)),
            "packets_per_second": summary.course.rates(RATES),
        },
        "threats": documents,
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}

fn counts(counts: Vec<(String, Count)>) -> Value {
    let one = |(name, count): (String, Count)| json!({ "name": name, "flows": count.flows, "packets": count.packets, "bytes": count.bytes });
    counts.into_iter().map(one).collect()
}
