//! The line in which jobs wait, and the table in which everyone looks them up.

use super::{JobError, JobState, Upload};
use schema::{Id, JobEvent, JobPhase};
use service::metrics::Labels;
use service::{Metrics, ServiceError};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use store::Reader;
use tokio::sync::watch;

const RESTARTED: &str = "The service ended while this job was under way. Upload the captures again: flows that were \
                         stored already are not stored twice.";
const STOPPED: &str = "The service was stopped before this job's turn came. Upload the captures again.";

/// All jobs. Cheap to clone; everyone holds the same.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Shared>);

struct Shared {
    table: Mutex<Table>,
    arrived: Condvar,
    reader: Arc<dyn Reader>,
    folder: PathBuf,
    waiting_max: usize,
    kept_max: usize,
    counters: JobCounters,
}

/// What became of uploads and jobs, for `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct JobCounters {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Job states that the store did not take.
    pub(crate) unsaved: AtomicU64,
    /// Left-overs in the folder for uploads that could not be removed.
    pub(crate) unremoved: AtomicU64,
}

#[derive(Default)]
struct Table {
    states: HashMap<Id, watch::Sender<JobState>>,
    /// Oldest first; what is in `states`, in order of arrival.
    order: VecDeque<Id>,
    waiting: VecDeque<(Id, Vec<Upload>)>,
    /// Uploads that are being received.
    receiving: HashSet<Id>,
    closed: bool,
}

/// What became of the wish to upload.
pub(crate) enum Admission {
    /// There is room: receive the files.
    New(Ticket),
    /// The same upload was made before.
    Known(JobState),
}

/// A place in the line for an upload that is being received. Dropped unused, it leaves nothing behind.
pub(crate) struct Ticket {
    jobs: Jobs,
    id: Id,
    folder: PathBuf,
    used: bool,
}

impl Jobs {
    /// Opens the line: jobs of an earlier run that never ended have failed, and their files go.
    pub(crate) async fn open(
        reader: Arc<dyn Reader>,
        data_dir: &Path,
        waiting_max: usize,
        kept_max: usize,
    ) -> Result<Self, JobError> {
        let folder = data_dir.join("uploads");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        for event in reader.jobs(store::PAGE_ITEMS_MAX).await? {
            let mut job = JobState::remembered(event);
            if !job.has_ended() {
                tracing::warn!(job_id = job.event.job_id, "job of an earlier run did not end");
                job.fail(RESTARTED);
                reader.put_job(job.event).await?;
            }
        }
        let counters = JobCounters::default();
        let (table, arrived) = (Mutex::default(), Condvar::new());
        Ok(Self(Arc::new(Shared { table, arrived, reader, folder, waiting_max, kept_max, counters })))
    }

