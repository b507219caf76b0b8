//! How fast captures are read: `cargo run --release -p capture --example read_rate -- FILE…`.
//!
//! Touches the first bytes of every frame, as a meter would, and keeps nothing. Each file is read in borrowed batches and
//! in those that can go to another thread.

use capture::{FrameBatch, FrameSource, Input, InputLimits, SourceError, open};
use std::io::{Write, stdout};
use std::time::Instant;

#[derive(Default)]
struct Sum {
    packets: u64,
    bytes: u64,
    touched: u64,
}

impl Sum {
    fn add(&mut self, batch: FrameBatch<'_>) {
        for frame in batch {
            self.packets += 1;
            self.bytes += frame.bytes.len() as u64;
            let first = frame.bytes.first_chunk::<8>().copied().unwrap_or_default();
            self.touched ^= u64::from_le_bytes(first) ^ frame.ts_ns as u64;
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Batches {
    Borrowed,
    Shared,
}

fn read(name: &str, batches: Batches) -> Result<Sum, SourceError> {
    let mut sum = Sum::default();
    for capture in open(&Input::from_argument(name), &InputLimits::own_files())? {
        let mut capture = capture?;
        match batches {
            Batches::Borrowed => {
                while let Some(batch) = capture.next_batch()? {
                    sum.add(batch);
                }
            }
            Batches::Shared => {
                while let Some(batch) = capture.next_shared()? {
                    sum.add(batch.as_batch());
                }
            }
        }
    }
    Ok(sum)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args().skip(1) {
        for batches in [Batches::Borrowed, Batches::Shared].repeat(5) {
            let start = Instant::now();
            let sum = read(&name, batches)?;
            let seconds = start.elapsed().as_secs_f64();
            writeln!(
                stdout(),
                "{name}, {batches:?}: {} packets in {seconds:.3} s, {:.1} M packets/s, {:.1} GB/s ({:x})",
                sum.packets,
                sum.packets as f64 / seconds / 1e6,
                sum.bytes as f64 / seconds / 1e9,
                sum.touched
            )?;
        }
    }
    Ok(())
}
