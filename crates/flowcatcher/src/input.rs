//! Reads the files of a command, capture by capture, through one meter each.

use crate::exit::{BadInput, Done};
use crate::progress::Bar;
use crate::setup;
use capture::{Capture, Captures, FlowReceiver, FrameSource as _, Input, SourceError};
use flow_meter::{Frame, MeterCounters, Metered, Receiver, SkipReason};
use schema::CaptureId;
use service::Settings;
use std::path::PathBuf;

/// One capture that was read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) capture: CaptureId,
    pub(crate) counters: MeterCounters,
    /// Damage at its end, or why it was refused.
    pub(crate) warning: Option<String>,
}

/// All captures of a command, and whether every one was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) captures: Vec<Read>,
    /// Inputs and entries of which nothing could be read.
    pub(crate) refused: Vec<String>,
}

impl Outcome {
    /// An error when nothing at all was read; else whether all was.
    pub(crate) fn done(&self) -> anyhow::Result<Done> {
        if self.captures.is_empty() {
            let why = if self.refused.is_empty() {
                "there is no capture in it".to_owned()
            } else {
                self.refused.join("\n")
            };
            return Err(BadInput(why).into());
        }
        let whole = self.refused.is_empty() && self.captures.iter().all(|read| read.warning.is_none());
        Ok(if whole { Done::Complete } else { Done::Incomplete })
    }

    /// Skipped packets by reason, over all captures.
    pub(crate) fn skipped(&self) -> Vec<(&'static str, u64)> {
        SkipReason::ALL
            .iter()
            .map(|reason| {
                let count = self.captures.iter().map(|read| read.counters.skipped[*reason as usize]).sum();
                (reason.name(), count)
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(crate) fn packets(&self) -> u64 {
        self.captures.iter().map(|read| read.counters.packets).sum()
    }

    fn refuse(&mut self, error: &SourceError) {
        eprintln!("flowcatcher: warning: {error}");
        self.refused.push(error.to_string());
    }
}

/// Opens each file in turn and gives its captures to `read`. What cannot be opened is named and passed over.
pub(crate) fn each_capture(
    files: &[PathBuf],
    mut read: impl FnMut(Capture, &Bar) -> anyhow::Result<Option<Read>>,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let limits = setup::input_limits();
    for file in files {
        match capture::open(&Input::from_argument(file), &limits) {
            Ok(captures) => all_of(captures, &mut read, &mut outcome)?,
            Err(error) => outcome.refuse(&error),
        }
    }
    Ok(outcome)
}

fn all_of(
    captures: Captures,
    read: &mut impl FnMut(Capture, &Bar) -> anyhow::Result<Option<Read>>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let bar = Bar::new(captures.name(), captures.progress());
    for capture in captures {
        match capture {
            Ok(capture) => {
                if let Some(done) = read(capture, &bar)? {
                    if let Some(warning) = &done.warning {
                        eprintln!("flowcatcher: warning: {}: {warning}", done.name);
                    }
                    outcome.captures.push(done);
                }
            }
            Err(error) => outcome.refuse(&error),
        }
    }
    Ok(())
}

/// Gives every frame to `frame`; what stopped it early is the warning.
pub(crate) fn each_frame(
    capture: &mut Capture,
    mut frame: impl FnMut(&Frame<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Option<String>> {
    loop {
        match capture.next_batch() {
            Ok(Some(batch)) => batch.iter().try_for_each(|one| frame(&one))?,
            Ok(None) => return Ok(capture.damage().map(ToString::to_string)),
            Err(error) => return Ok(Some(error.to_string())),
        }
    }
}

/// Hands records on and shows how far reading is.
struct Delivery<'a, D> {
    deliver: D,
    bar: &'a Bar,
}

impl<D: FnMut(&mut Metered) -> anyhow::Result<()>> FlowReceiver for Delivery<'_, D> {
    type Error = anyhow::Error;

    fn deliver(&mut self, records: &mut Metered) -> anyhow::Result<()> {
        (self.deliver)(records)
    }

    fn batch_read(&mut self, counters: &MeterCounters) -> anyhow::Result<()> {
        self.bar.update(|| counters.flows);
        Ok(())
    }
}

/// Meters one capture and hands flows and host windows out as they come.
pub(crate) fn meter(
    settings: &Settings,
    mut capture: Capture,
    bar: &Bar,
    deliver: impl FnMut(&mut Metered) -> anyhow::Result<()>,
) -> anyhow::Result<Read> {
    let (name, id) = (capture.name().to_owned(), capture.id());
    let config = setup::meter(settings, id, &name);
    let threads = setup::meter_threads(settings);
    let (end, counters) =
        capture::meter_capture(&mut capture, config, threads, &mut Delivery { deliver, bar })?;
    Ok(Read { name, capture: id, counters, warning: end.warning() })
}

/// Meters one capture and gives everything to `out` as it comes.
pub(crate) fn meter_into(
    settings: &Settings,
    mut capture: Capture,
    bar: &Bar,
    out: &mut impl Receiver,
) -> anyhow::Result<Read> {
    let (name, id) = (capture.name().to_owned(), capture.id());
    let config = setup::meter(settings, id, &name);
    let threads = setup::meter_threads(settings);
    let (end, counters) = capture::meter_frames(&mut capture, config, threads, out, |_, counters| {
        bar.update(|| counters.flows);
        anyhow::Ok(())
    })?;
    Ok(Read { name, capture: id, counters, warning: end.warning() })
}
