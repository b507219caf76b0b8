//! The statistics that a store keeps up to date while it writes, so that asking for them costs nothing.

use schema::{CaptureId, ThreatCategory, TrafficClass};
use std::net::IpAddr;

/// Flows with their packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Predictions, one a flow (or part of a flow).
    pub flows: u64,
    /// Packets of both directions.
    pub packets: u64,
    /// Bytes of both directions, IP total length.
    pub bytes: u64,
}

/// A count with what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<K> {
    /// What is counted.
    pub key: K,
    /// How much of it.
    pub count: Count,
}

/// A host with what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostCount {
    /// Which host.
    pub address: IpAddr,
    /// At least so much; exact unless [`TopHosts::missed_flows_max`] is above 0.
    pub count: Count,
}

/// The busiest hosts of one side, at most ten of each order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopHosts {
    /// Most flows first.
    pub by_flows: Vec<HostCount>,
    /// Most bytes first.
    pub by_bytes: Vec<HostCount>,
    /// By how many flows a host may have been counted too low. 0: all counts are exact. Above 0 when more hosts
    /// were seen than are remembered (some thousands a capture), as in a flood from forged addresses.
    pub missed_flows_max: u64,
    /// The same for bytes.
    pub missed_bytes_max: u64,
}

/// One point of the plot over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimePoint {
    /// Begin of the bucket, nanoseconds since 1970.
    pub start_ns: i64,
    /// Flows that began in it, and packets and bytes in it (a flow's are spread evenly over its duration).
    pub count: Count,
    /// Abnormal flows that began in it.
    pub abnormal: u64,
}

/// Packets over time in equal buckets, empty ones left out, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// Width of every bucket, nanoseconds; 0 when there is nothing.
    pub bucket_ns: i64,
    /// At most 512.
    pub points: Vec<TimePoint>,
}

/// What is in the store, or in one capture of it. All zero and empty for a capture that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Everything.
    pub total: Count,
    /// First packet, nanoseconds since 1970; `None` when there is nothing.
    pub first_ns: Option<i64>,
    /// Last packet, nanoseconds since 1970.
    pub last_ns: Option<i64>,
    /// By IANA protocol number (6 TCP, 17 UDP, ...), most flows first.
    pub transports: Vec<Share<u8>>,
    /// By recognised application protocol (`tls`, `dns`, ...; empty: not recognised), most flows first.
    pub protocols: Vec<Share<String>>,
    /// By traffic class, most flows first.
    pub traffic_classes: Vec<Share<TrafficClass>>,
    /// By threat category of the prediction (`None` for harmless ones is among them), most flows first.
    pub threat_categories: Vec<Share<ThreatCategory>>,
    /// What the policy calls abnormal.
    pub abnormal: Count,
    /// Whose traffic class is only a best guess.
    pub uncertain: Count,
    /// Threats (not predictions) by category, most first.
    pub threats: Vec<(ThreatCategory, u64)>,
    /// Initiators.
    pub sources: TopHosts,
    /// Responders.
    pub destinations: TopHosts,
    /// Packets over time.
    pub timeline: Timeline,
}

/// One capture in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its id.
    pub id: CaptureId,
    /// Name of the sensor or capture file, as its first record told.
    pub sensor: String,
    /// All of it.
    pub total: Count,
    /// First packet, nanoseconds since 1970.
    pub first_ns: i64,
    /// Last packet, nanoseconds since 1970.
    pub last_ns: i64,
    /// Flows whose category is an attack.
    pub attacks: u64,
    /// Flows that the policy calls abnormal.
    pub abnormal: u64,
    /// When its first prediction was stored, nanoseconds since 1970.
    pub stored_ns: i64,
}

/// An entry of the history of `/api/predict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Grows with every entry, never used twice.
    pub id: i64,
    /// JSON text of what was asked.
    pub input: String,
    /// JSON text of the answer.
    pub result: String,
    /// When, nanoseconds since 1970.
    pub time_ns: i64,
}

/// What retention removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Predictions older than the retention age.
    pub predictions_by_age: u64,
    /// Predictions removed to keep the store below its size.
    pub predictions_by_size: u64,
    /// Threats: too old, or none of their capture's flows is left.
    pub threats: u64,
    /// Bytes given back to the file system.
    pub freed_bytes: u64,
}

/// Whether the store can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Reading works.
    pub reads: bool,
    /// Writing works: the disk guard has no objection.
    pub writes: bool,
    /// Why not, and what to do; empty when all is well.
    pub reason: String,
    /// Size of the database with its log, bytes.
    pub size_bytes: u64,
    /// Free room on its disk, bytes.
    pub disk_free_bytes: u64,
}
