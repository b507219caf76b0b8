//! The loop between a source of frames and a meter: all frames in, all records out, whatever ends the source.

use crate::{Damage, FrameSource, SourceError};
use flow_meter::Meter;
use schema::FlowRecord;
use std::fmt;

/// Records that are gathered before they are handed out.
pub const DELIVER_RECORDS: usize = 1024;

/// Takes what a capture gives while it is read.
pub trait FlowReceiver {
    /// Why it takes no more; reading stops then.
    type Error;

    /// Takes records out of `records`, at least one a call; what is left is offered again. A file waits for it.
    ///
    /// # Errors
    /// When they cannot be taken.
    fn deliver(&mut self, records: &mut Vec<FlowRecord>) -> Result<(), Self::Error>;

    /// Hears how far the meter is, after each batch of frames: to show progress, or to stop.
    ///
    /// # Errors
    /// When reading must stop.
    fn batch_read(&mut self, _meter: &Meter) -> Result<(), Self::Error> {
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

/// Reads `source` to its end through `meter`, ends all flows there, and hands every record to `receiver`.
///
/// # Errors
/// Those of `receiver` only. The meter then still holds what was not delivered.
pub fn meter_capture<S, R>(
    source: &mut S,
    meter: &mut Meter,
    receiver: &mut R,
) -> Result<CaptureEnd, R::Error>
where
    S: FrameSource + ?Sized,
    R: FlowReceiver + ?Sized,
{
    let mut records = Vec::with_capacity(2 * DELIVER_RECORDS);
    let stopped = loop {
        match source.next_batch() {
            Ok(Some(batch)) => batch.iter().for_each(|frame| meter.push(&frame, &mut records)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        if records.len() >= DELIVER_RECORDS {
            receiver.deliver(&mut records)?;
        }
        receiver.batch_read(meter)?;
    };
    meter.drain(&mut records);
    while !records.is_empty() {
        receiver.deliver(&mut records)?;
    }
    receiver.batch_read(meter)?;
    Ok(match (stopped, source.damage()) {
        (Some(error), _) => CaptureEnd::Stopped(error),
        (None, Some(damage)) => CaptureEnd::Damaged(damage.clone()),
        (None, None) => CaptureEnd::Whole,
    })
}
