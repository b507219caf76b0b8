//! Where messages go that no stage can use, so that they neither block a topic nor vanish.

use crate::{BusError, Origin};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A message that was given up, with where it came from and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Topic that it was read from, without prefix.
    pub topic: &'static str,
    /// Its place there, where known.
    pub origin: Option<Origin>,
    /// Stage that gave it up.
    pub stage: &'static str,
    /// Its key.
    pub key: Vec<u8>,
    /// Its wire form.
    pub value: Vec<u8>,
    /// Why it was given up, for people.
    pub reason: String,
}

/// Takes dead letters. The loop flushes it before it commits.
pub trait DeadLetters: Send {
    /// Takes one letter.
    ///
    /// # Errors
    /// See [`BusError`]; after `Retry` the loop brings the letter again.
    fn bury(&mut self, letter: &DeadLetter) -> Result<(), BusError>;

    /// Returns once all letters taken are as durable as this place promises.
    ///
    /// # Errors
    /// See [`BusError`].
    fn flush(&mut self, deadline: Duration) -> Result<(), BusError>;
}

/// The newest letters, in memory. Clones share one list.
#[derive(Debug, Clone)]
pub struct DeadLetterList {
    shared: Arc<Mutex<Letters>>,
    letters_max: usize,
}

#[derive(Debug, Default)]
struct Letters {
    newest: VecDeque<DeadLetter>,
    buried: u64,
}

impl DeadLetterList {
    /// Keeps the newest `letters_max`; older ones are only counted.
    #[must_use]
    pub fn new(letters_max: usize) -> Self {
        Self { shared: Arc::default(), letters_max }
    }

    /// The letters kept, oldest first.
    #[must_use]
    pub fn newest(&self) -> Vec<DeadLetter> {
        self.lock().newest.iter().cloned().collect()
    }

    /// Letters taken so far, those included that are kept no more.
    #[must_use]
    pub fn buried(&self) -> u64 {
        self.lock().buried
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeadLetters for DeadLetterList {
    fn bury(&mut self, letter: &DeadLetter) -> Result<(), BusError> {
        let mut letters = self.lock();
        letters.buried += 1;
        letters.newest.push_back(letter.clone());
        while letters.newest.len() > self.letters_max {
            letters.newest.pop_front();
        }
        Ok(())
    }

    fn flush(&mut self, _deadline: Duration) -> Result<(), BusError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_all_are_counted() {
        let mut list = DeadLetterList::new(2);
        let seen = list.clone();
        for reason in ["a", "b", "c"] {
            let (topic, stage, reason) = ("flows.v1", "judge", reason.to_owned());
            let letter =
                DeadLetter { topic, origin: None, stage, key: Vec::new(), value: Vec::new(), reason };
            list.bury(&letter).expect("buried");
        }
        let reasons: Vec<String> = seen.newest().into_iter().map(|letter| letter.reason).collect();
        assert_eq!((reasons, seen.buried()), (vec!["b".to_owned(), "c".to_owned()], 3));
    }
}
