//! The one loop that every stage runs in: poll, process, send, flush, commit.

use crate::{Batch, BusError, Consumer, DeadLetter, DeadLetters, Message, Producer, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The work of one room. It does not know which bus it runs on.
pub trait Stage: Send {
    /// What it reads.
    type In: Message;
    /// What it writes; [`crate::NoMessage`] when nothing.
    type Out: Message;
    /// For logs and dead letters: `judge`.
    const NAME: &'static str;

    /// Reads the batch and fills `out`: the same for the same batch and state.
    ///
    /// # Errors
    /// `Retry` gives the same batch again after a wait, and must leave the stage as it was; `Fatal` ends the loop.
    /// A single message that cannot be used is no error: [`Outlet::reject`] it.
    fn process(&mut self, batch: &[Arc<Self::In>], out: &mut Outlet<Self::Out>) -> Result<(), BusError>;
}

/// What a stage made of a batch.
#[derive(Debug)]
pub struct Outlet<M> {
    messages: Vec<M>,
    rejects: Vec<(usize, String)>,
}

impl<M> Default for Outlet<M> {
    fn default() -> Self {
        Self { messages: Vec::new(), rejects: Vec::new() }
    }
}

impl<M> Outlet<M> {
    /// Sends one message on.
    pub fn send(&mut self, message: M) {
        self.messages.push(message);
    }

    /// Gives up the batch's message at `index`, for `reason`: it goes to the dead letters.
    pub fn reject(&mut self, index: usize, reason: impl Into<String>) {
        self.rejects.push((index, reason.into()));
    }

    /// What was sent so far, for code that appends to a plain vector.
    pub fn messages_mut(&mut self) -> &mut Vec<M> {
        &mut self.messages
    }

    /// What was sent so far.
    #[must_use]
    pub fn messages(&self) -> &[M] {
        &self.messages
    }

    /// What was given up so far: index in the batch, and why.
    #[must_use]
    pub fn rejects(&self) -> &[(usize, String)] {
        &self.rejects
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.rejects.clear();
    }
}

/// Sizes and waits of the loop.
#[derive(Debug, Clone)]
pub struct StageLimits {
    /// Messages a batch.
    pub batch_messages_max: usize,
    /// How long a poll may wait on a quiet topic. Also how late the loop may notice a stop.
    pub poll_wait: Duration,
    /// How long one attempt to send may wait on a full output.
    pub full_wait: Duration,
    /// How long one flush may take before it counts as a retry.
    pub flush_deadline: Duration,
    /// Wait before the first retry; it doubles from there.
    pub retry_wait_first: Duration,
    /// Longest wait between retries.
    pub retry_wait_max: Duration,
    /// So many dead letters without one good message between them stop the stage: then it is not the message that is
    /// broken but the set-up, and going on would only empty the topic into the dead letters.
    pub dead_letters_in_a_row_max: u64,
}

impl Default for StageLimits {
    fn default() -> Self {
        Self {
            batch_messages_max: 4096,
            poll_wait: Duration::from_millis(100),
            full_wait: Duration::from_millis(100),
            flush_deadline: Duration::from_secs(10),
            retry_wait_first: Duration::from_millis(100),
            retry_wait_max: Duration::from_secs(5),
            dead_letters_in_a_row_max: 10_000,
        }
    }
}

/// What one hop has done. `received` against `forwarded` of neighbouring hops shows where messages are.
#[derive(Debug, Default)]
pub struct HopCounters {
    /// Messages read, poison included.
    pub received: AtomicU64,
    /// Messages sent on.
    pub forwarded: AtomicU64,
    /// Messages whose batch is committed.
    pub committed: AtomicU64,
    /// Attempts that had to be repeated, of any step.
    pub retries: AtomicU64,
    /// Messages whose bytes could not be read.
    pub poison: AtomicU64,
    /// Messages that the stage gave up.
    pub rejected: AtomicU64,
}

impl HopCounters {
    /// Name and value of each counter, for metrics.
    #[must_use]
    pub fn values(&self) -> [(&'static str, u64); 6] {
        [
            ("received", &self.received),
            ("forwarded", &self.forwarded),
            ("committed", &self.committed),
            ("retries", &self.retries),
            ("poison", &self.poison),
            ("rejected", &self.rejected),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

/// What a stage is connected to.
pub struct Ports<'a, I: Message, O: Message> {
    /// Where it reads.
    pub input: &'a mut dyn Consumer<I>,
    /// Where it writes.
    pub output: &'a mut dyn Producer<O>,
    /// Where messages go that it cannot use.
    pub dead_letters: &'a mut dyn DeadLetters,
}

/// Why the loop ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The input closed and everything was done.
    Closed,
    /// It was asked to. What was not committed comes again.
    Stopped,
}

/// Runs `stage` until its input closes or `stop` is requested.
///
/// A `Retry` of any step is repeated with growing waits for as long as nobody asks to stop: a bus or store that is away
/// delays messages and loses none.
///
/// # Errors
/// The first error that is not worth another try, and [`StageLimits::dead_letters_in_a_row_max`].
pub fn run_stage<S: Stage>(
    stage: &mut S,
    mut ports: Ports<'_, S::In, S::Out>,
    limits: &StageLimits,
    counters: &HopCounters,
    stop: &Stop,
) -> Result<Ended, BusError> {
    let mut hop = Hop { name: S::NAME, limits, counters, stop, dead_in_a_row: 0 };
    let mut out = Outlet::default();
    loop {
        if stop.is_requested() {
            return Ok(Ended::Stopped);
        }
        let polled = hop.retried("poll", || ports.input.poll(limits.batch_messages_max, limits.poll_wait));
        let batch = match polled {
            Ok(Some(batch)) if batch.messages.is_empty() && batch.poison.is_empty() => continue,
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Ended::Stopped),
            Err(BusError::Closed) => return Ok(Ended::Closed),
            Err(error) => return Err(error),
        };
        if hop.batch(stage, &mut ports, &batch, &mut out)?.is_none() {
            return Ok(Ended::Stopped);
        }
    }
}

/// One run of the loop. Steps give `None` when a stop cut them short.
struct Hop<'a> {
    name: &'static str,
    limits: &'a StageLimits,
    counters: &'a HopCounters,
    stop: &'a Stop,
    dead_in_a_row: u64,
}

impl Hop<'_> {
    fn batch<S: Stage>(
        &mut self,
        stage: &mut S,
        ports: &mut Ports<'_, S::In, S::Out>,
        batch: &Batch<S::In>,
        out: &mut Outlet<S::Out>,
    ) -> Result<Option<()>, BusError> {
        let polled = batch.messages.len() + batch.poison.len();
        add(&self.counters.received, polled);
        let worked = self.retried("process", || {
            out.clear();
            if batch.messages.is_empty() { Ok(()) } else { stage.process(&batch.messages, out) }
        })?;
        if worked.is_none() {
            return Ok(None);
        }
        let letters = self.letters(batch, out)?;
        if self.send(ports.output, &mut out.messages)?.is_none()
            || self.bury(ports.dead_letters, &letters)?.is_none()
        {
            return Ok(None);
        }
        // Last, so that a crash before this line replays the batch instead of losing it.
        match ports.input.commit(&batch.position) {
            Ok(()) => {}
            // The next batch's commit covers this one; until then a crash replays.
            Err(BusError::Retry(_)) => add(&self.counters.retries, 1),
            Err(error) => return Err(error),
        }
        add(&self.counters.committed, polled);
        Ok(Some(()))
    }

    fn send<O: Message>(
        &self,
        output: &mut dyn Producer<O>,
        messages: &mut Vec<O>,
    ) -> Result<Option<()>, BusError> {
        while !messages.is_empty() {
            let before = messages.len();
            let sent = self.retried("send", || output.send_all(messages, self.limits.full_wait))?;
            add(&self.counters.forwarded, before - messages.len());
            if sent.is_none() || (!messages.is_empty() && self.stop.is_requested()) {
                return Ok(None);
            }
        }
        self.retried("flush", || output.flush(self.limits.flush_deadline))
    }

    /// The batch's dead letters; an error when it is time to brake.
    fn letters<I: Message, O>(
        &mut self,
        batch: &Batch<I>,
        out: &Outlet<O>,
    ) -> Result<Vec<DeadLetter>, BusError> {
        let mut letters = Vec::with_capacity(batch.poison.len() + out.rejects.len());
        for poison in &batch.poison {
            letters.push(DeadLetter {
                topic: I::TOPIC,
                origin: Some(poison.origin),
                stage: self.name,
                key: poison.key.clone(),
                value: poison.value.clone(),
                reason: poison.reason.clone(),
            });
        }
        for (index, reason) in &out.rejects {
            letters.push(self.rejected(batch, *index, reason)?);
        }
        add(&self.counters.poison, batch.poison.len());
        add(&self.counters.rejected, out.rejects.len());
        let Some(first) = letters.first() else {
            self.dead_in_a_row = 0;
            return Ok(letters);
        };
        let (stage, reason) = (self.name, &first.reason);
        tracing::warn!(stage, topic = I::TOPIC, count = letters.len(), reason, "dead letters");
        let good = out.rejects.len() < batch.messages.len();
        self.dead_in_a_row = if good { 0 } else { self.dead_in_a_row + letters.len() as u64 };
        if self.dead_in_a_row > self.limits.dead_letters_in_a_row_max {
            return Err(BusError::Fatal(format!(
                "{stage}: {} messages of {} in a row could not be used, the last because: {reason}. \
                 Check that what writes this topic has the same version as this process.",
                self.dead_in_a_row,
                I::TOPIC,
            )));
        }
        Ok(letters)
    }

    fn rejected<I: Message>(
        &self,
        batch: &Batch<I>,
        index: usize,
        reason: &str,
    ) -> Result<DeadLetter, BusError> {
        let Some(message) = batch.messages.get(index) else {
            let of = batch.messages.len();
            return Err(BusError::Fatal(format!(
                "{} rejected message {index} of a batch of {of}",
                self.name
            )));
        };
        let mut value = Vec::new();
        message.encode_to(&mut value);
        let (key, reason) = (message.key().to_vec(), reason.to_owned());
        Ok(DeadLetter { topic: I::TOPIC, origin: None, stage: self.name, key, value, reason })
    }

    fn bury(&self, place: &mut dyn DeadLetters, letters: &[DeadLetter]) -> Result<Option<()>, BusError> {
        if letters.is_empty() {
            return Ok(Some(()));
        }
        for letter in letters {
            if self.retried("bury", || place.bury(letter))?.is_none() {
                return Ok(None);
            }
        }
        self.retried("flush of dead letters", || place.flush(self.limits.flush_deadline))
    }

    /// Repeats `attempt` while it says `Retry`; `None` when a stop came first.
    fn retried<T>(
        &self,
        step: &'static str,
        mut attempt: impl FnMut() -> Result<T, BusError>,
    ) -> Result<Option<T>, BusError> {
        let mut wait = self.limits.retry_wait_first;
        loop {
            let reason = match attempt() {
                Ok(done) => return Ok(Some(done)),
                Err(BusError::Retry(reason)) => reason,
                Err(error) => return Err(error),
            };
            add(&self.counters.retries, 1);
            tracing::warn!(
                stage = self.name,
                step,
                reason,
                wait_ms = wait.as_millis() as u64,
                "trying again"
            );
            if self.stop.wait_timeout(wait) {
                return Ok(None);
            }
            wait = (wait * 2).min(self.limits.retry_wait_max);
        }
    }
}

#[cfg(test)]
mod tests;
