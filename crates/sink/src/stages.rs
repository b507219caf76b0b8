//! The stage, for either kind of document. It does not know which bus it runs on, nor which store it writes to.

use crate::SinkCounters;
use bus::{BusError, Message, NoMessage, Outlet, Stage};
use schema::{Prediction, Threat};
use std::marker::PhantomData;
use std::sync::Arc;
use store::{Store, StoreError, WriteVerdict};

/// A kind of message that has a place in the store.
pub trait Stored: Message {
    /// Name of the stage that writes it.
    const STAGE: &'static str;

    /// Writes a batch as one.
    ///
    /// # Errors
    /// Those of the store.
    fn write(store: &mut dyn Store, batch: &[Arc<Self>]) -> Result<Vec<WriteVerdict>, StoreError>;
}

impl Stored for Prediction {
    const STAGE: &'static str = "sink-predictions";

    fn write(store: &mut dyn Store, batch: &[Arc<Self>]) -> Result<Vec<WriteVerdict>, StoreError> {
        store.write_predictions(batch)
    }
}

impl Stored for Threat {
    const STAGE: &'static str = "sink-threats";

    fn write(store: &mut dyn Store, batch: &[Arc<Self>]) -> Result<Vec<WriteVerdict>, StoreError> {
        store.write_threats(batch)
    }
}

/// What to do when the store has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Wait: somebody may make room, and nothing is lost meanwhile. For a service.
    Wait,
    /// Give up. For a command that somebody waits for.
    Fail,
}

/// Writes what it reads.
pub struct Sink<M> {
    store: Box<dyn Store>,
    when_full: WhenFull,
    counters: Arc<SinkCounters>,
    kind: PhantomData<fn(M)>,
}

/// Writes predictions.
pub type PredictionSink = Sink<Prediction>;
/// Writes threats.
pub type ThreatSink = Sink<Threat>;

impl<M: Stored> Sink<M> {
    /// Writes to `store`.
    #[must_use]
    pub fn new(store: Box<dyn Store>, when_full: WhenFull) -> Self {
        Self { store, when_full, counters: Arc::default(), kind: PhantomData }
    }

    /// For metrics, while the stage runs on its thread.
    #[must_use]
    pub fn counters(&self) -> Arc<SinkCounters> {
        Arc::clone(&self.counters)
    }
}

impl<M: Stored> Stage for Sink<M> {
    type In = M;
    type Out = NoMessage;
    const NAME: &'static str = M::STAGE;

    fn process(&mut self, batch: &[Arc<M>], out: &mut Outlet<NoMessage>) -> Result<(), BusError> {
        let written = M::write(&mut *self.store, batch).map_err(|error| bus_error(error, self.when_full))?;
        settle(&written, &self.counters, out);
        Ok(())
    }
}

/// Counts the verdicts of a batch and hands on its rejects.
fn settle(verdicts: &[WriteVerdict], counters: &SinkCounters, out: &mut Outlet<NoMessage>) {
    for (index, verdict) in verdicts.iter().enumerate() {
        counters.count(verdict);
        if let WriteVerdict::Rejected(reason) = verdict {
            out.reject(index, reason.as_str());
        }
    }
}

/// A full disk may be emptied: where one waits, the batch waits like one for a busy store.
fn bus_error(error: StoreError, when_full: WhenFull) -> BusError {
    match (&error, when_full) {
        (StoreError::Retry(_), _) | (StoreError::Full(_), WhenFull::Wait) => {
            BusError::Retry(error.to_string())
        }
        _ => BusError::Fatal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::memory::{Topic, TopicLimits};
    use bus::{
        DeadLetterList, Ended, HopCounters, NoOutput, Ports, Producer as _, StageLimits, Stop, run_stage,
    };
    use std::collections::VecDeque;
    use std::time::Duration;
    use store::Removed;

    /// Answers from a list, then stores everything.
    #[derive(Default)]
    struct Scripted(VecDeque<Result<Vec<WriteVerdict>, StoreError>>);

    impl Store for Scripted {
        fn write_predictions(&mut self, batch: &[Arc<Prediction>]) -> Result<Vec<WriteVerdict>, StoreError> {
            self.0.pop_front().unwrap_or_else(|| Ok(vec![WriteVerdict::Stored; batch.len()]))
        }

        fn write_threats(&mut self, batch: &[Arc<Threat>]) -> Result<Vec<WriteVerdict>, StoreError> {
            self.0.pop_front().unwrap_or_else(|| Ok(vec![WriteVerdict::Stored; batch.len()]))
        }

        fn retain(&mut self) -> Result<Removed, StoreError> {
            Ok(Removed::default())
        }
    }

    /// Runs three predictions through the sink: how it ended, its counters, and how many were buried and not committed.
    fn run(
        answers: Vec<Result<Vec<WriteVerdict>, StoreError>>,
        when_full: WhenFull,
    ) -> (Result<Ended, BusError>, [u64; 3], u64, usize) {
        let topic = Topic::new(TopicLimits::default());
        let mut input = topic.consumer("sink");
        let mut producer = topic.producer();
        let mut messages = vec![Prediction::default(); 3];
        producer.send_all(&mut messages, Duration::ZERO).expect("sent");
        drop(producer);
        let mut sink = PredictionSink::new(Box::new(Scripted(answers.into())), when_full);
        let counters = sink.counters();
        let mut letters = DeadLetterList::new(10);
        let ports = Ports { input: &mut input, output: &mut NoOutput, dead_letters: &mut letters };
        let limits = StageLimits { retry_wait_first: Duration::from_millis(1), ..StageLimits::default() };
        let ended = run_stage(&mut sink, ports, &limits, &HopCounters::default(), &Stop::new());
        (ended, counters.values().map(|(_, value)| value), letters.buried(), topic.depth())
    }

    #[test]
    fn what_the_store_says_decides() {
        let mixed =
            vec![WriteVerdict::Stored, WriteVerdict::AlreadyStored, WriteVerdict::Rejected("no id".into())];
        let (ended, counted, buried, left) = run(vec![Ok(mixed)], WhenFull::Wait);
        assert!(matches!(ended, Ok(Ended::Closed)));
        assert_eq!((counted, buried, left), ([1, 1, 1], 1, 0));
        let busy = vec![Err(StoreError::Retry("busy".into())), Err(StoreError::Full("full".into()))];
        let (ended, counted, buried, left) = run(busy, WhenFull::Wait);
        assert!(matches!(ended, Ok(Ended::Closed)));
        assert_eq!((counted, buried, left), ([3, 0, 0], 0, 0));
        let (ended, counted, _, left) = run(vec![Err(StoreError::Fatal("broken".into()))], WhenFull::Wait);
        assert!(matches!(ended, Err(BusError::Fatal(_))));
        // Nothing is committed that was not acknowledged.
        assert_eq!((counted, left), ([0, 0, 0], 3));
        let (ended, _, _, left) = run(vec![Err(StoreError::Full("full".into()))], WhenFull::Fail);
        assert!(matches!(ended, Err(BusError::Fatal(_))));
        assert_eq!(left, 3);
    }
}
