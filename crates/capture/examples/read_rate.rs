//! How fast captures are read: `cargo run --release -p capture --example read_rate -- FILE…`.
//!
//! Touches the first bytes of every frame, as a meter would, and keeps nothing.

use capture::{FrameSource, Input, InputLimits, SourceError, open};
use std::io::{Write, stdout};
use std::time::Instant;

#[derive(Default)]
struct Sum {
    packets: u64,
    bytes: u64,
    touched: u64,
}

fn read(name: &str) -> Result<Sum, SourceError> {
    let mut sum = Sum::default();
    for capture in open(&Input::from_argument(name), &InputLimits::own_files())? {
        let mut capture = capture?;
        while let Some(batch) = capture.next_batch()? {
            for frame in batch {
                sum.packets += 1;
                sum.bytes += frame.bytes.len() as u64;
                let first = frame.bytes.first_chunk::<8>().copied().unwrap_or_default();
                sum.touched ^= u64::from_le_bytes(first) ^ frame.ts_ns as u64;
            }
        }
    }
    Ok(sum)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args().skip(1) {
        for _ in 0..5 {
            let start = Instant::now();
            let sum = read(&name)?;
            let seconds = start.elapsed().as_secs_f64();
            writeln!(
                stdout(),
                "{name}: {} packets in {seconds:.3} s, {:.1} M packets/s, {:.1} GB/s ({:x})",
                sum.packets,
                sum.packets as f64 / seconds / 1e6,
                sum.bytes as f64 / seconds / 1e9,
                sum.touched
            )?;
        }
    }
    Ok(())
}
