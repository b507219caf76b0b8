//! The wish to end, and a wait that the wish cuts short.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Shared by everything that shall end together. Once requested it stays requested.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone who holds this to end, and wakes those who wait.
    pub fn request(&self) {
        // Under the lock, so that nobody can look, see nothing and begin to wait after the wake-up.
        let _held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.requested.store(true, Ordering::Release);
        self.0.changed.notify_all();
    }

    /// Whether someone has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::Acquire)
    }

    /// Waits for `wait` or for the request, whichever comes first, and says whether there is a request.
    #[must_use]
    pub fn wait_timeout(&self, wait: Duration) -> bool {
        let held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |(): &mut ()| !self.is_requested();
        drop(self.0.changed.wait_timeout_while(held, wait, waiting).unwrap_or_else(PoisonError::into_inner));
        self.is_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_request_ends_a_wait_and_stays() {
        let stop = Stop::new();
        assert!(!stop.wait_timeout(Duration::from_millis(1)));
        let start = Instant::now();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| stop.wait_timeout(Duration::from_mins(1)));
            stop.request();
            assert!(waiter.join().expect("joined"));
        });
        assert!(stop.clone().wait_timeout(Duration::from_mins(1)) && stop.is_requested());
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
