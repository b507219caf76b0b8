//! The two sides of a topic, as a stage sees them: it never knows which bus is behind.

use crate::{DecodeError, Message};
use std::sync::Arc;
use std::time::Duration;

/// What went wrong between a stage and its bus, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Every producer is gone and everything was read: the stage may end.
    #[error("the topic is closed and was read to its end")]
    Closed,
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
    /// Not worth another try.
    #[error("{0}")]
    Fatal(String),
}

/// Where a consumer stands: a next offset for each partition that a batch touched. A consumer understands only its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position(pub Vec<(u32, u64)>);

/// The place of one message on its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Partition of the topic.
    pub partition: u32,
    /// Offset in the partition.
    pub offset: u64,
}

/// A message whose bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// Its key, as found.
    pub key: Vec<u8>,
    /// Its bytes, as found.
    pub value: Vec<u8>,
    /// Why it could not be read.
    pub reason: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Messages of one poll, and what to commit once they are done.
#[derive(Debug)]
pub struct Batch<M> {
    /// In order within a key.
    pub messages: Vec<Arc<M>>,
    /// What could not be read; the loop hands it to the dead letters.
    pub poison: Vec<Poison>,
    /// Commit this when the batch is done, never before.
    pub position: Position,
}

/// Reading side. What was polled and never committed comes again.
pub trait Consumer<M: Message>: Send {
    /// At most `messages_max` messages, waiting at most `wait` for the first. An empty batch means a quiet topic.
    ///
    /// # Errors
    /// See [`BusError`].
    fn poll(&mut self, messages_max: usize, wait: Duration) -> Result<Batch<M>, BusError>;

    /// Everything that this consumer read up to `position` is done and durable downstream.
    ///
    /// # Errors
    /// See [`BusError`]. After `Retry` a later commit covers this one too.
    fn commit(&mut self, position: &Position) -> Result<(), BusError>;
}

/// Why one message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError<M> {
    /// The bus is full; the message comes back and the caller chooses: drop and count, or wait.
    #[error("the bus is full")]
    Full(M),
    /// The bus is broken.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Writing side.
pub trait Producer<M: Message>: Send {
    /// Takes one message or gives it back, and never waits: a live capture relies on that.
    ///
    /// # Errors
    /// See [`SendError`].
    fn try_send(&mut self, message: M) -> Result<(), SendError<M>>;

    /// Takes messages from the front, waiting at most `wait` while the bus is full. What was not taken by then stays in
    /// `messages`, in order.
    ///
    /// # Errors
    /// See [`BusError`]. Messages that were not taken are still in `messages`.
    fn send_all(&mut self, messages: &mut Vec<M>, wait: Duration) -> Result<(), BusError>;

    /// Returns once all that was taken is as durable as this bus promises.
    ///
    /// # Errors
    /// See [`BusError`]; `Retry` when `deadline` passed first.
    fn flush(&mut self, deadline: Duration) -> Result<(), BusError>;
}

/// The message of a stage that writes nothing to the bus. There is none.
#[derive(Debug, Clone, Copy)]
pub enum NoMessage {}

impl Message for NoMessage {
    const TOPIC: &'static str = "";

    fn key(&self) -> &[u8] {
        match *self {}
    }

    fn encode_to(&self, _out: &mut Vec<u8>) {
        match *self {}
    }

    fn decode_from(_bytes: &[u8]) -> Result<Self, DecodeError> {
        Err(DecodeError("this topic carries no messages".into()))
    }
}

/// The output of a stage that writes nothing to the bus.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOutput;

impl Producer<NoMessage> for NoOutput {
    fn try_send(&mut self, message: NoMessage) -> Result<(), SendError<NoMessage>> {
        match message {}
    }

    fn send_all(&mut self, _messages: &mut Vec<NoMessage>, _wait: Duration) -> Result<(), BusError> {
        Ok(())
    }

    fn flush(&mut self, _deadline: Duration) -> Result<(), BusError> {
        Ok(())
    }
}
