//! All statistics of one capture, or of everything, as one small value that grows with each stored flow.
//!
//! It is written in the transaction that stores the flows, so it never differs from what is stored, and reading it is as
//! fast with a hundred million flows as with ten. Its size is bounded: see the limits here and in the two rooms below.

pub(crate) mod hosts;
pub(crate) mod timeline;

use crate::stats::{Count, Share, Stats};
use hosts::HostTable;
use prost::Message;
use schema::FlowLayer;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{Prediction, ThreatCategory, TrafficClass};
use std::cmp::Reverse;
use std::net::IpAddr;
use timeline::{Bucket, Buckets};

/// Application protocols with a count of their own; what comes after them counts as [`OTHER_PROTOCOL`].
const PROTOCOLS_MAX: usize = 128;
const OTHER_PROTOCOL: &str = "other";

impl Count {
    pub(crate) fn join(&mut self, other: Self) {
        self.flows = self.flows.saturating_add(other.flows);
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Takes `other` away again.
    pub(crate) fn part(&mut self, other: Self) {
        self.flows = self.flows.saturating_sub(other.flows);
        self.packets = self.packets.saturating_sub(other.packets);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

/// What the statistics want to know of a prediction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting<'a> {
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) transport: u8,
    pub(crate) protocol: &'a str,
    pub(crate) class: TrafficClass,
    pub(crate) category: ThreatCategory,
    pub(crate) is_abnormal: bool,
    pub(crate) is_uncertain: bool,
}

impl<'a> Sighting<'a> {
    /// What of it makes no sense, in words.
    pub(crate) fn of(prediction: &'a Prediction) -> Result<Self, String> {
        let record = prediction.record.as_ref().ok_or("the prediction has no record")?;
        let end = |name, bytes: &[u8]| {
            schema::ids::address(bytes)
                .ok_or_else(|| format!("{name} has {} bytes, not 4 or 16", bytes.len()))
        };
        // What a tunnel's own conversation carried is counted with the flows inside it.
        let sides = [record.forward.as_ref(), record.backward.as_ref()];
        let inner = sides.into_iter().flatten().filter(|_| record.layer() == FlowLayer::Inner);
        let (packets, bytes) = inner.fold((0u64, 0u64), |(packets, bytes), side| {
            (packets.saturating_add(side.packets), bytes.saturating_add(side.ip_bytes))
        });
        Ok(Self {
            start_ns: record.start_ns,
            // A last packet before the first is damage; it must not hide the flow from a search by time.
            end_ns: record.end_ns.max(record.start_ns),
            packets,
            bytes,
            source: end("source_ip", &record.source_ip)?,
            destination: end("destination_ip", &record.destination_ip)?,
            transport: u8::try_from(record.protocol)
                .map_err(|_| format!("there is no IP protocol {}", record.protocol))?,
            protocol: record.application.as_ref().map_or("", |application| &application.protocol),
            class: TrafficClass::try_from(prediction.traffic_class)
                .map_err(|_| format!("there is no traffic class {}", prediction.traffic_class))?,
            category: ThreatCategory::try_from(prediction.threat_category)
                .map_err(|_| format!("there is no threat category {}", prediction.threat_category))?,
            is_abnormal: prediction.is_abnormal,
            is_uncertain: prediction.uncertain,
        })
    }

    fn count(&self) -> Count {
        Count { flows: 1, packets: self.packets, bytes: self.bytes }
    }

    #[cfg(test)]
    pub(crate) fn example() -> Self {
        let address = IpAddr::from([10, 0, 0, 1]);
        Self {
            start_ns: 0,
            end_ns: 0,
            packets: 1,
            bytes: 1,
            source: address,
            destination: address,
            transport: 6,
            protocol: "",
            class: TrafficClass::NonTor,
            category: ThreatCategory::None,
            is_abnormal: false,
            is_uncertain: false,
        }
    }
}

/// See the top of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    pub(crate) total: Count,
    /// Of the first and last packet ever counted; meaningless while there is no flow.
    pub(crate) first_ns: i64,
    pub(crate) last_ns: i64,
    pub(crate) abnormal: Count,
    uncertain: Count,
    classes: [Count; TRAFFIC_CLASSES.len()],
    categories: [Count; CATEGORIES.len()],
    transports: Vec<Share<u8>>,
    protocols: Vec<Share<String>>,
    timeline: Buckets,
    /// Sources, destinations.
    pub(crate) sides: [HostTable; 2],
}

impl Summary {
    pub(crate) fn add(&mut self, flow: &Sighting<'_>) {
        let count = flow.count();
        if self.total.flows == 0 {
            (self.first_ns, self.last_ns) = (flow.start_ns, flow.end_ns);
        }
        self.first_ns = self.first_ns.min(flow.start_ns);
        self.last_ns = self.last_ns.max(flow.end_ns);
        self.change(flow, |there| there.join(count));
        self.timeline.add(flow);
        self.sides[0].add(flow.source, count);
        self.sides[1].add(flow.destination, count);
    }