    /// Shows the counters at `/metrics`.
    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), ServiceError> {
        let keep = |name, help, labels: Labels<'_>, pick: fn(&JobCounters) -> &AtomicU64| {
            let jobs = self.clone();
            metrics.counter_of(name, help, labels, move || pick(&jobs.0.counters).load(Ordering::Relaxed))
        };
        let (name, help) = ("flowcatcher_gateway_jobs_total", "Uploads by what became of them.");
        keep(name, help, &[("result", "accepted")], |counters| &counters.accepted)?;
        keep(name, help, &[("result", "refused")], |counters| &counters.refused)?;
        keep(name, help, &[("result", "done")], |counters| &counters.done)?;
        keep(name, help, &[("result", "failed")], |counters| &counters.failed)?;
        let help = "Job states that the store did not take.";
        keep("flowcatcher_gateway_unsaved_job_states_total", help, &[], |counters| &counters.unsaved)?;
        let help = "Uploaded files that could not be removed after their job.";
        keep("flowcatcher_gateway_unremoved_uploads_total", help, &[], |counters| &counters.unremoved)?;
        let jobs = self.clone();
        let waiting = move || jobs.table().waiting.len() as f64;
        metrics.gauge_of("flowcatcher_gateway_waiting_jobs", "Jobs that wait for their turn.", &[], waiting)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere leaves the table whole: every change of it is one assignment.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a place in the line. The same `key` gives the same job, unless that failed.
    pub(crate) async fn admit(&self, key: Option<&str>) -> Result<Admission, JobError> {
        let id = match key {
            Some(key) => Id::hash(&[b"Idempotency-Key\0", key.as_bytes()]),
            None => random_id()?,
        };
        if key.is_some()
            && let Ok(known) = self.find(id).await
            && known.event.phase() != JobPhase::Failed
        {
            return Ok(Admission::Known(known));
        }
        self.reserve(id).inspect_err(|_| count(&self.0.counters.refused))?;
        let ticket =
            Ticket { jobs: self.clone(), id, folder: self.0.folder.join(id.to_string()), used: false };
        tokio::fs::create_dir(&ticket.folder).await?;
        Ok(Admission::New(ticket))
    }

    fn reserve(&self, id: Id) -> Result<(), JobError> {
        let mut table = self.table();
        let waiting = table.waiting.len() + table.receiving.len();
        if table.closed {
            return Err(JobError::Stopping);
        }
        if waiting >= self.0.waiting_max {
            return Err(JobError::Full { waiting });
        }
        if !table.receiving.insert(id) {
            return Err(JobError::UnderWay);
        }
        Ok(())
    }

    /// A job's state and its place in the line: 0 when its turn has come.
    pub(crate) async fn find(&self, id: Id) -> Result<JobState, JobError> {
        if let Some(state) = self.table().states.get(&id) {
            return Ok(state.borrow().clone());
        }
        let event = self.0.reader.job(id.to_string()).await?;
        event.map(JobState::remembered).ok_or_else(|| JobError::Unknown(id.to_string()))
    }

    /// How many jobs go before this one, itself included; 0 when it does not wait.
    pub(crate) fn position(&self, id: &str) -> usize {
        let table = self.table();
        let at = table.waiting.iter().position(|(waiting, _)| waiting.to_string() == id);
        at.map_or(0, |before| before + 1)
    }

    /// The latest jobs, newest first.
    pub(crate) async fn latest(&self, limit: usize) -> Result<Vec<JobState>, JobError> {
        let mut jobs: Vec<JobState> = {
            let table = self.table();
            let states = table.order.iter().rev().filter_map(|id| table.states.get(id));
            states.take(limit).map(|state| state.borrow().clone()).collect()
        };
        if jobs.len() < limit {
            let known: HashSet<String> = jobs.iter().map(|job| job.event.job_id.clone()).collect();
            let stored: Vec<JobEvent> = self.0.reader.jobs(limit).await?;
            jobs.extend(
                stored.into_iter().filter(|job| !known.contains(&job.job_id)).map(JobState::remembered),
            );
            jobs.truncate(limit);
        }
        Ok(jobs)
    }

    /// Returns the job's last state once it has ended.
    pub(crate) async fn ended(&self, id: Id) -> Result<JobState, JobError> {
        let watched = self.table().states.get(&id).map(watch::Sender::subscribe);
        let Some(mut watched) = watched else { return self.find(id).await };
        // The sender only goes away for a job that has ended and is kept in the store.
        let last = watched.wait_for(JobState::has_ended).await.map(|state| state.clone());
        match last {
            Ok(state) => Ok(state),
            Err(_) => self.find(id).await,
        }
    }

    /// Shows a new state to everyone who watches.
    pub(crate) fn show(&self, id: Id, state: &JobState) {
        if let Some(sender) = self.table().states.get(&id) {
            sender.send_replace(state.clone());
        }
    }

    /// Keeps a state across restarts. A store that fails here is no reason to fail the job.
    pub(crate) async fn save(&self, state: &JobState) {
        if let Err(error) = self.0.reader.put_job(state.event.clone()).await {
            count(&self.0.counters.unsaved);
            tracing::warn!(job_id = state.event.job_id, %error, "job state not saved");
        }
    }

    /// Waits for the next job; `None` once the line is closed.
    pub(crate) fn next(&self) -> Option<(Id, Vec<Upload>)> {
        let mut table = self.table();
        loop {
            if table.closed {
                return None;
            }
            if let Some(next) = table.waiting.pop_front() {
                return Some(next);
            }
            table = self.0.arrived.wait(table).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job has left the line: its files go, its outcome is counted.
    pub(crate) fn finish(&self, id: Id, state: &JobState) {
        let done = state.event.phase() == JobPhase::Done;
        count(if done { &self.0.counters.done } else { &self.0.counters.failed });
        self.remove(&self.0.folder.join(id.to_string()));
        self.forget_old();
    }

    fn remove(&self, folder: &Path) {
        if let Err(error) = std::fs::remove_dir_all(folder) {
            count(&self.0.counters.unremoved);
            tracing::warn!(folder = %folder.display(), %error, "uploaded files not removed");
        }
    }

    fn forget_old(&self) {
        let mut table = self.table();
        while table.order.len() > self.0.kept_max {
            let ended = table
                .order
                .front()
                .is_none_or(|id| table.states.get(id).is_none_or(|s| s.borrow().has_ended()));
            if !ended {
                break;
            }
            if let Some(id) = table.order.pop_front() {
                table.states.remove(&id);
            }
        }
    }

    /// Closes the line: who waits has failed and is told why; the worker ends after its job.
    pub(crate) fn close(&self) -> Vec<JobState> {
        let mut table = self.table();
        table.closed = true;
        self.0.arrived.notify_all();
        let waiting = std::mem::take(&mut table.waiting);
        let mut failed = Vec::with_capacity(waiting.len());
        for (id, _) in waiting {
            if let Some(sender) = table.states.get(&id) {
                sender.send_modify(|state| state.fail(STOPPED));
                failed.push(sender.borrow().clone());
            }
        }
        failed
    }
}

impl Ticket {
    /// Where the files of this upload go.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All files are here: the job takes its place in the line.
    pub(crate) async fn submit(mut self, uploads: Vec<Upload>) -> Result<JobState, JobError> {
        let state = JobState::queued(self.id, &uploads);
        self.jobs.save(&state).await;
        let mut table = self.jobs.table();
        if table.closed {
            return Err(JobError::Stopping);
        }
        table.receiving.remove(&self.id);
        table.order.retain(|id| *id != self.id);
        table.order.push_back(self.id);
        table.states.insert(self.id, watch::Sender::new(state.clone()));
        table.waiting.push_back((self.id, uploads));
        drop(table);
        self.used = true;
        self.jobs.0.arrived.notify_one();
        count(&self.jobs.0.counters.accepted);
        Ok(state)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.used {
            self.jobs.table().receiving.remove(&self.id);
            self.jobs.remove(&self.folder);
            count(&self.jobs.0.counters.refused);
        }
    }
}

/// Nobody can guess it, so nobody can ask for another's job.
fn random_id() -> Result<Id, JobError> {
    let mut id = Id::default();
    getrandom::fill(&mut id.0).map_err(std::io::Error::other)?;
    Ok(id)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
