//! What a packet costs the meter: at 10⁵, 10⁶ and 10⁷ packets, made in memory, and on a capture when one is given; and
//! what 107,000 live flows weigh. Processor time of one thread, from the kernel's own account (Linux).
//!
//! `cargo run --release -p capture --example speed [CAPTURE [CEILING]]`: with the path of a program that meters a capture
//! as fast as the machine can (`CEILING CAPTURE 1 once`), its rate is measured beside ours, in turns.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use capture::{Input, InputLimits, meter_frames};
use flow_meter::{Counted, Frame, LinkType, Meter, MeterConfig};
use schema::CaptureId;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

/// Times that each thing is done; the least counts, for the machine is noisy.
const RUNS: usize = 5;
const LIVE_FLOWS: u32 = 107_000;

/// Processor time of this thread so far, seconds.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1e-9
}

/// Memory that the process holds, bytes.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Ethernet, IPv4, UDP or TCP: `flow` chooses the ends, every tenth packet answers.
fn packet(flow: u32, number: u32, bytes: &mut [u8; 142]) {
    let answers = number % 10 == 9;
    let (client, server) =
        ([10, (flow >> 16) as u8, (flow >> 8) as u8, flow as u8], [192, 0, 2, (flow % 200) as u8]);
    bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
    bytes[16..18].copy_from_slice(&128u16.to_be_bytes());
    bytes[22..24].copy_from_slice(&[64, if flow.is_multiple_of(3) { 17 } else { 6 }]);
    let (source, destination) = if answers { (server, client) } else { (client, server) };
    bytes[26..30].copy_from_slice(&source);
    bytes[30..34].copy_from_slice(&destination);
    let ports = if answers { [[1, 187], [156, 64]] } else { [[156, 64], [1, 187]] };
    bytes[34..38].copy_from_slice(&ports.concat());
    bytes[38..42].copy_from_slice(&number.wrapping_mul(88).to_be_bytes());
    bytes[46..50].copy_from_slice(&[0x50, 0x18, 0xff, 0xff]);
}

fn config() -> MeterConfig {
    MeterConfig::new(CaptureId::default(), "speed")
}

/// Seconds for `count` packets of which each flow has twenty, a million a minute.
fn made(count: u32) -> f64 {
    let mut meter = Meter::new(config());
    let mut out = Counted::default();
    let mut frames = vec![[7u8; 142]; 4096];
    let mut spent = 0.0;
    let mut next = 0;
    while next < count {
        let batch = (count - next).min(frames.len() as u32);
        for (at, bytes) in (next..).zip(frames.iter_mut().take(batch as usize)) {
            // Sixty-four flows at a time, each with a packet in turn.
            packet(at / 1280 * 64 + at % 64, at, bytes);
        }
        let before = cpu_s();
        let times = (next..next + batch).map(|at| 1_700_000_000_000_000_000 + i64::from(at) * 60_000);
        let each = frames.iter().zip(times).map(|(bytes, ts_ns)| Frame {
            ts_ns,
            link_type: LinkType::ETHERNET,
            wire_len: 142,
            bytes,
        });
        meter.push_all(each, &mut out);
        spent += cpu_s() - before;
        next += batch;
    }
    let before = cpu_s();
    meter.drain(&mut out);
    spent + cpu_s() - before
}

/// What live flows weigh. First of all, while the process holds nothing that it has given up.
fn live_flows() {
    let before = resident_bytes();
    let mut meter = Meter::new(config());
    let mut out = Counted::default();
    let mut bytes = [7u8; 142];
    for at in 0..LIVE_FLOWS * 2 {
        packet(at % LIVE_FLOWS, at / LIVE_FLOWS * 9, &mut bytes);
        let ts_ns = i64::from(at) * 20_000;
        meter.push(&Frame { ts_ns, link_type: LinkType::ETHERNET, wire_len: 142, bytes: &bytes }, &mut out);
    }
    let held = resident_bytes().saturating_sub(before);
    println!(
        "{} live flows hold {} MB, hosts and pairs of the context included",
        meter.open_flows(),
        held >> 20
    );
}

fn on_capture(path: &Path) -> Result<(f64, u64), Box<dyn std::error::Error>> {
    let before = cpu_s();
    let mut packets = 0;
    for capture in capture::open(&Input::file(path), &InputLimits::own_files())? {
        let mut capture = capture?;
        let config = MeterConfig::new(capture.id(), "speed");
        let mut out = Counted::default();
        let go_on = |_: &mut Counted, _: &_| Ok::<(), std::convert::Infallible>(());
        let Ok((_, counters)) = meter_frames(&mut capture, config, NonZeroUsize::MIN, &mut out, go_on);
        packets += counters.packets;
    }
    Ok((cpu_s() - before, packets))
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
    Command::new(program).arg(capture).args(["1", "once"]).output()?;
    Ok(children() - before)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (capture, ceiling) = (arguments.next(), arguments.next());
    live_flows();
    println!("{:>12} {:>12} {:>14}", "packets", "ns a packet", "packets/s");
    for count in [100_000, 1_000_000, 10_000_000] {
        let least = (0..RUNS).map(|_| made(count)).fold(f64::INFINITY, f64::min);
        println!("{count:>12} {:>12.1} {:>14.0}", least / f64::from(count) * 1e9, f64::from(count) / least);
    }
    if let Some(capture) = capture {
        let capture = Path::new(&capture);
        let (mut ours, mut theirs, mut packets) = (f64::INFINITY, f64::INFINITY, 0);
        for _ in 0..RUNS {
            let (seconds, read) = on_capture(capture)?;
            (ours, packets) = (ours.min(seconds), read);
            if let Some(ceiling) = &ceiling {
                theirs = theirs.min(program_s(Path::new(ceiling), capture)?);
            }
        }
        println!("{}: {packets} packets, {:.0} packets/s", capture.display(), packets as f64 / ours);
        if theirs.is_finite() {
            println!(
                "ceiling {:.0} packets/s: {:.0} % of it",
                packets as f64 / theirs,
                theirs / ours * 100.0
            );
        }
    }
    Ok(())
}