    /// Takes back what [`Summary::add`] added; only the times stay as wide as they were.
    pub(crate) fn remove(&mut self, flow: &Sighting<'_>) {
        let count = flow.count();
        self.change(flow, |there| there.part(count));
        self.timeline.remove(flow);
        self.sides[0].remove(flow.source, count);
        self.sides[1].remove(flow.destination, count);
        self.transports.retain(|share| share.count.flows > 0);
        self.protocols.retain(|share| share.count.flows > 0);
    }

    fn change(&mut self, flow: &Sighting<'_>, apply: impl Fn(&mut Count)) {
        apply(&mut self.total);
        apply(&mut self.classes[flow.class as usize]);
        apply(&mut self.categories[flow.category as usize]);
        if flow.is_abnormal {
            apply(&mut self.abnormal);
        }
        if flow.is_uncertain {
            apply(&mut self.uncertain);
        }
        apply(self.transport(flow.transport));
        apply(self.protocol(flow.protocol));
    }

    fn transport(&mut self, number: u8) -> &mut Count {
        let at = self.transports.iter().position(|share| share.key == number).unwrap_or_else(|| {
            self.transports.push(Share { key: number, count: Count::default() });
            self.transports.len() - 1
        });
        &mut self.transports[at].count
    }

    fn protocol(&mut self, name: &str) -> &mut Count {
        let name = if name.len() <= 32 { name } else { OTHER_PROTOCOL };
        let find = |shares: &[Share<String>], name: &str| shares.iter().position(|share| share.key == name);
        let at = find(&self.protocols, name).unwrap_or_else(|| {
            let is_full = self.protocols.len() >= PROTOCOLS_MAX;
            let name = if is_full { OTHER_PROTOCOL } else { name };
            find(&self.protocols, name).unwrap_or_else(|| {
                self.protocols.push(Share { key: name.to_owned(), count: Count::default() });
                self.protocols.len() - 1
            })
        });
        &mut self.protocols[at].count
    }

    /// Flows whose category is an attack.
    pub(crate) fn attacks(&self) -> u64 {
        let attacks = CATEGORIES.into_iter().filter(|category| category.is_attack());
        attacks.map(|category| self.categories[category as usize].flows).sum()
    }

    /// For readers. Threats and hosts are the store's to fill in.
    pub(crate) fn stats(&self) -> Stats {
        let is_empty = self.total.flows == 0;
        Stats {
            total: self.total,
            first_ns: (!is_empty).then_some(self.first_ns),
            last_ns: (!is_empty).then_some(self.last_ns),
            transports: sorted(self.transports.iter().cloned()),
            protocols: sorted(self.protocols.iter().cloned()),
            traffic_classes: sorted(shares(TRAFFIC_CLASSES, &self.classes)),
            threat_categories: sorted(shares(CATEGORIES, &self.categories)),
            abnormal: self.abnormal,
            uncertain: self.uncertain,
            threats: Vec::new(),
            sources: self.sides[0].top(),
            destinations: self.sides[1].top(),
            timeline: self.timeline.timeline(),
        }
    }

    /// All but the hosts, as stored.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut body = SummaryBody {
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            totals: flat(&[self.total, self.abnormal, self.uncertain]),
            classes: flat(&self.classes),
            categories: flat(&self.categories),
            width_ns: self.timeline.width_ns,
            first_bucket: self.timeline.first,
            ..Default::default()
        };
        for share in &self.transports {
            body.transport_numbers.push(u32::from(share.key));
            body.transports.extend(flat(&[share.count]));
        }
        for share in &self.protocols {
            body.protocol_names.push(share.key.clone());
            body.protocols.extend(flat(&[share.count]));
        }
        for bucket in &self.timeline.cells {
            body.buckets.extend(flat(&[bucket.count]));
            body.buckets_abnormal.push(bucket.abnormal);
        }
        body.encode_to_vec()
    }

    /// `None` when it is damaged.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let body = SummaryBody::decode(bytes).ok()?;
        let [total, abnormal, uncertain] = unflat(&body.totals)?.try_into().ok()?;
        let transports = body.transport_numbers.iter().map(|number| u8::try_from(*number).ok());
        let buckets = unflat(&body.buckets)?;
        let is_whole = body.width_ns > 0
            && buckets.len() == body.buckets_abnormal.len()
            && buckets.len() as i64 <= timeline::BUCKETS_MAX;
        is_whole.then_some(())?;
        let buckets = buckets.into_iter().zip(&body.buckets_abnormal);
        let cells = buckets.map(|(count, &abnormal)| Bucket { count, abnormal }).collect();
        Some(Self {
            total,
            first_ns: body.first_ns,
            last_ns: body.last_ns,
            abnormal,
            uncertain,
            classes: unflat(&body.classes)?.try_into().ok()?,
            categories: unflat(&body.categories)?.try_into().ok()?,
            transports: pairs(transports.collect::<Option<_>>()?, &body.transports)?,
            protocols: pairs(body.protocol_names, &body.protocols)?,
            timeline: Buckets { width_ns: body.width_ns, first: body.first_bucket, cells },
            sides: Default::default(),
        })
    }
}

