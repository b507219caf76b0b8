//! Finds predictions and threats.

use super::predictions::GENERATION_BITS;
use super::trouble::Failure;
use crate::cursor::{Cursor, fingerprint};
use crate::packing;
use crate::query::{PAGE_ITEMS_MAX, Page, PredictionQuery, ThreatQuery};
use prost::Message;
use schema::category::CATEGORIES;
use schema::ids::address_bytes;
use schema::{CaptureId, FlowId, Id, Prediction, Threat, ThreatId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};

/// A page of predictions. The connection must be in a transaction, so that all statements see one state.
pub(super) async fn predictions(
    connection: &mut SqliteConnection,
    query: &PredictionQuery,
) -> Result<Page<Prediction>, Failure> {
    let print = fingerprint(&PredictionQuery { cursor: None, limit: 0, ..query.clone() });
    let cursor = query.cursor.as_deref().map(|text| Cursor::from_text(text, print)).transpose()?;
    let row_max = row_max(connection, "SELECT max(row) FROM bodies", cursor).await?;
    // Whoever looks for the rare ones walks only over them.
    let has_rare = query.attacks_only
        || query.abnormal_only
        || query.threat_category.is_some_and(|category| category as i32 != 0);
    let mut sql = QueryBuilder::new("SELECT f.start_ns, f.flow_id, b.body FROM flows AS f ");
    sql.push(if has_rare { "INDEXED BY flows_flagged" } else { "NOT INDEXED" });
    sql.push(" CROSS JOIN bodies AS b ON b.row = f.row WHERE f.row <= ").push_bind(row_max);
    if has_rare {
        sql.push(" AND (f.category <> 0 OR f.abnormal <> 0)");
    }
    if let Some(id) = query.capture {
        let Some((number, first_ns, last_ns)) = capture_times(connection, id).await? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        sql.push(" AND f.capture = ").push_bind(number);
        sql.push(" AND f.start_ns >= ").push_bind(first_ns).push(" AND f.start_ns <= ").push_bind(last_ns);
    }
    flow_filters(&mut sql, query);
    if let Some(cursor) = cursor {
        sql.push(" AND (f.start_ns, f.flow_id) < (").push_bind(cursor.start_ns);
        sql.push(", ").push_bind(cursor.id.0.to_vec()).push(")");
    }
    let limit = query.limit.clamp(1, PAGE_ITEMS_MAX);
    sql.push(" ORDER BY f.start_ns DESC, f.flow_id DESC LIMIT ").push_bind(limit as i64 + 1);
    let rows = sql.build().persistent(false).fetch_all(connection).await?;
    page(&rows, limit, row_max, print, packing::unpack)
}

fn flow_filters(sql: &mut QueryBuilder<Sqlite>, query: &PredictionQuery) {
    if let Some(address) = query.address {
        let address = address_bytes(address);
        sql.push(" AND (f.source = ").push_bind(address.clone());
        sql.push(" OR f.destination = ").push_bind(address).push(")");
    }
    if let Some(port) = query.port {
        sql.push(" AND (f.source_port = ").push_bind(port);
        sql.push(" OR f.destination_port = ").push_bind(port).push(")");
    }
    if let Some(class) = query.traffic_class {
        sql.push(" AND f.class = ").push_bind(class as i32);
    }
    if let Some(category) = query.threat_category {
        sql.push(" AND f.category = ").push_bind(category as i32);
    }
    if query.attacks_only {
        let attacks: Vec<String> = CATEGORIES
            .into_iter()
            .filter(|category| category.is_attack())
            .map(|category| (category as i32).to_string())
            .collect();
        sql.push(format_args!(" AND f.category IN ({})", attacks.join(",")));
    }
    if query.abnormal_only {
        sql.push(" AND f.abnormal <> 0");
    }
    if let Some(severity) = query.severity_min {
        sql.push(" AND f.severity >= ").push_bind(severity);
    }
    if let Some(from_ns) = query.from_ns {
        sql.push(" AND f.start_ns >= ").push_bind(from_ns);
    }
    if let Some(to_ns) = query.to_ns {
        sql.push(" AND f.start_ns < ").push_bind(to_ns);
    }
}

