//! The statistics in the writer's hands: read once, changed with each stored flow, written with the flows' transaction.

use super::batch::Batched;
use super::trouble::Failure;
use crate::summary::{Sighting, Summary};
use schema::CaptureId;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Row};
use std::collections::HashMap;

/// Captures whose statistics (at worst 1 MiB each) stay in memory between batches. A batch may hold more; those are let go after it.
const CAPTURES_KEPT: usize = 16;
/// Number of the capture that stands for everything.
pub(super) const EVERYTHING: i64 = 0;

/// Statistics of one capture.
#[derive(Debug)]
struct Entry {
    number: i64,
    id: Vec<u8>,
    sensor: String,
    stored_ns: i64,
    summary: Summary,
    is_dirty: bool,
}

/// Statistics of everything and of the captures of late.
#[derive(Debug)]
pub(super) struct Tally {
    everything: Entry,
    captures: HashMap<CaptureId, Entry>,
    next_number: i64,
    upsert_hosts: Batched,
}

impl Tally {
    pub(super) async fn read(connection: &mut SqliteConnection, now_ns: i64) -> Result<Self, Failure> {
        let largest: Option<i64> =
            sqlx::query_scalar("SELECT max(capture) FROM captures").fetch_one(&mut *connection).await?;
        let everything = match Entry::read(connection, &[]).await? {
            Some(entry) => entry,
            None => Entry::new(EVERYTHING, &[], String::new(), now_ns),
        };
        let upsert_hosts = Batched::new(
            "INSERT INTO hosts (capture, side, shard, hosts) VALUES",
            4,
            "ON CONFLICT DO UPDATE SET hosts = excluded.hosts",
        );
        let next_number = largest.unwrap_or(EVERYTHING) + 1;
        Ok(Self { everything, captures: HashMap::new(), next_number, upsert_hosts })
    }

    /// The number of a capture, with its statistics at hand from here on. A new one gets a number.
    pub(super) async fn number(
        &mut self,
        connection: &mut SqliteConnection,
        id: CaptureId,
        sensor: &str,
        now_ns: i64,
    ) -> Result<i64, Failure> {
        if let Some(entry) = self.captures.get(&id) {
            return Ok(entry.number);
        }
        let entry = if let Some(entry) = Entry::read(connection, &id.0).await? {
            entry
        } else {
            self.next_number += 1;
            Entry::new(self.next_number - 1, &id.0, sensor.to_owned(), now_ns)
        };
        let number = entry.number;
        self.captures.insert(id, entry);
        Ok(number)
    }

    /// Counts a flow that was stored. Its capture must be at hand.
    pub(super) fn add(&mut self, capture: CaptureId, flow: &Sighting<'_>) {
        for entry in self.captures.get_mut(&capture).into_iter().chain([&mut self.everything]) {
            entry.summary.add(flow);
            entry.is_dirty = true;
        }
    }

    /// Counts a flow no more. Its capture must be at hand.
    pub(super) fn remove(&mut self, capture: CaptureId, flow: &Sighting<'_>) {
        for entry in self.captures.get_mut(&capture).into_iter().chain([&mut self.everything]) {
            entry.summary.remove(flow);
            entry.is_dirty = true;
        }
    }

    /// Nothing before `first_ns` is left.
    pub(super) fn begin_at(&mut self, first_ns: i64) {
        self.everything.summary.first_ns = first_ns;
        self.everything.is_dirty = true;
    }

    /// Writes what changed; gives the ids of captures that have no flow left and are gone now.
    pub(super) async fn write(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<CaptureId>, Failure> {
        let mut gone = Vec::new();
        for (id, entry) in &mut self.captures {
            if entry.is_dirty && entry.summary.total.flows == 0 {
                entry.delete(connection).await?;
                gone.push(*id);
            } else if entry.is_dirty {
                entry.write(connection, &self.upsert_hosts).await?;
            }
        }
        if self.everything.is_dirty {
            self.everything.write(connection, &self.upsert_hosts).await?;
        }
        for id in &gone {
            self.captures.remove(id);
        }
        if self.captures.len() > CAPTURES_KEPT {
            self.captures.clear();
        }
        Ok(gone)
    }
}

impl Entry {
    fn new(number: i64, id: &[u8], sensor: String, stored_ns: i64) -> Self {
        let summary = Summary::default();
        Self { number, id: id.to_vec(), sensor, stored_ns, summary, is_dirty: false }
    }