/// A summary as stored; counts are triples of flows, packets, bytes.
#[derive(Clone, PartialEq, Message)]
struct SummaryBody {
    #[prost(sint64, tag = "1")]
    first_ns: i64,
    #[prost(sint64, tag = "2")]
    last_ns: i64,
    #[prost(uint64, repeated, tag = "3")]
    totals: Vec<u64>,
    #[prost(uint64, repeated, tag = "4")]
    classes: Vec<u64>,
    #[prost(uint64, repeated, tag = "5")]
    categories: Vec<u64>,
    #[prost(uint32, repeated, tag = "6")]
    transport_numbers: Vec<u32>,
    #[prost(uint64, repeated, tag = "7")]
    transports: Vec<u64>,
    #[prost(string, repeated, tag = "8")]
    protocol_names: Vec<String>,
    #[prost(uint64, repeated, tag = "9")]
    protocols: Vec<u64>,
    #[prost(sint64, tag = "10")]
    width_ns: i64,
    #[prost(sint64, tag = "11")]
    first_bucket: i64,
    #[prost(uint64, repeated, tag = "12")]
    buckets: Vec<u64>,
    #[prost(uint64, repeated, tag = "13")]
    buckets_abnormal: Vec<u64>,
}

fn flat(counts: &[Count]) -> Vec<u64> {
    counts.iter().flat_map(|count| [count.flows, count.packets, count.bytes]).collect()
}

fn unflat(numbers: &[u64]) -> Option<Vec<Count>> {
    let (counts, rest) = numbers.as_chunks::<3>();
    let count = |&[flows, packets, bytes]: &[u64; 3]| Count { flows, packets, bytes };
    rest.is_empty().then(|| counts.iter().map(count).collect())
}

fn pairs<K>(keys: Vec<K>, numbers: &[u64]) -> Option<Vec<Share<K>>> {
    let counts = unflat(numbers)?;
    let is_whole = counts.len() == keys.len();
    is_whole.then(|| keys.into_iter().zip(counts).map(|(key, count)| Share { key, count }).collect())
}

fn shares<K: Copy>(keys: impl IntoIterator<Item = K>, counts: &[Count]) -> impl Iterator<Item = Share<K>> {
    keys.into_iter().zip(counts).map(|(key, &count)| Share { key, count })
}

/// Without the empty ones, most flows first.
fn sorted<K>(shares: impl Iterator<Item = Share<K>>) -> Vec<Share<K>> {
    let mut shares: Vec<_> = shares.filter(|share| share.count.flows > 0).collect();
    shares.sort_by_key(|share| Reverse(share.count.flows));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_survives_its_bytes_and_gives_back_what_is_removed() {
        let protocols = ["tls", "dns", ""];
        let flow = |at: u64| Sighting {
            start_ns: at as i64 * 1_000_000,
            end_ns: at as i64 * 2_000_000,
            packets: at,
            bytes: at * 50,
            protocol: protocols[at as usize % 3],
            class: TRAFFIC_CLASSES[at as usize % 4],
            category: CATEGORIES[at as usize % 16],
            is_abnormal: at.is_multiple_of(5),
            is_uncertain: at.is_multiple_of(7),
            transport: if at.is_multiple_of(2) { 6 } else { 17 },
            ..Sighting::example()
        };
        let mut summary = Summary::default();
        (0..500).for_each(|at| summary.add(&flow(at)));
        let mut again = Summary::from_bytes(&summary.to_bytes()).expect("whole");
        again.sides = summary.sides.clone();
        assert_eq!(again.stats(), summary.stats());
        assert_eq!(again.attacks(), (0..500).filter(|at| CATEGORIES[at % 16].is_attack()).count() as u64);
        (0..500).for_each(|at| again.remove(&flow(at)));
        assert_eq!(again.stats(), Stats::default());
    }

    #[test]
    fn too_many_protocols_are_counted_together() {
        let mut summary = Summary::default();
        let names: Vec<String> = (0..1000).map(|at| format!("p{at}")).collect();
        for protocol in &names {
            summary.add(&Sighting { protocol, ..Sighting::example() });
        }
        let stats = summary.stats();
        assert!(stats.protocols.len() <= PROTOCOLS_MAX + 1);
        assert_eq!(stats.protocols[0].key, OTHER_PROTOCOL);
        assert_eq!(stats.protocols.iter().map(|share| share.count.flows).sum::<u64>(), 1000);
    }

    #[test]
    fn damage_is_none() {
        assert!(Summary::from_bytes(&[1, 2, 3]).is_none());
        assert!(Summary::from_bytes(&[]).is_none());
    }
}
