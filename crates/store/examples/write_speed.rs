//! How fast predictions are written, and how fast statistics are read meanwhile.
//!
//! `cargo run --release --example write_speed -- [predictions] [batch] [folder]`

#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/samples/mod.rs"]
mod samples;

use samples::Traffics;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use store::{PredictionQuery, Reader, SqliteReader, SqliteStore, StatsQuery, Store, StoreOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let batch: u64 = arguments.next().map_or(Ok(4096), |text| text.parse())?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or(temporary.path().to_owned(), PathBuf::from);
    let mut store = SqliteStore::open(StoreOptions::new(folder.join("flows.db")))?;
    let traffic = Traffics::new("speed");
    let sample = traffic.prediction(7);
    let features = sample.record.map_or(0, |record| record.features.len());
    let mut cost = Cost::default();
    write(&mut store, &traffic, 0..count, batch, &mut cost)?;
    let is_done = AtomicBool::new(false);
    let slowest = std::thread::scope(|scope| {
        let reading = scope.spawn(|| slowest_stats(&store.reader(), &is_done));
        let written =
            write(&mut store.clone(), &traffic, count..count + count / 4, batch, &mut Cost::default());
        is_done.store(true, Ordering::Relaxed);
        written?;
        reading.join().map_err(|_| Box::<dyn Error>::from("the reader failed"))
    })?;
    let bytes = std::fs::metadata(folder.join("flows.db"))?.len();
    let per = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    let mut out = std::io::stdout();
    writeln!(out, "predictions           {count} in batches of {batch}, {features} bytes of features each")?;
    writeln!(
        out,
        "CPU time              {:.2} µs each = {:.0}/s on one core",
        per(cost.cpu),
        1e6 / per(cost.cpu)
    )?;
    writeln!(out, "wall time             {:.2} µs each = {:.0}/s", per(cost.wall), 1e6 / per(cost.wall))?;
    writeln!(out, "database              {:.0} bytes each", bytes as f64 / (count + count / 4) as f64)?;
    writeln!(out, "statistics, meanwhile {:?} at most, over {} questions", slowest.0, slowest.1)?;
    ask(&store.reader(), &traffic, count)
}

#[derive(Default)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

fn write(
    store: &mut SqliteStore,
    traffic: &Traffics,
    numbers: std::ops::Range<u64>,
    batch: u64,
    cost: &mut Cost,
) -> Result<(), Box<dyn Error>> {
    for from in numbers.clone().step_by(batch as usize) {
        let predictions = traffic.batch(from, (from + batch).min(numbers.end));
        let (cpu_before, start) = (cpu_time(), Instant::now());
        store.write_predictions(&predictions)?;
        cost.cpu += cpu_time().saturating_sub(cpu_before);
        cost.wall += start.elapsed();
    }
    Ok(())
}

/// CPU time of the whole process: SQLite works on a thread of its own.
fn cpu_time() -> Duration {
    // User and system time are fields 14 and 15 of this line, in hundredths of a second.
    let line = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = line.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn slowest_stats(reader: &SqliteReader, is_done: &AtomicBool) -> (Duration, u64) {
    let (mut slowest, mut asked) = (Duration::ZERO, 0);
    runtime().block_on(async {
        while !is_done.load(Ordering::Relaxed) {
            let start = Instant::now();
            reader.stats(StatsQuery::default()).await.expect("statistics");
            slowest = slowest.max(start.elapsed());
            asked += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    (slowest, asked)
}

fn ask(reader: &SqliteReader, traffic: &Traffics, count: u64) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let middle = traffic.prediction(count / 2).record.unwrap_or_default();
    let address = schema::ids::address(&middle.source_ip);
    let id = schema::FlowId::from_slice(&middle.flow_id).ok_or("an id")?;
    let questions = [
        ("newest 100", PredictionQuery::default()),
        ("of a capture", PredictionQuery { capture: Some(traffic.capture), ..Default::default() }),
        ("attacks", PredictionQuery { attacks_only: true, ..Default::default() }),
        ("of a host", PredictionQuery { address, limit: 1000, ..Default::default() }),
        ("of no host", PredictionQuery { address: Some([1, 2, 3, 4].into()), ..Default::default() }),
    ];
    runtime().block_on(async {
        for (name, query) in questions {
            let start = Instant::now();
            let items = reader.predictions(query).await?.items.len();
            writeln!(out, "question              {name}: {items} in {:?}", start.elapsed())?;
        }
        let start = Instant::now();
        let found = reader.prediction(id).await?.is_some();
        writeln!(out, "question              by id: {found} in {:?}", start.elapsed())?;
        Ok(())
    })
}
