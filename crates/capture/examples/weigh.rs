//! What live flows weigh: bytes of the heap, as they were asked for, in their table alone and with the hosts and pairs of
//! their context.
//!
//! `cargo run --release -p capture --example weigh [CAPTURE]`: 107,000 made flows, and those of a capture at the moment when
//! it has most of them.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use capture::{FrameSource, Input, InputLimits};
use flow_meter::{Counted, FlowTable, Frame, Front, LinkType, Log, Meter, MeterConfig, Packets};
use peak_alloc::PeakAlloc;
use schema::CaptureId;
use std::path::Path;

mod made;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const LIVE_FLOWS: u32 = 107_000;

fn config() -> MeterConfig {
    MeterConfig::new(CaptureId::default(), "weigh")
}

/// A table of flows whose log nobody reads.
struct Live {
    front: Front,
    packets: [Packets; 1],
    table: FlowTable,
    log: Log,
    /// Heap before it.
    before: usize,
}

impl Live {
    fn new() -> Self {
        let before = HEAP.current_usage();
        let table = FlowTable::new(config().flows, config().context.look_ahead_ns);
        Self { front: Front::default(), packets: Default::default(), table, log: Log::default(), before }
    }

    fn push(&mut self, frame: &Frame<'_>) {
        self.front.push(frame, 0, &mut self.packets);
        self.front.finish(&mut self.packets);
        self.table.push(&self.packets[0], |_| frame.bytes);
        self.packets[0].clear();
        self.log = self.table.exchange_log(std::mem::take(&mut self.log));
        self.log.clear();
    }

    /// Its open flows, and megabytes.
    fn weight(&self) -> (usize, f64) {
        (self.table.open(), megabytes(self.before))
    }
}

fn megabytes(before: usize) -> f64 {
    (HEAP.current_usage() - before) as f64 * 1e-6
}

/// So many packets of each live flow, one after the other, within a second.
fn live_frames(packets: u32, mut take: impl FnMut(&Frame<'_>)) {
    let mut bytes = made::BLANK;
    for at in 0..LIVE_FLOWS * packets {
        made::packet(at % LIVE_FLOWS, at / LIVE_FLOWS * 9, &mut bytes);
        let ts_ns = i64::from(at) * 4_000;
        let wire_len = made::BYTES as u32;
        take(&Frame { ts_ns, link_type: LinkType::ETHERNET, wire_len, bytes: &bytes });
    }
}

/// The flows of a capture when it has most of them, and their megabytes.
fn most_of(path: &Path) -> Result<(usize, f64), Box<dyn std::error::Error>> {
    let mut most = (0, 0.0);
    for capture in capture::open(&Input::file(path), &InputLimits::own_files())? {
        let mut capture = capture?;
        let mut live = Live::new();
        while let Some(batch) = capture.next_batch()? {
            batch.into_iter().for_each(|frame| live.push(&frame));
            let weight = live.weight();
            most = if weight.0 > most.0 { weight } else { most };
        }
    }
    Ok(most)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (packets, what) in [(1, "100 bytes of payload from one end"), (2, "as much from the other")] {
        let mut live = Live::new();
        live_frames(packets, |frame| live.push(frame));
        let (open, alone) = live.weight();
        drop(live);
        let before = HEAP.current_usage();
        let mut meter = Meter::new(config());
        live_frames(packets, |frame| meter.push(frame, &mut Counted::default()));
        println!("{open} flows, {what}: {alone:.0} MB, with context {:.0} MB", megabytes(before));
    }
    if let Some(capture) = std::env::args_os().nth(1) {
        let (open, alone) = most_of(Path::new(&capture))?;
        println!("{open} flows of the capture: {alone:.0} MB, {:.0} bytes each", alone * 1e6 / open as f64);
    }
    Ok(())
}
