//! Reads one capture to its end, or to its damage.

use crate::begin::Origin;
use crate::bytes::Bytes;
use crate::capture_id::{capture_id, first_link_type};
use crate::unpack::is_damage;
use crate::walk::{BATCH_RECORDS, Next, Record, Walker};
use crate::window::Window;
use crate::{Damage, FrameBatch, FrameSource, InputLimits, SharedBatch, SourceError, pcapng};
use flow_meter::LinkType;
use schema::CaptureId;
use std::fmt;
use std::io;

/// One capture, read as far as its head.
pub struct Capture {
    origin: Origin,
    id: CaptureId,
    link_type: LinkType,
    walker: Walker,
    input: Head,
    records: Vec<Record>,
    ended: bool,
    damage: Option<Damage>,
}

/// Records in a batch for another thread, about.
const SHARED_RECORDS: usize = 4096;

/// A reader with its buffer.
pub(crate) struct Head {
    bytes: Bytes,
    window: Window,
    stop: Option<Stop>,
}

/// Why a reader gives no more. An error waits here until the frames before it have been given.
enum Stop {
    End,
    Error(io::Error),
}

impl Head {
    /// Buffers the first `count` bytes, or all there are.
    pub(crate) fn read(bytes: Bytes, limits: &InputLimits, count: usize) -> Self {
        let window = Window::new(pcapng::block_bytes_max(limits.packet_bytes_max));
        let mut head = Self { bytes, window, stop: None };
        while head.window.unread().len() < count && head.fill() {}
        head
    }

    /// The unread bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.window.unread()
    }

    /// The error that reading stopped at, if it did.
    pub(crate) fn into_error(self) -> Option<io::Error> {
        match self.stop {
            Some(Stop::Error(error)) => Some(error),
            _ => None,
        }
    }

    /// Reads once more; whether that gave bytes.
    fn fill(&mut self) -> bool {
        if self.stop.is_some() || self.window.is_full() {
            return false;
        }
        match self.window.fill(&mut self.bytes) {
            Ok(0) => self.stop = Some(Stop::End),
            Ok(_) => return true,
            Err(error) => self.stop = Some(Stop::Error(error)),
        }
        false
    }

    /// Passes over `count` bytes; false when the stream ends before.
    fn skip(&mut self, mut count: u64) -> bool {
        loop {
            let here = count.min(self.window.unread().len() as u64);
            self.window.consume(here as usize);
            count -= here;
            if count == 0 {
                return true;
            }
            if !self.fill() {
                return false;
            }
        }
    }
}

impl Capture {
    pub(crate) fn new(origin: Origin, walker: Walker, input: Head) -> Self {
        let link_type = first_link_type(walker.clone(), input.bytes());
        Self {
            origin,
            id: capture_id(link_type, input.bytes()),
            link_type,
            walker,
            input,
            records: Vec::with_capacity(BATCH_RECORDS),
            ended: false,
            damage: None,
        }
    }

    /// Name of the input, and of the entry in it: `batch.zip: monday.pcap`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    /// Name within the archive, when it comes from one.
    #[must_use]
    pub fn entry(&self) -> Option<&str> {
        self.origin.entry.as_deref()
    }

    /// Names the capture by its content.
    #[must_use]
    pub fn id(&self) -> CaptureId {
        self.id
    }

    /// Link type of the header or of the first interface; frames may have others.
    #[must_use]
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The reader stopped while the next record still needs `need` bytes.
    fn stop(&mut self, need: usize) -> Result<(), SourceError> {
        self.ended = true;
        let left = self.input.window.unread().len();
        match self.input.stop.take() {
            Some(Stop::Error(error)) if is_damage(&error) => self.damaged(error.to_string()),
            Some(Stop::Error(error)) => return Err(SourceError::from_io(&self.origin.name, error)),
            _ if left == 0 => {}
            _ => self.damaged(format!("cut short: a record of {need} bytes or more, {left} are there")),
        }
        Ok(())
    }

    fn damaged(&mut self, what: String) {
        self.ended = true;
        self.damage = Some(Damage { what, byte_offset: self.input.window.offset() });
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        let begin = self.input.window.offset();
        if self.input.skip(bytes) {
            return Ok(());
        }
        self.stop(0)?;
        let cut = Damage { what: format!("cut short: a block of {bytes} bytes"), byte_offset: begin };
        self.damage = Some(Damage { byte_offset: begin, ..self.damage.take().unwrap_or(cut) });
        Ok(())
    }
}

impl Capture {
    /// Lists the next records, at least one unless the capture has ended. Gives the mark that their offsets count from.
    fn list(&mut self) -> Result<usize, SourceError> {
        self.records.clear();
        let mut mark = 0;
        while self.records.is_empty() && !self.ended {
            mark = self.input.window.mark();
            let walked = self.walker.walk(self.input.window.unread(), &mut self.records);
            self.input.window.consume(walked.consumed);
            if !self.records.is_empty() {
                break;
            }
            match walked.next {
                Next::Full => {}
                Next::Need(need) => {
                    if !self.input.fill() {
                        self.stop(need)?;
                    }
                }
                Next::Skip(bytes) => self.skip(bytes)?,
                Next::Damaged(what) => self.damaged(what),
            }
        }
        Ok(mark)
    }

    /// Adds to `all`, whose offsets count from `mark`, as many records as the buffer holds without moving anything in it:
    /// handing a batch over costs more than decoding a few packets. Whatever else must happen (a move, a skip, the end,
    /// an error) waits for the next call, so that nothing found before it is lost.
    fn gather(&mut self, mark: usize, all: &mut Vec<Record>) {
        while all.len() < SHARED_RECORDS {
            self.records.clear();
            let shift = (self.input.window.mark() - mark) as u32;
            let walked = self.walker.walk(self.input.window.unread(), &mut self.records);
            self.input.window.consume(walked.consumed);
            all.extend(self.records.iter().map(|record| record.moved(shift)));
            match walked.next {
                Next::Full => {}
                Next::Need(_) if self.input.window.fills_in_place() && self.input.fill() => {}
                _ => break,
            }
        }
        self.records.clear();
    }
}

impl FrameSource for Capture {
    fn next_batch(&mut self) -> Result<Option<FrameBatch<'_>>, SourceError> {
        let mark = self.list()?;
        if self.records.is_empty() {
            return Ok(None);
        }
        Ok(Some(FrameBatch::new(self.input.window.since(mark), &self.records)))
    }

    fn next_shared(&mut self) -> Result<Option<SharedBatch>, SourceError> {
        let mark = self.list()?;
        if self.records.is_empty() {
            return Ok(None);
        }
        let mut all = std::mem::replace(&mut self.records, Vec::with_capacity(BATCH_RECORDS));
        self.gather(mark, &mut all);
        Ok(Some(SharedBatch::new(self.input.window.share(), mark, all)))
    }

    fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("name", &self.origin.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
