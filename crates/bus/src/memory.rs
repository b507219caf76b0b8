//! The bus of the one-process mode: bounded topics in memory, with consumer groups.
//!
//! It keeps Kafka's rules, so that no stage can tell the two apart: each group sees every message; the members of a
//! group share its partitions; a partition is with one member until that member has committed what it read; what a
//! member leaves uncommitted goes back to its group. Capacity counts messages until **every** group has committed them,
//! so a stage that forgets to commit stops the pipeline in the first test instead of leaking in production.

use crate::{Batch, BusError, Consumer, Message, Position, Producer, SendError};
use log::{Log, MemberId};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod log;

/// Sizes of a topic.
#[derive(Debug, Clone, Copy)]
pub struct TopicLimits {
    /// Messages that may be sent and not yet committed by every group.
    pub messages_max: usize,
    /// Members of one group that can work at the same time. One partition keeps the order of all messages, several
    /// only that of each key.
    pub partitions: u32,
    /// Encodes and decodes each message on its way, as another bus would. For tests.
    pub wire_check: bool,
}

impl Default for TopicLimits {
    fn default() -> Self {
        Self { messages_max: 16_384, partitions: 1, wire_check: false }
    }
}

/// Makes the two sides of one topic. Clones are the same topic.
///
/// A group exists from its first consumer on and reads from the oldest message still kept: make all consumers before
/// the first message. The topic closes when there was a producer, none is left, and everything was read: who makes
/// producers as work comes in keeps one of them until no more work will come.
#[derive(Debug)]
pub struct Topic<M>(Arc<Shared<M>>);

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Shared<M> {
    state: Mutex<State<M>>,
    readable: Condvar,
    writable: Condvar,
    limits: TopicLimits,
}

#[derive(Debug)]
struct State<M> {
    log: Log<M>,
    /// Messages in the log, and room that a producer has taken and not filled yet.
    taken: usize,
    producers: usize,
    opened: bool,
    // A wake-up is a system call even when nobody waits, so both sides say when they do.
    readers_waiting: usize,
    writers_waiting: usize,
}

impl<M> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_readers(&self, state: &State<M>) {
        if state.readers_waiting > 0 {
            self.readable.notify_all();
        }
    }

    /// Takes room for up to `wanted` messages, waiting until `deadline` for the first; 0 when there is none by then.
    fn reserve(&self, wanted: usize, deadline: Option<Instant>) -> usize {
        let mut state = self.lock();
        loop {
            let room = self.limits.messages_max.saturating_sub(state.taken).min(wanted);
            let left = deadline.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()));
            if room > 0 || left.is_zero() {
                state.taken += room;
                return room;
            }
            state.writers_waiting += 1;
            state = self.writable.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.writers_waiting -= 1;
        }
    }
}

impl<M: Message> Topic<M> {
    /// An empty topic.
    #[must_use]
    pub fn new(limits: TopicLimits) -> Self {
        let state = State {
            log: Log::new(limits.partitions.max(1)),
            taken: 0,
            producers: 0,
            opened: false,
            readers_waiting: 0,
            writers_waiting: 0,
        };
        let (readable, writable) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { state: Mutex::new(state), readable, writable, limits }))
    }

    /// A new writing end.
    #[must_use]
    pub fn producer(&self) -> MemoryProducer<M> {
        let mut state = self.0.lock();
        state.producers += 1;
        state.opened = true;
        MemoryProducer { shared: Arc::clone(&self.0), wire: Vec::new() }
    }

    /// A new member of `group`, which shares the group's messages with the other members.
    #[must_use]
    pub fn consumer(&self, group: &str) -> MemoryConsumer<M> {
        let member = self.0.lock().log.join(group);
        MemoryConsumer { shared: Arc::clone(&self.0), member }
    }

    /// Messages sent and not yet committed by every group.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.lock().taken
    }
}

