//! Writes a batch of predictions inside a transaction.

use super::batch::Batched;
use super::trouble::Failure;
use super::writer::Known;
use crate::WriteVerdict;
use crate::packing;
use crate::summary::Sighting;
use schema::{CaptureId, FlowId, FlowRecord, Prediction};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Encode, Sqlite, Type};
use std::collections::HashSet;
use std::sync::Arc;

/// Rows of one generation of the index by id, as a power of two: 32,768. Small enough that its pages stay in memory while
/// they are written at random, large enough that a look-up has few generations to ask.
pub(super) const GENERATION_BITS: u32 = 15;
/// A mark at most this often.
pub(super) const MARK_EVERY_NS: i64 = 60_000_000_000;

/// The statements, and room that is used again from batch to batch.
pub(super) struct Inserts {
    flows: Batched,
    bodies: Batched,
    which: Batched,
    scratch: Vec<u8>,
}

impl Inserts {
    pub(super) fn new() -> Self {
        Self {
            flows: Batched::new(
                "INSERT INTO flows (start_ns, flow_id, row, generation, capture, source, destination, source_port, \
                 destination_port, class, category, severity, abnormal) VALUES",
                13,
                "ON CONFLICT DO NOTHING",
            ),
            bodies: Batched::new("INSERT INTO bodies (row, body) VALUES", 2, ""),
            which: Batched::new(
                "SELECT f.row FROM (VALUES",
                2,
                ") AS v CROSS JOIN flows AS f ON f.start_ns = v.column1 AND f.flow_id = v.column2",
            ),
            scratch: Vec::new(),
        }
    }
}

/// A prediction that can be stored.
struct Candidate<'a> {
    /// In the batch.
    index: usize,
    prediction: &'a Prediction,
    record: &'a FlowRecord,
    flow: Sighting<'a>,
    capture: CaptureId,
    number: i64,
    row: i64,
}

/// Stores what is new of a batch. Gives a verdict an item, and the bytes written.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    inserts: &mut Inserts,
    known: &mut Known,
    batch: &[Arc<Prediction>],
    now_ns: i64,
) -> Result<(Vec<WriteVerdict>, u64), Failure> {
    let mut verdicts = vec![WriteVerdict::AlreadyStored; batch.len()];
    let candidates = candidates(connection, known, batch, now_ns, &mut verdicts).await?;
    let mut fresh: Vec<&Candidate<'_>> = Vec::with_capacity(candidates.len());
    for (sql, piece) in inserts.flows.pieces(&candidates) {
        let inserted = sqlx::query_with(sql, flow_arguments(piece)?).execute(&mut *connection).await?;
        if inserted.rows_affected() == piece.len() as u64 {
            fresh.extend(piece);
        } else if inserted.rows_affected() > 0 {
            let rows = rows_of(connection, &inserts.which, piece).await?;
            fresh.extend(piece.iter().filter(|candidate| rows.contains(&candidate.row)));
        }
    }
    let mut bytes = 0;
    for (sql, piece) in inserts.bodies.pieces(&fresh) {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(piece.len() * 2, 0);
        for candidate in piece {
            let body = packing::pack(candidate.prediction, &mut inserts.scratch);
            bytes += body.len() as u64;
            add(&mut arguments, candidate.row)?;
            add(&mut arguments, body)?;
        }
        sqlx::query_with(sql, arguments).execute(&mut *connection).await?;
    }
    for candidate in &fresh {
        known.tally.add(candidate.capture, &candidate.flow);
        verdicts[candidate.index] = WriteVerdict::Stored;
    }
    if let Some(first) = fresh.first() {
        mark(connection, known, first.row, now_ns).await?;
        known.tally.write(connection).await?;
    }
    Ok((verdicts, bytes))
}

