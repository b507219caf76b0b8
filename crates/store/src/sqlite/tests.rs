//! Retention, with a clock of the test's own.

#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "../../tests/samples/mod.rs"]
mod samples;

use super::{SqliteStore, StoreOptions};
use crate::{PredictionQuery, Reader, Removed, StatsQuery};
use samples::{Traffics, threat};
use schema::{Prediction, ThreatCategory};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const MINUTE_NS: i64 = 60_000_000_000;
const START_NS: i64 = 1_800_000_000_000_000_000;

struct Place {
    store: SqliteStore,
    folder: TempDir,
}

impl Place {
    fn new(change: impl Fn(&mut StoreOptions)) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut options =
            StoreOptions { disk_free_min_bytes: 0, ..StoreOptions::new(folder.path().join("flows.db")) };
        change(&mut options);
        Self { store: SqliteStore::open(options).expect("a store"), folder }
    }

    fn write(&self, batch: &[Arc<Prediction>], now_ns: i64) {
        self.store.wait(async {
            let mut writer = self.store.shared.writer.lock().await;
            writer.write_predictions(batch, now_ns).await.expect("written");
        });
    }

    fn retain(&self, now_ns: i64) -> Removed {
        self.store.wait(self.store.shared.retain(now_ns, usize::MAX)).expect("retained")
    }

    fn flows(&self) -> u64 {
        let reader = self.store.reader();
        self.store.wait(async {
            let stats = reader.stats(StatsQuery::default()).await.expect("statistics");
            let mut query = PredictionQuery { limit: 1000, ..Default::default() };
            let mut found = 0;
            loop {
                let page = reader.predictions(query.clone()).await.expect("a page");
                found += page.items.len() as u64;
                query.cursor = page.next;
                if query.cursor.is_none() {
                    break;
                }
            }
            assert_eq!(stats.total.flows, found);
            assert_eq!(
                stats.timeline.points.iter().map(|point| point.count.packets).sum::<u64>(),
                stats.total.packets
            );
            let rare = PredictionQuery { attacks_only: true, ..Default::default() };
            assert_eq!(reader.predictions(rare).await.expect("a page").items.is_empty(), found == 0);
            found
        })
    }
}

#[test]
fn what_is_too_old_goes_and_the_rest_stays() {
    let place = Place::new(|options| options.retention_age = Some(Duration::from_hours(1)));
    let (old, new) = (Traffics::new("old"), Traffics::new("new"));
    place.write(&old.batch(0, 5_000), START_NS);
    place.write(&new.batch(0, 3_000), START_NS + 30 * MINUTE_NS);
    let threats = [&old, &new].map(|traffic| Arc::new(threat(traffic.capture, 1, ThreatCategory::Dos, 1)));
    place.store.wait(async {
        let mut writer = place.store.shared.writer.lock().await;
        writer.write_threats(&threats, START_NS + 30 * MINUTE_NS).await.expect("written");
    });
    assert_eq!(place.retain(START_NS + 60 * MINUTE_NS), Removed::default());
    assert_eq!(place.flows(), 8_000);
    let removed = place.retain(START_NS + 62 * MINUTE_NS);
    assert_eq!((removed.predictions_by_age, removed.predictions_by_size), (5_000, 0));
    assert_eq!(removed.threats, 1, "the threat of a capture that is gone goes with it");
    assert_eq!(place.flows(), 3_000);
    let captures = place.store.wait(place.store.reader().captures()).expect("captures");
    assert_eq!(captures.iter().map(|capture| capture.id).collect::<Vec<_>>(), [new.capture]);
    // Its statistics are those of a store that never had the old ones.
    let other = Place::new(|_| {});
    other.write(&new.batch(0, 3_000), START_NS);
    let stats = |place: &Place| {
        place.store.wait(place.store.reader().stats(StatsQuery::default())).expect("statistics")
    };
    let (mut kept, fresh) = (stats(&place), stats(&other));
    kept.last_ns = fresh.last_ns;
    kept.threats.clear();
    assert_eq!(kept, fresh);
    // The old capture may come again.
    place.write(&old.batch(0, 10), START_NS + 62 * MINUTE_NS);
    assert_eq!(place.flows(), 3_010);
}

#[test]
fn the_last_ones_written_grow_old_too() {
    let place = Place::new(|options| options.retention_age = Some(Duration::from_hours(1)));
    place.write(&Traffics::new("a").batch(0, 100), START_NS);
    place.write(&Traffics::new("a").batch(100, 200), START_NS + MINUTE_NS / 2);
    assert_eq!(place.retain(START_NS + 60 * MINUTE_NS), Removed::default());
    assert_eq!(place.retain(START_NS + 62 * MINUTE_NS).predictions_by_age, 200);
    assert_eq!(place.flows(), 0);
    let stats = place.store.wait(place.store.reader().stats(StatsQuery::default())).expect("statistics");
    assert_eq!(stats, crate::Stats::default());
}

#[test]
fn a_store_above_its_size_loses_the_oldest_and_gives_room_back() {
    let size_max = 12 << 20;
    let place = Place::new(|options| options.size_max_bytes = Some(size_max));
    let traffic = Traffics::new("a");
    for from in (0..24_000).step_by(2_000) {
        place.write(&traffic.batch(from, from + 2_000), START_NS);
    }
    let removed = place.retain(START_NS);
    assert!(removed.predictions_by_size > 10_000, "{removed:?}");
    assert!(removed.freed_bytes > 5 << 20, "{removed:?}");
    assert_eq!(place.flows(), 24_000 - removed.predictions_by_size);
    let newest = crate::CaptureId::from_slice(&traffic.prediction(23_999).record.expect("a record").flow_id);
    let reader = place.store.reader();
    assert!(place.store.wait(reader.prediction(newest.expect("an id"))).expect("answer").is_some());
    assert_eq!(place.retain(START_NS), Removed::default(), "nothing is left to do");
    assert_eq!(place.store.removed(), removed);
    let file = std::fs::metadata(place.folder.path().join("flows.db")).expect("the file");
    assert!(file.len() < size_max + size_max / 4, "{}", file.len());
}

#[test]
fn writing_brings_retention_along() {
    use crate::Store;
    let mut place = Place::new(|options| options.size_max_bytes = Some(8 << 20));
    let traffic = Traffics::new("a");
    for from in (0..30_000).step_by(1_000) {
        place.store.write_predictions(&traffic.batch(from, from + 1_000)).expect("written");
    }
    assert!(place.store.removed().predictions_by_size > 10_000, "{:?}", place.store.removed());
    assert_eq!(place.flows(), 30_000 - place.store.removed().predictions_by_size);
}

#[test]
fn a_body_that_cannot_be_read_does_not_stop_retention() {
    let place = Place::new(|options| options.retention_age = Some(Duration::from_mins(1)));
    place.write(&Traffics::new("a").batch(0, 50), START_NS);
    place.store.wait(async {
        let mut writer = place.store.shared.writer.lock().await;
        let damage = "UPDATE bodies SET body = x'07' WHERE row = 9";
        sqlx::query(damage).execute(&mut writer.connection).await.expect("damaged");
    });
    let reader = place.store.reader();
    assert!(place.store.wait(reader.predictions(PredictionQuery::default())).is_err());
    assert_eq!(place.retain(START_NS + 3 * MINUTE_NS).predictions_by_age, 50);
    let page = place.store.wait(reader.predictions(PredictionQuery::default())).expect("a page");
    assert!(page.items.is_empty());
}
