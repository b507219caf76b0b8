//! How fast the meter is on a capture, beside a program that meters one as fast as the machine can. Processor time of one
//! thread, from the kernel's own account (Linux).
//!
//! `cargo run --release -p capture --example speed CAPTURE [CEILING]`: `CEILING CAPTURE 1 once` is run in turns with ours.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use capture::{Input, InputLimits, meter_frames};
use flow_meter::{Counted, MeterConfig};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

mod made;

// As the product has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times that each thing is done; the least counts, for the machine is noisy.
const RUNS: usize = 10;

fn on_capture(path: &Path) -> Result<(f64, u64), Box<dyn std::error::Error>> {
    let before = made::cpu_time();
    let mut packets = 0;
    for capture in capture::open(&Input::file(path), &InputLimits::own_files())? {
        let mut capture = capture?;
        let config = MeterConfig::new(capture.id(), "speed");
        let mut out = Counted::default();
        let go_on = |_: &mut Counted, _: &_| Ok::<(), std::convert::Infallible>(());
        let Ok((_, counters)) = meter_frames(&mut capture, config, NonZeroUsize::MIN, &mut out, go_on);
        packets += counters.packets;
    }
    Ok((made::cpu_time().saturating_sub(before).as_secs_f64(), packets))
}

/// Processor time of a program, seconds, from the account of this process's children.
fn program_s(program: &Path, capture: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let children = || -> f64 {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let cells: Vec<f64> =
            text.rsplit(')').next().unwrap_or("").split(' ').filter_map(|c| c.parse().ok()).collect();
        // User and system time of children, in hundredths of a second.
        cells.get(12..14).map_or(f64::NAN, |two| two.iter().sum::<f64>() / 100.0)
    };
    let before = children();
    // Where it writes its numbers is nobody's concern.
    let folder = std::env::temp_dir();
    Command::new(program).arg(capture).args(["1", "once"]).current_dir(folder).output()?;
    Ok(children() - before)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let capture = arguments.next().ok_or("give a capture, and perhaps the ceiling's program")?;
    let capture = std::path::absolute(capture)?;
    let ceiling = arguments.next();
    let (mut ours, mut theirs, mut packets) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..RUNS {
        let (seconds, read) = on_capture(&capture)?;
        (ours, packets) = (ours.min(seconds), read);
        if let Some(ceiling) = &ceiling {
            theirs = theirs.min(program_s(Path::new(ceiling), &capture)?);
        }
    }
    println!("{}: {packets} packets, {:.0} packets/s", capture.display(), packets as f64 / ours);
    if theirs.is_finite() {
        println!("ceiling {:.0} packets/s: {:.0} % of it", packets as f64 / theirs, theirs / ours * 100.0);
    }
    Ok(())
}
