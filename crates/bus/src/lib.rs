//! Carries messages between stages and runs a stage between two topics.
//!
//! Two small traits, [`Producer`] and [`Consumer`], and one loop, [`run_stage`]: poll, process, send, flush, commit.
//! Commit is last, so a crash replays the batch and loses nothing: **at least once**. Messages with one key keep their
//! order and are read by one member of a group at a time; nothing is promised about the order between keys.
//!
//! [`memory`] is the bus of the one-process mode. Everything here is synchronous and runs on plain threads.

pub mod dead_letters;
pub mod memory;
mod message;
mod port;
mod stage;
mod stop;

pub use dead_letters::{DeadLetter, DeadLetterList, DeadLetters};
pub use message::{DecodeError, Message};
pub use port::{
    Batch, BusError, Consumer, NoMessage, NoOutput, Origin, Poison, Position, Producer, SendError,
};
pub use stage::{Ended, HopCounters, Outlet, Ports, Stage, StageLimits, run_stage};
pub use stop::Stop;
