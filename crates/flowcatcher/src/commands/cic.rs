//! `flowcatcher flows` in the terms of `CICFlowMeter`: its columns, or all of its ways.

use crate::cli::{Dialect, FlowFormat, Flows};
use crate::input::{self, Outcome};
use flow_meter::{CicMeter, Decoded, Frame, MeterCounters, decode};
use schema::cic::{self, COLUMNS, CicRow};
use schema::document::rfc3339;
use service::Settings;
use std::io::Write;

impl From<Dialect> for cic::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Cic => Self::Cic,
            Dialect::Cic2017 => Self::Cic2017,
            Dialect::Cic2018 => Self::Cic2018,
            Dialect::Python => Self::Python,
        }
    }
}

/// Our flows in its columns. Gives how many there are; ARP and a tunnel's own conversation have no place in them.
pub(super) fn as_its_columns(
    flows: &Flows,
    dialect: Dialect,
    settings: &Settings,
    out: &mut dyn Write,
) -> anyhow::Result<(Outcome, u64)> {
    let dialect = dialect.into();
    writeln!(out, "{}", cic::Dialect::header(dialect))?;
    let (mut total, mut left_out) = (0u64, 0u64);
    let mut line = String::new();
    let outcome = input::each_capture(&flows.files, |capture, bar| {
        let read = input::meter(settings, capture, bar, |records| {
            records.hosts.clear();
            for record in records.flows.drain(..) {
                let Some(row) = CicRow::of(&record) else {
                    left_out += 1;
                    continue;
                };
                total += 1;
                write_row(&row, dialect, &mut line, out)?;
            }
            Ok(())
        })?;
        Ok(Some(read))
    })?;
    if left_out > 0 {
        eprintln!("left out {left_out} flows of ARP and of tunnels: they have no place in these columns");
    }
    Ok((outcome, total))
}

/// Its flows as it makes them.
pub(super) fn as_the_program(
    flows: &Flows,
    dialect: Option<Dialect>,
    out: &mut dyn Write,
) -> anyhow::Result<(Outcome, u64)> {
    let dialect = dialect.unwrap_or(Dialect::Cic2017).into();
    if flows.format == FlowFormat::Csv {
        writeln!(out, "{}", cic::Dialect::header(dialect))?;
    }
    let (mut total, mut line, mut rows, mut outer) = (0u64, String::new(), Vec::new(), Vec::new());
    let outcome = input::each_capture(&flows.files, |mut capture, _bar| {
        let mut meter = CicMeter::new();
        let mut counters = MeterCounters::default();
        let mut give = |rows: &mut Vec<CicRow>| -> anyhow::Result<()> {
            for row in rows.drain(..) {
                total += 1;
                match flows.format {
                    FlowFormat::Csv => write_row(&row, dialect, &mut line, out)?,
                    FlowFormat::Ndjson => writeln!(out, "{}", json(&row))?,
                    FlowFormat::None => {}
                }
            }
            Ok(())
        };
        let each = |frame: &Frame<'_>| {
            counters.packets += 1;
            match decode(frame, &mut outer) {
                // The program knows no tunnel: it takes the outermost packet.
                Decoded::Packet(packet) => {
                    meter.push(outer.first().map_or(&packet, |layer| &layer.packet), &mut rows);
                }
                Decoded::Skip(reason) => counters.skipped[reason as usize] += 1,
            }
            give(&mut rows)
        };
        let warning = input::each_frame(&mut capture, each)?;
        meter.drain(&mut rows);
        give(&mut rows)?;
        let seen = meter.counters();
        for (count, what) in [
            (seen.not_read, "not IPv4, which is all that CICFlowMeter reads"),
            (seen.repeated_fin, "further FINs of an initiator, which CICFlowMeter drops"),
            (seen.alone, "alone in their flow, which CICFlowMeter does not write"),
        ] {
            if count > 0 {
                eprintln!("{count} packets are in no flow: {what}");
            }
        }
        if seen.evicted > 0 {
            eprintln!("{} flows were ended early to make room for others", seen.evicted);
        }
        Ok(Some(input::Read { name: capture.name().to_owned(), capture: capture.id(), counters, warning }))
    })?;
    Ok((outcome, total))
}

fn write_row(
    row: &CicRow,
    dialect: cic::Dialect,
    line: &mut String,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    line.clear();
    row.write(dialect, line);
    line.push('\n');
    Ok(out.write_all(line.as_bytes())?)
}

/// By the names of the current program. What is no number, or infinite, is `null`.
fn json(row: &CicRow) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    object.insert("Src IP".into(), row.source.0.to_string().into());
    object.insert("Src Port".into(), row.source.1.into());
    object.insert("Dst IP".into(), row.destination.0.to_string().into());
    object.insert("Dst Port".into(), row.destination.1.into());
    object.insert("Protocol".into(), row.protocol.into());
    object.insert("Timestamp".into(), rfc3339(row.start_ns).to_string().into());
    for (column, value) in COLUMNS.iter().zip(row.values) {
        object.insert(column.names[0].into(), value.into());
    }
    object.into()
}
