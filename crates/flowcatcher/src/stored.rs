//! The embedded store and its two sinks.

use crate::exit::BadInput;
use crate::pipeline::Pipeline;
use anyhow::Context as _;
use bus::{NoOutput, Stop};
use service::Settings;
use sink::{PredictionSink, SinkCounters, ThreatSink, WhenFull};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use store::{Reader, SqliteStore, Store as _, StoreOptions};

const DAY: Duration = Duration::from_hours(24);
/// How often age is looked at while nothing is written.
const RETENTION_EVERY: Duration = Duration::from_mins(1);

/// What the rest needs to know of the store.
pub(crate) struct Stored {
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) sinks: [(&'static str, Arc<SinkCounters>); 2],
}

/// Opens the store of the settings and adds its sinks to the pipeline.
pub(crate) fn attach(
    pipeline: &mut Pipeline,
    settings: &Settings,
    when_full: WhenFull,
) -> anyhow::Result<Stored> {
    let options = options(settings)?;
    let path = options.path.clone();
    let store = SqliteStore::open(options)
        .with_context(|| format!("the store {} cannot be opened", path.display()))?;
    let reader = Arc::new(store.reader());
    let predictions = PredictionSink::new(Box::new(store.clone()), when_full);
    let threats = ThreatSink::new(Box::new(store.clone()), when_full);
    let sinks = [("predictions", predictions.counters()), ("threats", threats.counters())];
    let (from_predictions, from_threats) =
        (pipeline.predictions.consumer("sink"), pipeline.threats.consumer("sink"));
    pipeline.spawn(predictions, from_predictions, NoOutput)?;
    pipeline.spawn(threats, from_threats, NoOutput)?;
    retain_now_and_then(store, pipeline.stop.clone())?;
    Ok(Stored { reader, sinks })
}

fn options(settings: &Settings) -> anyhow::Result<StoreOptions> {
    let store = &settings.store;
    let age = (store.retention_days > 0).then(|| DAY * store.retention_days);
    let size = (store.size_max_bytes.0 > 0).then_some(store.size_max_bytes.0);
    Ok(StoreOptions {
        retention_age: age,
        size_max_bytes: size,
        disk_free_min_bytes: store.disk_free_min_bytes.0,
        ..StoreOptions::new(sqlite_path(&settings.store_url())?)
    })
}

/// The file of a `sqlite://` URL; `%XX` stands for a byte.
fn sqlite_path(url: &str) -> anyhow::Result<PathBuf> {
    let path = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()).ok_or_else(|| {
        BadInput(format!(
            "store.url is {url}; this build keeps its store in SQLite, like sqlite:///var/lib/flowcatcher.db"
        ))
    })?;
    let path = path.split('?').next().unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writing removes what is too old by itself; this does it where nothing is written. Ends with the process.
fn retain_now_and_then(mut store: SqliteStore, stop: Stop) -> anyhow::Result<()> {
    let work = move || {
        while !stop.wait_timeout(RETENTION_EVERY) {
            if let Err(error) = store.retain() {
                tracing::warn!(%error, "retention failed");
            }
        }
    };
    thread::Builder::new().name("retention".to_owned()).spawn(work).context("starting a thread")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_urls() {
        for (url, path) in [
            ("sqlite:///var/lib/x.db", "/var/lib/x.db"),
            ("sqlite://x.db", "x.db"),
            ("sqlite:///a%20b%25/x.db?mode=rwc", "/a b%/x.db"),
            ("sqlite:///50%/x.db", "/50%/x.db"),
        ] {
            assert_eq!(sqlite_path(url).expect("path"), PathBuf::from(path));
        }
        for url in ["postgres://h/d", "sqlite://", "x.db"] {
            assert!(sqlite_path(url).is_err(), "{url}");
        }
    }
}
