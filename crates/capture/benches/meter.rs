//! What a packet costs the meter: processor time at 10⁵, 10⁶ and 10⁷ packets of flows with twenty each, made in memory.
//!
//! `cargo bench -p capture`. Processor time of one thread from the kernel's own account (Linux): other load moves it little.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flow_meter::{Counted, Frame, LinkType, Meter, MeterConfig};
use schema::CaptureId;
use std::time::Duration;

#[path = "../examples/made/mod.rs"]
mod made;

// As the product has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Processor time that metering `count` packets takes, a million of them a minute.
fn metered(count: u32) -> Duration {
    let mut meter = Meter::new(MeterConfig::new(CaptureId::default(), "bench"));
    let mut out = Counted::default();
    let mut frames = vec![made::BLANK; 4096];
    let mut spent = Duration::ZERO;
    let mut next = 0;
    while next < count {
        let batch = (count - next).min(frames.len() as u32);
        for (at, bytes) in (next..).zip(frames.iter_mut().take(batch as usize)) {
            // Sixty-four flows at a time, each with a packet in turn.
            made::packet(at / 1280 * 64 + at % 64, at, bytes);
        }
        let before = made::cpu_time();
        let times = (next..next + batch).map(|at| 1_700_000_000_000_000_000 + i64::from(at) * 60_000);
        let each = frames.iter().zip(times).map(|(bytes, ts_ns)| Frame {
            ts_ns,
            link_type: LinkType::ETHERNET,
            wire_len: made::BYTES as u32,
            bytes,
        });
        meter.push_all(each, &mut out);
        spent += made::cpu_time().saturating_sub(before);
        next += batch;
    }
    let before = made::cpu_time();
    meter.drain(&mut out);
    spent + made::cpu_time().saturating_sub(before)
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("meter");
    group.sample_size(10);
    for count in [100_000, 1_000_000, 10_000_000] {
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |bencher, count| {
            bencher.iter_custom(|times| (0..times).map(|_| metered(*count)).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
