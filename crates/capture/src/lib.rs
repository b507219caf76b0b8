//! Where frames come from: capture files, alone or in batches, packed or plain, or standard input.
//!
//! [`open`] tells the format by its magic, never by its name, and gives one [`Capture`] for a plain file and one per
//! entry for a zip archive. Each is a [`FrameSource`]: batches of frames that borrow from one large buffer.
//!
//! Promises: a damaged capture gives every packet before the damage and then names it ([`Damage`]); nothing is
//! believed that a header says about a size; every limit has a name ([`InputLimits`]); no input panics.

mod archive;
mod begin;
mod bytes;
mod capture_id;
mod directory;
mod error;
mod input;
mod limits;
mod magic;
mod metering;
mod pcap;
mod pcapng;
mod reading;
mod source;
mod threads;
mod ticks;
mod unpack;
mod walk;
mod window;

pub use bytes::Progress;
pub use error::SourceError;
pub use input::{Captures, Input, open, open_hashed, open_stream};
pub use limits::InputLimits;
pub use metering::{CaptureEnd, DELIVER_RECORDS, FlowReceiver, meter_capture, meter_frames};
pub use reading::Capture;
pub use source::{Damage, FrameBatch, FrameSource, Frames, SharedBatch};
