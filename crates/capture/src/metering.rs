//! The loop between a source of frames and a meter: all frames in, all records out, whatever ends the source.

use crate::{Damage, FrameSource, SourceError, threads};
use flow_meter::{Meter, MeterConfig, MeterCounters, Metered, Receiver};
use std::fmt;
use std::num::NonZeroUsize;

/// Records that are gathered before they are handed out.
pub const DELIVER_RECORDS: usize = 1024;

/// Takes what a capture gives while it is read.
pub trait FlowReceiver {
    /// Why it takes no more; reading stops then.
    type Error;

    /// Takes flows and host windows out of `records`, at least one a call; what is left is offered again. A file waits
    /// for it.
    ///
    /// # Errors
    /// When they cannot be taken.
    fn deliver(&mut self, records: &mut Metered) -> Result<(), Self::Error>;

    /// Hears how far the meter is, after each batch of frames: to show progress, or to stop.
    ///
    /// # Errors
    /// When reading must stop.
    fn batch_read(&mut self, _counters: &MeterCounters) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// How a capture ended. In every case all frames before it were metered and all their records delivered.
#[derive(Debug)]
pub enum CaptureEnd {
    /// It was read to its end.
    Whole,
    /// It is damaged: what follows is lost.
    Damaged(Damage),
    /// Reading stopped for a reason outside the capture.
    Stopped(SourceError),
}

impl CaptureEnd {
    /// What to warn of, when a part was not read.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Damaged(_) | Self::Stopped(_) => Some(self.to_string()),
        }
    }
}

impl fmt::Display for CaptureEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("read to its end"),
            Self::Damaged(damage) => write!(f, "{damage}"),
            Self::Stopped(error) => write!(f, "{error}"),
        }
    }
}

/// Reads `source` to its end through a meter, ends all flows there, and hands everything to `receiver`. With more than
/// one processor the work is spread over threads, and the flows over several tables when there are more than two; the records
/// are the same, in the same order, while no limit of the meter is hit.
///
/// # Errors
/// Those of `receiver` only. What was not delivered then is lost.
pub fn meter_capture<S, R>(
    source: &mut S,
    config: MeterConfig,
    threads: NonZeroUsize,
    receiver: &mut R,
) -> Result<(CaptureEnd, MeterCounters), R::Error>
where
    S: FrameSource + Send + ?Sized,
    R: FlowReceiver + ?Sized,
{
    let mut records = Metered::default();
    let read = meter_frames(source, config, threads, &mut records, |records, counters| {
        if records.len() >= DELIVER_RECORDS {
            receiver.deliver(records)?;
        }
        receiver.batch_read(counters)
    })?;
    while !records.is_empty() {
        receiver.deliver(&mut records)?;
    }
    receiver.batch_read(&read.1)?;
    Ok(read)
}

/// Reads `source` to its end through a meter, ends all flows there, and gives everything to `out` as it comes.
/// `after_batch` may empty it, and stop.
///
/// # Errors
/// Those of `after_batch` only.
pub fn meter_frames<S, T, E>(
    source: &mut S,
    config: MeterConfig,
    threads: NonZeroUsize,
    out: &mut T,
    after_batch: impl FnMut(&mut T, &MeterCounters) -> Result<(), E>,
) -> Result<(CaptureEnd, MeterCounters), E>
where
    S: FrameSource + Send + ?Sized,
    T: Receiver,
{
    let (stopped, counters) = if threads.get() > 1 {
        threads::meter(source, config, threads, out, after_batch)?
    } else {
        meter_alone(source, config, out, after_batch)?
    };
    let end = match (stopped, source.damage()) {
        (Some(error), _) => CaptureEnd::Stopped(error),
        (None, Some(damage)) => CaptureEnd::Damaged(damage.clone()),
        (None, None) => CaptureEnd::Whole,
    };
    Ok((end, counters))
}

fn meter_alone<S, T, E>(
    source: &mut S,
    config: MeterConfig,
    out: &mut T,
    mut after_batch: impl FnMut(&mut T, &MeterCounters) -> Result<(), E>,
) -> Result<(Option<SourceError>, MeterCounters), E>
where
    S: FrameSource + ?Sized,
    T: Receiver,
{
    let mut meter = Meter::new(config);
    let stopped = loop {
        match source.next_batch() {
            Ok(Some(batch)) => meter.push_all(batch, out),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        after_batch(out, &meter.counters())?;
    };
    meter.drain(out);
    Ok((stopped, meter.counters()))
}
