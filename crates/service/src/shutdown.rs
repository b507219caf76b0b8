//! The end of a process: a signal or a command asks for it once, everyone who wants to know is told.

use crate::ServiceError;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Exit status when a second signal cuts the drain short: 128 + SIGINT, as shells have it.
const IMPATIENT_STATUS: i32 = 130;

/// Shared by all parts of a process. Once requested it stays requested.
#[derive(Clone, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requested: bool,
    subscribers: Vec<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("requested", &self.is_requested()).finish_non_exhaustive()
    }
}

impl Shutdown {
    /// One that only [`Self::request`] triggers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGINT (Ctrl-C) and SIGTERM trigger. A second signal ends the process at once.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub fn on_signals() -> Result<Self, ServiceError> {
        let refused = |source| ServiceError::System { what: "listening for signals", source };
        let shutdown = Self::new();
        let second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order the first signal only arms the exit.
            signal_hook::flag::register_conditional_shutdown(signal, IMPATIENT_STATUS, Arc::clone(&second))
                .map_err(refused)?;
            signal_hook::flag::register(signal, Arc::clone(&second)).map_err(refused)?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
        let on_signal = shutdown.clone();
        let listen = move || {
            if signals.forever().next().is_some() {
                tracing::info!("finishing; a second signal ends at once");
                on_signal.request();
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(refused)?;
        Ok(shutdown)
    }

    /// Asks the process to end: tells every subscriber and wakes those who wait.
    pub fn request(&self) {
        let subscribers = {
            let mut state = self.lock();
            state.requested = true;
            self.0.changed.notify_all();
            std::mem::take(&mut state.subscribers)
        };
        for tell in subscribers {
            tell();
        }
    }

    /// Calls `tell` once when the end is requested; at once when it was already. It must not block.
    pub fn subscribe(&self, tell: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.requested {
            drop(state);
            tell();
        } else {
            state.subscribers.push(Box::new(tell));
        }
    }

    /// Whether the end was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.lock().requested
    }

    /// Waits for the request.
    pub fn wait(&self) {
        let waiting = |state: &mut State| !state.requested;
        drop(self.0.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for `wait` or for the request, whichever comes first, and says whether there is a request.
    #[must_use]
    pub fn wait_timeout(&self, wait: Duration) -> bool {
        let waiting = |state: &mut State| !state.requested;
        let waited = self.0.changed.wait_timeout_while(self.lock(), wait, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.requested
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn subscribers_are_told_once_and_late_ones_at_once() {
        let (shutdown, (told, tells)) = (Shutdown::new(), mpsc::channel());
        for name in ["early", "late"] {
            let told = told.clone();
            shutdown.subscribe(move || told.send(name).expect("open"));
            assert!(name == "late" || !shutdown.wait_timeout(Duration::ZERO));
            shutdown.request();
        }
        drop(told);
        shutdown.wait();
        assert_eq!(tells.iter().collect::<Vec<_>>(), ["early", "late"]);
    }

    #[test]
    fn a_signal_requests_the_end() {
        let shutdown = Shutdown::on_signals().expect("listening");
        signal_hook::low_level::raise(SIGTERM).expect("raised");
        assert!(shutdown.wait_timeout(Duration::from_secs(30)));
    }
}
