//! What the gateway itself remembers: history and jobs. Both are bounded; the oldest go first.

use super::trouble::Failure;
use crate::query::PAGE_ITEMS_MAX;
use crate::stats::HistoryEntry;
use prost::Message;
use schema::JobEvent;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

/// Entries of the history that are kept.
const HISTORY_ENTRIES_MAX: i64 = 100_000;
/// Jobs that are kept.
const JOBS_MAX: i64 = 10_000;

pub(super) async fn insert_history(
    connection: &mut SqliteConnection,
    input: &str,
    result: &str,
    time_ns: i64,
) -> Result<i64, Failure> {
    let id: i64 =
        sqlx::query_scalar("INSERT INTO history (input, result, time_ns) VALUES (?, ?, ?) RETURNING id")
            .bind(input)
            .bind(result)
            .bind(time_ns)
            .fetch_one(&mut *connection)
            .await?;
    sqlx::query("DELETE FROM history WHERE id <= ?")
        .bind(id - HISTORY_ENTRIES_MAX)
        .execute(connection)
        .await?;
    Ok(id)
}

pub(super) async fn history(
    connection: &mut SqliteConnection,
    limit: usize,
    before_id: Option<i64>,
) -> Result<Vec<HistoryEntry>, Failure> {
    let rows =
        sqlx::query("SELECT id, input, result, time_ns FROM history WHERE id < ? ORDER BY id DESC LIMIT ?")
            .bind(before_id.unwrap_or(i64::MAX))
            .bind(limit.min(PAGE_ITEMS_MAX) as i64)
            .fetch_all(connection)
            .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, input, result, time_ns) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        entries.push(HistoryEntry { id, input, result, time_ns });
    }
    Ok(entries)
}

pub(super) async fn put_job(connection: &mut SqliteConnection, job: &JobEvent) -> Result<(), Failure> {
    let row: i64 = sqlx::query_scalar(
        "INSERT INTO jobs (job_id, body) VALUES (?, ?) \
         ON CONFLICT (job_id) DO UPDATE SET body = excluded.body RETURNING row",
    )
    .bind(job.job_id.as_str())
    .bind(job.encode_to_vec())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM jobs WHERE row <= ?").bind(row - JOBS_MAX).execute(connection).await?;
    Ok(())
}

pub(super) async fn job(
    connection: &mut SqliteConnection,
    job_id: &str,
) -> Result<Option<JobEvent>, Failure> {
    let body: Option<Vec<u8>> = sqlx::query_scalar("SELECT body FROM jobs WHERE job_id = ?")
        .bind(job_id)
        .fetch_optional(connection)
        .await?;
    body.map(|body| read(&body)).transpose()
}

pub(super) async fn jobs(connection: &mut SqliteConnection, limit: usize) -> Result<Vec<JobEvent>, Failure> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM jobs ORDER BY row DESC LIMIT ?")
        .bind(limit.min(PAGE_ITEMS_MAX) as i64)
        .fetch_all(connection)
        .await?;
    bodies.iter().map(|body| read(body)).collect()
}

fn read(body: &[u8]) -> Result<JobEvent, Failure> {
    JobEvent::decode(body).map_err(|_| Failure::Damaged("a stored job cannot be read"))
}