/// Remembers when rows from `row` on were stored, unless the last mark is young.
async fn mark(
    connection: &mut SqliteConnection,
    known: &mut Known,
    row: i64,
    now_ns: i64,
) -> Result<(), Failure> {
    if known.marked_ns != 0 && now_ns.saturating_sub(known.marked_ns) < MARK_EVERY_NS {
        return Ok(());
    }
    known.marked_ns = now_ns;
    sqlx::query("INSERT INTO marks (row, stored_ns) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(row)
        .bind(now_ns)
        .execute(connection)
        .await?;
    Ok(())
}

/// All of the batch that make sense, numbered; the verdicts of the others say why not.
async fn candidates<'a>(
    connection: &mut SqliteConnection,
    known: &mut Known,
    batch: &'a [Arc<Prediction>],
    now_ns: i64,
    verdicts: &mut [WriteVerdict],
) -> Result<Vec<Candidate<'a>>, Failure> {
    let mut candidates: Vec<Candidate<'a>> = Vec::with_capacity(batch.len());
    for (index, prediction) in batch.iter().enumerate() {
        match understood(prediction) {
            Ok((record, flow, capture)) => {
                let number = match candidates.last() {
                    Some(last) if last.capture == capture => last.number,
                    _ => known.tally.number(connection, capture, &record.sensor, now_ns).await?,
                };
                let row = known.next_row;
                known.next_row += 1;
                candidates.push(Candidate { index, prediction, record, flow, capture, number, row });
            }
            Err(reason) => verdicts[index] = WriteVerdict::Rejected(reason),
        }
    }
    Ok(candidates)
}

fn understood(prediction: &Prediction) -> Result<(&FlowRecord, Sighting<'_>, CaptureId), String> {
    let flow = Sighting::of(prediction)?;
    let record = prediction.record.as_ref().ok_or("the prediction has no record")?;
    let id = |name, bytes: &[u8]| {
        CaptureId::from_slice(bytes).ok_or_else(|| format!("{name} has {} bytes, not 16", bytes.len()))
    };
    let _flow_id: FlowId = id("flow_id", &record.flow_id)?;
    Ok((record, flow, id("capture_id", &record.capture_id)?))
}

fn flow_arguments(piece: &[Candidate<'_>]) -> Result<SqliteArguments, Failure> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(piece.len() * 13, 0);
    for Candidate { record, prediction, number, row, .. } in piece {
        add(&mut arguments, record.start_ns)?;
        add(&mut arguments, record.flow_id.as_slice())?;
        add(&mut arguments, row)?;
        add(&mut arguments, row >> GENERATION_BITS)?;
        add(&mut arguments, number)?;
        add(&mut arguments, record.source_ip.as_slice())?;
        add(&mut arguments, record.destination_ip.as_slice())?;
        add(&mut arguments, record.source_port)?;
        add(&mut arguments, record.destination_port)?;
        add(&mut arguments, prediction.traffic_class)?;
        add(&mut arguments, prediction.threat_category)?;
        add(&mut arguments, prediction.severity)?;
        add(&mut arguments, prediction.is_abnormal)?;
    }
    Ok(arguments)
}

/// The rows under which the flows of a piece are stored, by whichever batch.
async fn rows_of(
    connection: &mut SqliteConnection,
    which: &Batched,
    piece: &[Candidate<'_>],
) -> Result<HashSet<i64>, Failure> {
    let mut rows = HashSet::with_capacity(piece.len());
    for (sql, piece) in which.pieces(piece) {
        let mut arguments = SqliteArguments::default();
        for candidate in piece {
            add(&mut arguments, candidate.record.start_ns)?;
            add(&mut arguments, candidate.record.flow_id.as_slice())?;
        }
        let found: Vec<i64> = sqlx::query_scalar_with(sql, arguments).fetch_all(&mut *connection).await?;
        rows.extend(found);
    }
    Ok(rows)
}

pub(super) fn add<'t, T>(arguments: &mut SqliteArguments, value: T) -> Result<(), Failure>
where
    T: Encode<'t, Sqlite> + Type<Sqlite>,
{
    arguments.add(value).map_err(|error| Failure::Sql(sqlx::Error::Encode(error)))
}
