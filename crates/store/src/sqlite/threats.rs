//! Writes a batch of threats inside a transaction.

use super::trouble::Failure;
use crate::WriteVerdict;
use prost::Message;
use schema::{CaptureId, Threat, ThreatCategory, ThreatId};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use std::sync::Arc;

/// One statement an item: threats are few, and each depends on the version before it.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    batch: &[Arc<Threat>],
    now_ns: i64,
) -> Result<Vec<WriteVerdict>, Failure> {
    let mut verdicts = Vec::with_capacity(batch.len());
    for threat in batch {
        verdicts.push(match understood(threat) {
            Ok(()) => write_one(connection, threat, now_ns).await?,
            Err(reason) => WriteVerdict::Rejected(reason),
        });
    }
    Ok(verdicts)
}

fn understood(threat: &Threat) -> Result<(), String> {
    let id = |name, bytes: &[u8]| {
        ThreatId::from_slice(bytes).ok_or_else(|| format!("{name} has {} bytes, not 16", bytes.len()))
    };
    id("threat_id", &threat.threat_id)?;
    let _capture: CaptureId = id("capture_id", &threat.capture_id)?;
    if !threat.superseded_by.is_empty() {
        id("superseded_by", &threat.superseded_by)?;
    }
    schema::ids::address(&threat.subject_ip)
        .ok_or_else(|| format!("subject_ip has {} bytes, not 4 or 16", threat.subject_ip.len()))?;
    ThreatCategory::try_from(threat.category)
        .map_err(|_| format!("there is no threat category {}", threat.category))?;
    Ok(())
}

async fn write_one(
    connection: &mut SqliteConnection,
    threat: &Threat,
    now_ns: i64,
) -> Result<WriteVerdict, Failure> {
    let live = threat.superseded_by.is_empty();
    let body = threat.encode_to_vec();
    let there = sqlx::query("SELECT flows, live, body FROM threats WHERE threat_id = ?")
        .bind(threat.threat_id.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(there) = there {
        let (flows, was_live): (i64, bool) = (there.try_get(0)?, there.try_get(1)?);
        let is_older = (threat.flows as i64) < flows;
        // Once absorbed, only evidence that the absorbed run never had makes it a threat of its own again.
        let is_echo = live && !was_live && threat.flows as i64 == flows;
        if is_older || is_echo || there.try_get::<&[u8], _>(2)? == body {
            return Ok(WriteVerdict::AlreadyStored);
        }
    }
    sqlx::query(
        "INSERT INTO threats (threat_id, capture_id, category, subject, start_ns, flows, severity, stored_ns, live, \
         body) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (threat_id) DO UPDATE SET capture_id = excluded.capture_id, \
         category = excluded.category, subject = excluded.subject, start_ns = excluded.start_ns, \
         flows = excluded.flows, severity = excluded.severity, stored_ns = excluded.stored_ns, live = excluded.live, \
         body = excluded.body",
    )
    .bind(threat.threat_id.as_slice())
    .bind(threat.capture_id.as_slice())
    .bind(threat.category)
    .bind(threat.subject_ip.as_slice())
    .bind(threat.start_ns)
    .bind(threat.flows as i64)
    .bind(threat.severity)
    .bind(now_ns)
    .bind(live)
    .bind(body)
    .execute(connection)
    .await?;
    Ok(WriteVerdict::Stored)
}
