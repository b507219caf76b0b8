//! `GET /api/stats` and `/api/captures`: sums that the store keeps up to date, so asking costs nothing.

use super::App;
use super::parameters::{StatsFilter, id};
use crate::clock;
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Count, HostCount, StatsQuery};
use utoipa::ToSchema;

/// What is in the store, or in one capture of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    flows: u64,
    packets: u64,
    /// IP total length.
    bytes: u64,
    /// Flows whose category is an attack.
    attacks: u64,
    /// Flows that the policy calls abnormal.
    abnormal: u64,
    /// Flows whose traffic class is only a best guess.
    uncertain: u64,
    /// Threats, not flows.
    threats: u64,
    captures: usize,
    /// First and last packet, RFC 3339; null when there is nothing.
    first: Option<String>,
    last: Option<String>,
    /// Flows by each of these.
    traffic_classes: BTreeMap<&'static str, u64>,
    threat_categories: BTreeMap<&'static str, u64>,
    /// By IANA protocol number.
    transports: BTreeMap<u8, u64>,
    /// By application protocol; `unknown` where none was recognised.
    protocols: BTreeMap<String, u64>,
    /// Threats by category.
    threats_by_category: BTreeMap<&'static str, u64>,
    /// The busiest initiators and responders, most flows first.
    top_sources: Vec<Host>,
    top_destinations: Vec<Host>,
    timeline: Timeline,
}

/// A host with what it did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Host {
    #[schema(value_type = String)]
    address: std::net::IpAddr,
    flows: u64,
    packets: u64,
    bytes: u64,
}

impl From<&HostCount> for Host {
    fn from(host: &HostCount) -> Self {
        let Count { flows, packets, bytes } = host.count;
        Self { address: host.address, flows, packets, bytes }
    }
}

/// Counts over time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// Width of a bucket, seconds.
    bucket_s: f64,
    /// Oldest first; empty buckets are left out.
    points: Vec<Point>,
}

/// One bucket.
#[derive(Serialize, ToSchema)]
pub(crate) struct Point {
    /// RFC 3339.
    start: String,
    flows: u64,
    packets: u64,
    bytes: u64,
    abnormal: u64,
}

impl From<&store::TimePoint> for Point {
    fn from(point: &store::TimePoint) -> Self {
        let Count { flows, packets, bytes } = point.count;
        Self { start: clock::to_text(point.start_ns), flows, packets, bytes, abnormal: point.abnormal }
    }
}

impl Stats {
    fn new(stats: &store::Stats, captures: usize) -> Self {
        let attacks = stats.threat_categories.iter().filter(|share| share.key.is_attack());
        let named = |name: &str| if name.is_empty() { "unknown".to_owned() } else { name.to_owned() };
        Self {
            flows: stats.total.flows,
            packets: stats.total.packets,
            bytes: stats.total.bytes,
            attacks: attacks.map(|share| share.count.flows).sum(),
            abnormal: stats.abnormal.flows,
            uncertain: stats.uncertain.flows,
            threats: stats.threats.iter().map(|(_, count)| count).sum(),
            captures,
            first: stats.first_ns.map(clock::to_text),
            last: stats.last_ns.map(clock::to_text),
            traffic_classes: stats
                .traffic_classes
                .iter()
                .map(|share| (share.key.name(), share.count.flows))
                .collect(),
            threat_categories: stats
                .threat_categories
                .iter()
                .map(|share| (share.key.name(), share.count.flows))
                .collect(),
            transports: stats.transports.iter().map(|share| (share.key, share.count.flows)).collect(),
            protocols: stats.protocols.iter().map(|share| (named(&share.key), share.count.flows)).collect(),
            threats_by_category: stats
                .threats
                .iter()
                .map(|(category, count)| (category.name(), *count))
                .collect(),
            top_sources: stats.sources.by_flows.iter().map(Host::from).collect(),
            top_destinations: stats.destinations.by_flows.iter().map(Host::from).collect(),
            timeline: Timeline {
                bucket_s: stats.timeline.bucket_ns as f64 / 1e9,
                points: stats.timeline.points.iter().map(Point::from).collect(),
            },
        }
    }
}

/// Totals, shares, top hosts and counts over time.
#[utoipa::path(
    get, path = "/api/stats", tag = "results", params(StatsFilter),
    responses(
        (status = 200, body = Stats),
        (status = 400, response = super::openapi::Malformed),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn stats(
    app: Data<App>,
    Query(filter): Query<StatsFilter>,
) -> Result<HttpResponse, Problem> {
    let capture = filter.capture.as_deref().map(|text| id(text, "a capture")).transpose()?;
    let stats = app.reader.stats(StatsQuery { capture }).await?;
    let captures = match capture {
        Some(_) => usize::from(stats.total.flows > 0),
        None => app.reader.captures().await?.len(),
    };
    Ok(HttpResponse::Ok().json(Stats::new(&stats, captures)))
}

/// One capture in the store.
#[derive(Serialize, ToSchema)]
pub(crate) struct Capture {
    /// 32 hex digits.
    id: String,
    /// Name of the sensor or of the capture file.
    name: String,
    flows: u64,
    packets: u64,
    bytes: u64,
    attacks: u64,
    abnormal: u64,
    /// First and last packet, and when it was first stored: RFC 3339.
    first: String,
    last: String,
    stored: String,
}

impl From<store::Capture> for Capture {
    fn from(capture: store::Capture) -> Self {
        let Count { flows, packets, bytes } = capture.total;
        Self {
            id: capture.id.to_string(),
            name: capture.sensor,
            flows,
            packets,
            bytes,
            attacks: capture.attacks,
            abnormal: capture.abnormal,
            first: clock::to_text(capture.first_ns),
            last: clock::to_text(capture.last_ns),
            stored: clock::to_text(capture.stored_ns),
        }
    }
}

/// Captures, last stored first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaptureList {
    items: Vec<Capture>,
}

/// The captures in the store.
#[utoipa::path(
    get, path = "/api/captures", tag = "results",
    responses((status = 200, body = CaptureList), (status = 503, response = super::openapi::Unavailable))
)]
pub(crate) async fn captures(app: Data<App>) -> Result<HttpResponse, Problem> {
    let captures = app.reader.captures().await?;
    Ok(HttpResponse::Ok().json(CaptureList { items: captures.into_iter().map(Capture::from).collect() }))
}