    async fn read(connection: &mut SqliteConnection, id: &[u8]) -> Result<Option<Self>, Failure> {
        let row =
            sqlx::query("SELECT capture, sensor, stored_ns, summary FROM captures WHERE capture_id = ?")
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let number = row.try_get(0)?;
        let (sensor, stored_ns) = (row.try_get(1)?, row.try_get(2)?);
        let summary = read_summary(connection, number, row.try_get(3)?).await?;
        Ok(Some(Self { number, id: id.to_vec(), sensor, stored_ns, summary, is_dirty: false }))
    }

    async fn write(
        &mut self,
        connection: &mut SqliteConnection,
        upsert_hosts: &Batched,
    ) -> Result<(), Failure> {
        let summary = &self.summary;
        sqlx::query(
            "INSERT INTO captures (capture, capture_id, sensor, stored_ns, flows, packets, bytes, first_ns, last_ns, \
             attacks, abnormal, summary) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) \
             ON CONFLICT (capture) DO UPDATE SET flows = excluded.flows, packets = excluded.packets, \
             bytes = excluded.bytes, first_ns = excluded.first_ns, last_ns = excluded.last_ns, \
             attacks = excluded.attacks, abnormal = excluded.abnormal, summary = excluded.summary",
        )
        .bind(self.number)
        .bind(self.id.as_slice())
        .bind(self.sensor.as_str())
        .bind(self.stored_ns)
        .bind(summary.total.flows as i64)
        .bind(summary.total.packets as i64)
        .bind(summary.total.bytes as i64)
        .bind(summary.first_ns)
        .bind(summary.last_ns)
        .bind(summary.attacks() as i64)
        .bind(summary.abnormal.flows as i64)
        .bind(summary.to_bytes())
        .execute(&mut *connection)
        .await?;
        let mut shards = Vec::new();
        for (side, table) in self.summary.sides.iter_mut().enumerate() {
            shards.extend(table.take_dirty().into_iter().map(|(shard, bytes)| (side, shard, bytes)));
        }
        for (sql, piece) in upsert_hosts.pieces(&shards) {
            let mut arguments = SqliteArguments::default();
            arguments.reserve(piece.len() * 4, 0);
            for (side, shard, bytes) in piece {
                let added = (arguments.add(self.number))
                    .and_then(|()| arguments.add(*side as i64))
                    .and_then(|()| arguments.add(*shard as i64))
                    .and_then(|()| arguments.add(bytes.as_slice()));
                added.map_err(sqlx::Error::Encode)?;
            }
            sqlx::query_with(sql, arguments).execute(&mut *connection).await?;
        }
        self.is_dirty = false;
        Ok(())
    }

    async fn delete(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        for sql in ["DELETE FROM captures WHERE capture = ?", "DELETE FROM hosts WHERE capture = ?"] {
            sqlx::query(sql).bind(self.number).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// A capture's stored statistics, hosts included.
pub(super) async fn read_summary(
    connection: &mut SqliteConnection,
    number: i64,
    bytes: &[u8],
) -> Result<Summary, Failure> {
    let damaged = || Failure::Damaged("the statistics of a capture cannot be read");
    let mut summary = Summary::from_bytes(bytes).ok_or_else(damaged)?;
    let shards = sqlx::query("SELECT side, shard, hosts FROM hosts WHERE capture = ?")
        .bind(number)
        .fetch_all(connection)
        .await?;
    for row in shards {
        let (side, shard): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let side = usize::try_from(side).ok().and_then(|side| summary.sides.get_mut(side));
        let shard = usize::try_from(shard).map_err(|_| damaged())?;
        side.and_then(|table| table.put(shard, row.try_get(2).ok()?)).ok_or_else(damaged)?;
    }
    Ok(summary)
}
