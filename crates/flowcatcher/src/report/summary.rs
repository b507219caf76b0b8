//! Totals, shares, busiest sources and the course of a set of predictions.

use super::sparkline::Course;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{FlowRecord, Prediction};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Sources counted by name; flows of any further ones count only in the totals.
const SOURCES_MAX: usize = 100_000;
/// Application protocols counted by name.
const PROTOCOLS_MAX: usize = 1_000;

/// Flows with their packets and bytes (IP total length), both ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) flows: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Count {
    fn of(record: &FlowRecord) -> Self {
        let both = || [&record.forward, &record.backward].into_iter().flatten();
        Self {
            flows: 1,
            packets: both().map(|traffic| traffic.packets).sum(),
            bytes: both().map(|traffic| traffic.ip_bytes).sum(),
        }
    }

    fn add(&mut self, other: Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) total: Count,
    pub(crate) abnormal: u64,
    pub(crate) uncertain: u64,
    pub(crate) first_ns: Option<i64>,
    pub(crate) last_ns: Option<i64>,
    transports: BTreeMap<u32, Count>,
    applications: BTreeMap<String, Count>,
    classes: [Count; TRAFFIC_CLASSES.len()],
    categories: [Count; CATEGORIES.len()],
    sources: HashMap<IpAddr, Count>,
    /// Flows of sources beyond [`SOURCES_MAX`].
    pub(crate) sources_beyond: u64,
    pub(crate) course: Course,
}

impl Summary {
    pub(crate) fn add(&mut self, prediction: &Prediction) {
        let Some(record) = &prediction.record else { return };
        let count = Count::of(record);
        self.total.add(count);
        self.abnormal += u64::from(prediction.is_abnormal);
        self.uncertain += u64::from(prediction.uncertain);
        self.first_ns = Some(self.first_ns.map_or(record.start_ns, |first| first.min(record.start_ns)));
        self.last_ns = Some(self.last_ns.map_or(record.end_ns, |last| last.max(record.end_ns)));
        self.transports.entry(record.protocol).or_default().add(count);
        let application = record.application.as_ref().map_or("", |found| found.protocol.as_str());
        let room = self.applications.len() < PROTOCOLS_MAX;
        match self.applications.get_mut(application) {
            Some(known) => known.add(count),
            None if room => {
                self.applications.insert(application.to_owned(), count);
            }
            None => {}
        }
        self.classes[prediction.traffic_class() as usize].add(count);
        self.categories[prediction.threat_category() as usize].add(count);
        self.add_source(record, count);
        self.course.add(record.start_ns, record.end_ns, count.packets);
    }

    fn add_source(&mut self, record: &FlowRecord, count: Count) {
        let Some(source) = schema::ids::address(&record.source_ip) else { return };
        let room = self.sources.len() < SOURCES_MAX;
        match self.sources.get_mut(&source) {
            Some(known) => known.add(count),
            None if room => {
                self.sources.insert(source, count);
            }
            None => self.sources_beyond += 1,
        }
    }

    /// By transport, most packets first.
    pub(crate) fn transports(&self) -> Vec<(String, Count)> {
        let name = |number: u32| {
            schema::document::transport_name(number)
                .map_or_else(|| format!("protocol {number}"), str::to_owned)
        };
        most_first(self.transports.iter().map(|(number, count)| (name(*number), *count)))
    }

    /// By application protocol, most packets first.
    pub(crate) fn applications(&self) -> Vec<(String, Count)> {
        let name = |name: &str| if name.is_empty() { "not recognised".to_owned() } else { name.to_owned() };
        most_first(self.applications.iter().map(|(key, count)| (name(key), *count)))
    }

    /// By traffic class, most packets first.
    pub(crate) fn classes(&self) -> Vec<(String, Count)> {
        most_first(
            TRAFFIC_CLASSES.iter().zip(self.classes).map(|(class, count)| (class.name().to_owned(), count)),
        )
    }

    /// By threat category, most packets first.
    pub(crate) fn categories(&self) -> Vec<(String, Count)> {
        let named = |(category, count): (&schema::ThreatCategory, Count)| (category.name().to_owned(), count);
        most_first(CATEGORIES.iter().zip(self.categories).map(named))
    }

    /// Sources with the most packets.
    pub(crate) fn top_sources(&self, limit: usize) -> Vec<(String, Count)> {
        let mut all = most_first(self.sources.iter().map(|(source, count)| (source.to_string(), *count)));
        all.truncate(limit);
        all
    }
}

fn most_first(counts: impl Iterator<Item = (String, Count)>) -> Vec<(String, Count)> {
    let mut counts: Vec<_> = counts.filter(|(_, count)| count.flows > 0).collect();
    counts.sort_by(|(a, one), (b, other)| other.packets.cmp(&one.packets).then_with(|| a.cmp(b)));
    counts
}