/// Writing end of a [`Topic`].
#[derive(Debug)]
pub struct MemoryProducer<M> {
    shared: Arc<Shared<M>>,
    wire: Vec<u8>,
}

impl<M> Clone for MemoryProducer<M> {
    fn clone(&self) -> Self {
        self.shared.lock().producers += 1;
        Self { shared: Arc::clone(&self.shared), wire: Vec::new() }
    }
}

impl<M> Drop for MemoryProducer<M> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.producers -= 1;
        self.shared.wake_readers(&state);
    }
}

impl<M: Message> MemoryProducer<M> {
    /// Puts messages where room was reserved for them. Allocation happens before the lock is taken.
    fn publish(&self, messages: impl IntoIterator<Item = Arc<M>>) {
        let mut state = self.shared.lock();
        for message in messages {
            state.log.push(message);
        }
        self.shared.wake_readers(&state);
    }

    /// The message as another bus would deliver it.
    fn carried(&mut self, message: &M) -> Result<M, BusError> {
        self.wire.clear();
        message.encode_to(&mut self.wire);
        M::decode_from(&self.wire).map_err(|error| BusError::Fatal(format!("{}: {error}", M::TOPIC)))
    }
}

impl<M: Message> Producer<M> for MemoryProducer<M> {
    fn try_send(&mut self, mut message: M) -> Result<(), SendError<M>> {
        if self.shared.limits.wire_check {
            message = self.carried(&message)?;
        }
        if self.shared.reserve(1, None) == 0 {
            return Err(SendError::Full(message));
        }
        self.publish([Arc::new(message)]);
        Ok(())
    }

    fn send_all(&mut self, messages: &mut Vec<M>, wait: Duration) -> Result<(), BusError> {
        if self.shared.limits.wire_check {
            for message in messages.iter_mut() {
                *message = self.carried(message)?;
            }
        }
        let deadline = Instant::now() + wait;
        while !messages.is_empty() {
            let room = self.shared.reserve(messages.len(), Some(deadline));
            if room == 0 {
                break;
            }
            let taken: Vec<Arc<M>> = messages.drain(..room).map(Arc::new).collect();
            self.publish(taken);
        }
        Ok(())
    }

    fn flush(&mut self, _deadline: Duration) -> Result<(), BusError> {
        Ok(())
    }
}

/// One member of a group of a [`Topic`]. Dropped, it gives back to its group what it has not committed.
#[derive(Debug)]
pub struct MemoryConsumer<M> {
    shared: Arc<Shared<M>>,
    member: MemberId,
}

impl<M> Drop for MemoryConsumer<M> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.log.leave(self.member);
        self.shared.wake_readers(&state);
    }
}

impl<M: Message> Consumer<M> for MemoryConsumer<M> {
    fn poll(&mut self, messages_max: usize, wait: Duration) -> Result<Batch<M>, BusError> {
        let end = Instant::now() + wait;
        let mut state = self.shared.lock();
        loop {
            let (messages, position) = state.log.read(self.member, messages_max);
            let left = end.saturating_duration_since(Instant::now());
            if messages.is_empty() && state.opened && state.producers == 0 && state.log.is_done(self.member) {
                return Err(BusError::Closed);
            }
            if !messages.is_empty() || left.is_zero() {
                return Ok(Batch { messages, poison: Vec::new(), position });
            }
            state.readers_waiting += 1;
            state = self.shared.readable.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.readers_waiting -= 1;
        }
    }

    fn commit(&mut self, position: &Position) -> Result<(), BusError> {
        let mut state = self.shared.lock();
        let done = state.log.commit(self.member, position);
        state.taken -= done.len();
        if state.writers_waiting > 0 {
            self.shared.writable.notify_all();
        }
        // Another member may wait for these partitions, or for the end.
        self.shared.wake_readers(&state);
        // Freeing messages takes longer than all of the above, so not under the lock.
        drop(state);
        drop(done);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
