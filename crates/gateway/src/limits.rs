//! What the door lets in, and how much of it.

use std::time::Duration;

/// Caps of the HTTP door. Each has its name in the settings and in the error that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Bytes of one upload, all its files together.
    pub upload_bytes_max: u64,
    /// Files of one upload.
    pub upload_files_max: usize,
    /// Bytes that one uploaded file may expand to, over all its entries.
    pub expanded_bytes_max: u64,
    /// Entries of an uploaded zip, folders included.
    pub zip_entries_max: u64,
    /// Jobs that wait for their turn, uploads under way included.
    pub jobs_waiting_max: usize,
    /// Ended jobs whose state is kept in memory; older ones are read from the store.
    pub jobs_kept_max: usize,
    /// Bytes of a JSON body.
    pub json_bytes_max: usize,
    /// Longest time that reading the captures of one job may take.
    pub job_time_max: Duration,
    /// Longest time without any newly stored prediction before a job that waits for them gives up.
    pub storing_quiet_max: Duration,
    /// After so long without a newly stored prediction, the last flow of a job being stored, the rest of its flows is
    /// taken to repeat others.
    pub settled_after: Duration,
    /// Longest time that an upload may send nothing.
    pub upload_quiet_max: Duration,
    /// Threads that answer requests.
    pub threads: usize,
    /// Connections per thread.
    pub connections_max: usize,
    /// Time that running requests have to end once the service stops.
    pub drain_max: Duration,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            upload_bytes_max: 2 << 30,
            upload_files_max: 100,
            expanded_bytes_max: 10 << 30,
            zip_entries_max: 1_000,
            jobs_waiting_max: 16,
            jobs_kept_max: 200,
            json_bytes_max: 256 << 10,
            job_time_max: Duration::from_mins(30),
            storing_quiet_max: Duration::from_mins(1),
            settled_after: Duration::from_secs(5),
            upload_quiet_max: Duration::from_mins(1),
            threads: 2,
            connections_max: 2_048,
            drain_max: Duration::from_secs(10),
        }
    }
}
