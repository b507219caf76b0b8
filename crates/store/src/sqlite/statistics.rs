//! Reads the statistics that the writer keeps up to date.

use super::tally::read_summary;
use super::trouble::Failure;
use crate::query::PAGE_ITEMS_MAX;
use crate::stats::{Capture, Count, Stats};
use schema::{CaptureId, ThreatCategory};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row};

/// Statistics of one capture or of everything. The connection must be in a transaction.
pub(super) async fn stats(
    connection: &mut SqliteConnection,
    capture: Option<CaptureId>,
) -> Result<Stats, Failure> {
    let id = capture.map(|id| id.0.to_vec()).unwrap_or_default();
    let row = sqlx::query("SELECT capture, summary FROM captures WHERE capture_id = ?")
        .bind(id.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    let mut stats = match row {
        Some(row) => read_summary(connection, row.try_get(0)?, row.try_get(1)?).await?.stats(),
        None => Stats::default(),
    };
    let mut sql = QueryBuilder::new(
        "SELECT category, count(*) FROM threats INDEXED BY threats_by_capture WHERE live = 1",
    );
    if capture.is_some() {
        sql.push(" AND capture_id = ").push_bind(id);
    }
    sql.push(" GROUP BY category ORDER BY count(*) DESC, category");
    for row in sql.build().fetch_all(connection).await? {
        let (category, count): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
        if let Ok(category) = ThreatCategory::try_from(category) {
            stats.threats.push((category, count as u64));
        }
    }
    Ok(stats)
}

/// All captures, last stored first.
pub(super) async fn captures(connection: &mut SqliteConnection) -> Result<Vec<Capture>, Failure> {
    let rows = sqlx::query(
        "SELECT capture_id, sensor, flows, packets, bytes, first_ns, last_ns, attacks, abnormal, stored_ns \
         FROM captures WHERE capture <> 0 ORDER BY stored_ns DESC, capture DESC LIMIT ?",
    )
    .bind(PAGE_ITEMS_MAX as i64)
    .fetch_all(connection)
    .await?;
    let mut captures = Vec::with_capacity(rows.len());
    for row in rows {
        let number = |at: usize| row.try_get::<i64, _>(at).map(|number| number as u64);
        captures.push(Capture {
            id: CaptureId::from_slice(row.try_get(0)?)
                .ok_or(Failure::Damaged("a capture's id is not one"))?,
            sensor: row.try_get(1)?,
            total: Count { flows: number(2)?, packets: number(3)?, bytes: number(4)? },
            first_ns: row.try_get(5)?,
            last_ns: row.try_get(6)?,
            attacks: number(7)?,
            abnormal: number(8)?,
            stored_ns: row.try_get(9)?,
        });
    }
    Ok(captures)
}

/// Predictions of one capture.
pub(super) async fn count(connection: &mut SqliteConnection, capture: CaptureId) -> Result<u64, Failure> {
    let flows: Option<i64> = sqlx::query_scalar("SELECT flows FROM captures WHERE capture_id = ?")
        .bind(capture.0.to_vec())
        .fetch_optional(connection)
        .await?;
    Ok(flows.unwrap_or(0) as u64)
}