/// One prediction: asks each generation of rows, the newest first.
pub(super) async fn prediction(
    connection: &mut SqliteConnection,
    id: FlowId,
) -> Result<Option<Prediction>, Failure> {
    let ends = sqlx::query("SELECT (SELECT min(row) FROM bodies), (SELECT max(row) FROM bodies)")
        .fetch_one(&mut *connection)
        .await?;
    let (first, last): (Option<i64>, Option<i64>) = (ends.try_get(0)?, ends.try_get(1)?);
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let body: Option<Vec<u8>> = sqlx::query_scalar(
        "WITH RECURSIVE generations (number) AS \
         (VALUES (?1) UNION ALL SELECT number - 1 FROM generations WHERE number > ?2) \
         SELECT b.body FROM generations AS g \
         CROSS JOIN flows AS f INDEXED BY flows_by_id ON f.generation = g.number AND f.flow_id = ?3 \
         CROSS JOIN bodies AS b ON b.row = f.row LIMIT 1",
    )
    .bind(last >> GENERATION_BITS)
    .bind(first >> GENERATION_BITS)
    .bind(id.0.to_vec())
    .fetch_optional(connection)
    .await?;
    body.map(|body| packing::unpack(&body).ok_or(UNREADABLE)).transpose()
}

/// A page of threats. The connection must be in a transaction.
pub(super) async fn threats(
    connection: &mut SqliteConnection,
    query: &ThreatQuery,
) -> Result<Page<Threat>, Failure> {
    let print = fingerprint(&ThreatQuery { cursor: None, limit: 0, ..query.clone() });
    let cursor = query.cursor.as_deref().map(|text| Cursor::from_text(text, print)).transpose()?;
    let row_max = row_max(connection, "SELECT max(row) FROM threats", cursor).await?;
    let mut sql =
        QueryBuilder::new("SELECT start_ns, threat_id, body FROM threats WHERE live = 1 AND row <= ");
    sql.push_bind(row_max);
    if let Some(id) = query.capture {
        sql.push(" AND capture_id = ").push_bind(id.0.to_vec());
    }
    if let Some(subject) = query.subject {
        sql.push(" AND subject = ").push_bind(address_bytes(subject));
    }
    if let Some(category) = query.category {
        sql.push(" AND category = ").push_bind(category as i32);
    }
    if let Some(severity) = query.severity_min {
        sql.push(" AND severity >= ").push_bind(severity);
    }
    if let Some(from_ns) = query.from_ns {
        sql.push(" AND start_ns >= ").push_bind(from_ns);
    }
    if let Some(to_ns) = query.to_ns {
        sql.push(" AND start_ns < ").push_bind(to_ns);
    }
    if let Some(cursor) = cursor {
        sql.push(" AND (start_ns, threat_id) < (").push_bind(cursor.start_ns);
        sql.push(", ").push_bind(cursor.id.0.to_vec()).push(")");
    }
    let limit = query.limit.clamp(1, PAGE_ITEMS_MAX);
    sql.push(" ORDER BY start_ns DESC, threat_id DESC LIMIT ").push_bind(limit as i64 + 1);
    let rows = sql.build().persistent(false).fetch_all(connection).await?;
    page(&rows, limit, row_max, print, |body| Threat::decode(body).ok())
}

/// One threat.
pub(super) async fn threat(
    connection: &mut SqliteConnection,
    id: ThreatId,
) -> Result<Option<Threat>, Failure> {
    let body: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM threats WHERE threat_id = ? AND live = 1")
            .bind(id.0.to_vec())
            .fetch_optional(connection)
            .await?;
    body.map(|body| Threat::decode(body.as_slice()).map_err(|_| UNREADABLE)).transpose()
}

const UNREADABLE: Failure = Failure::Damaged("a stored document cannot be read");

/// What the first page of a query saw; later pages see no more.
async fn row_max(
    connection: &mut SqliteConnection,
    sql: &'static str,
    cursor: Option<Cursor>,
) -> Result<i64, Failure> {
    if let Some(cursor) = cursor {
        return Ok(cursor.row_max);
    }
    let last: Option<i64> = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(last.unwrap_or(0))
}

async fn capture_times(
    connection: &mut SqliteConnection,
    id: CaptureId,
) -> Result<Option<(i64, i64, i64)>, Failure> {
    let row = sqlx::query("SELECT capture, first_ns, last_ns FROM captures WHERE capture_id = ?")
        .bind(id.0.to_vec())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
}

/// Makes a page of up to `limit` rows (start, id, body); one row more says that there is a next page.
fn page<T>(
    rows: &[SqliteRow],
    limit: usize,
    row_max: i64,
    fingerprint: [u8; 4],
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Page<T>, Failure> {
    let has_next = rows.len() > limit;
    let rows = &rows[..rows.len().min(limit)];
    let items = rows.iter().map(|row| read(row.try_get(2)?).ok_or(UNREADABLE));
    let items = items.collect::<Result<Vec<T>, Failure>>()?;
    let next = match rows.last().filter(|_| has_next) {
        Some(last) => {
            let id = Id::from_slice(last.try_get(1)?).ok_or(UNREADABLE)?;
            let cursor = Cursor { row_max, start_ns: last.try_get(0)?, id };
            Some(cursor.to_text(fingerprint))
        }
        None => None,
    };
    Ok(Page { items, next })
}
