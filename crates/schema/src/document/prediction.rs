//! The document of one prediction, with its flow.

use super::time::{Rfc3339, rfc3339};
use super::{
    Capture, ECS, Ecs, Event, EventKind, Observer, PREDICTION_DATASET, Shown, end_reason_name, shown_address,
    shown_id, transport_name,
};
use crate::category::{CATEGORIES, TRAFFIC_CLASSES};
use crate::features::{index_of, packed};
use crate::ids::{Hex, Id};
use crate::wire::{Application, FlowLayer, FlowRecord, Prediction, RuleHit, Traffic, Tunnel};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::net::IpAddr;
use std::sync::LazyLock;

/// What is left out.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Whole,
    /// Without the fields of the run and without the hash.
    ForHash,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Shown<Rfc3339>,
    ecs: Ecs,
    event: Event,
    network: Network<'a>,
    source: End,
    destination: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls<'a>>,
    related: Related<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observer: Option<Observer<'a>>,
    flowcatcher: Own<'a>,
}

const EVENT: EventKind = EventKind {
    kind: "event",
    category: &["network"],
    types: &["connection", "end"],
    action: Some("network_flow"),
    dataset: PREDICTION_DATASET,
};

#[derive(Serialize)]
struct Network<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iana_number: Option<Shown<u32>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    community_id: &'a str,
    bytes: u64,
    packets: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<Vlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Inner>,
}

#[derive(Serialize)]
struct Vlan {
    id: Shown<u32>,
}

#[derive(Serialize)]
struct Inner {
    vlan: Vlan,
}

#[derive(Serialize)]
struct End {
    address: Option<Shown<IpAddr>>,
    ip: Option<Shown<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Shown<Mac>>,
    bytes: u64,
    packets: u64,
}

#[derive(Serialize)]
struct Tls<'a> {
    client: TlsClient<'a>,
}

#[derive(Serialize)]
struct TlsClient<'a> {
    server_name: &'a str,
}

#[derive(Serialize)]
struct Related<'a> {
    ip: Vec<Shown<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
struct Own<'a> {
    capture: Capture,
    flow: Flow<'a>,
    context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Evidence<'a>>,
    traffic: TrafficVerdict<'a>,
    threat: ThreatVerdict<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<Anomaly<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Rules<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pattern: &'a str,
    is_abnormal: bool,
    confidence: f32,
    reasons: &'a [String],
    models: Models<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict_hash: Option<Shown<Id>>,
}

#[derive(Serialize)]
struct Flow<'a> {
    end_reason: &'static str,
    state: &'a str,
    history: &'a str,
    part: u32,
    layer: &'static str,
    #[serde(skip_serializing_if = "Tunnels::is_empty")]
    tunnels: Tunnels<'a>,
}

/// What carried the flow, from the outside in.
struct Tunnels<'a>(&'a [Tunnel]);

#[derive(Serialize)]
struct Carrier<'a> {
    kind: &'a str,
    source: Option<Shown<IpAddr>>,
    destination: Option<Shown<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
}

impl Tunnels<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Tunnels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|tunnel| Carrier {
            kind: &tunnel.kind,
            source: shown_address(&tunnel.source_ip),
            destination: shown_address(&tunnel.destination_ip),
            id: tunnel.id,
        }))
    }
}

#[derive(Serialize)]
struct Evidence<'a> {
    confirmed: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    evidence: &'a str,
}

#[derive(Serialize)]
struct TrafficVerdict<'a> {
    class: &'static str,
    uncertain: bool,
    scores: Scores<'a>,
}

#[derive(Serialize)]
struct ThreatVerdict<'a> {
    category: &'static str,
    score: f32,
    scores: Scores<'a>,
}

#[derive(Serialize)]
struct Anomaly<'a> {
    method: &'a str,
    score: f32,
    threshold: f32,
    is_anomalous: bool,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: &'a str,
    name: &'a str,
    category: &'static str,
    clauses: &'a [String],
}

struct Rules<'a>(&'a [RuleHit]);

impl Serialize for Rules<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|hit| Rule {
            id: &hit.id,
            name: &hit.name,
            category: hit.category().name(),
            clauses: &hit.clauses,
        }))
    }
}

struct Models<'a>(&'a Prediction);

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    sha256: Shown<Hex<'a>>,
}

impl Serialize for Models<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.models.len()))?;
        for model in &self.0.models {
            list.serialize_element(&Model { name: &model.name, sha256: Shown(Hex(&model.sha256)) })?;
        }
        list.end()
    }
}

/// Upper case with dashes, as ECS wants it.
struct Mac([u8; 6]);

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { "-" })?;
        }
        Ok(())
    }
}

/// Scores by name. Zeros of threat categories are left out: most are.
enum Scores<'a> {
    Traffic(&'a [f32]),
    Threat(&'a [f32]),
}

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Traffic(scores) => {
                for (class, score) in TRAFFIC_CLASSES.iter().zip(*scores) {
                    map.serialize_entry(class.name(), score)?;
                }
            }
            Self::Threat(scores) => {
                for (category, score) in CATEGORIES.iter().zip(*scores).filter(|(_, score)| **score > 0.0) {
                    map.serialize_entry(category.name(), score)?;
                }
            }
        }
        map.end()
    }
}

/// The windows of 60 s, for people and rules; the whole context is in the record.
struct Context<'a>(&'a [u8]);

const CONTEXT_WORDS: [&str; 4] = ["flows", "ports", "peers", "unanswered_share"];

static CONTEXT_COLUMNS: LazyLock<[[Option<usize>; 4]; 2]> = LazyLock::new(|| {
    ["initiator", "responder"].map(|role| CONTEXT_WORDS.map(|word| index_of(&format!("{role}_60s_{word}"))))
});

impl Serialize for Context<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        for (role, columns) in ["initiator_60s", "responder_60s"].iter().zip(CONTEXT_COLUMNS.iter()) {
            map.serialize_entry(role, &ContextWindow(self.0, columns))?;
        }
        map.end()
    }
}

struct ContextWindow<'a>(&'a [u8], &'a [Option<usize>; 4]);

impl Serialize for ContextWindow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (word, column) in CONTEXT_WORDS.iter().zip(self.1) {
            let value = column.and_then(|at| packed(self.0, at)).filter(|value| value.is_finite());
            if let Some(value) = value {
                map.serialize_entry(word, &((value * 1e4).round() / 1e4))?;
            }
        }
        map.end()
    }
}

/// Ethernet's type of the address resolution protocol.
const ARP: u32 = 0x0806;

static NO_TRAFFIC: LazyLock<Traffic> = LazyLock::new(Traffic::default);
static NO_RECORD: LazyLock<FlowRecord> = LazyLock::new(FlowRecord::default);

impl<'a> Document<'a> {
    pub(super) fn new(prediction: &'a Prediction, form: Form) -> Self {
        let record = prediction.record.as_ref().unwrap_or(&NO_RECORD);
        let forward = record.forward.as_ref().unwrap_or(&*NO_TRAFFIC);
        let backward = record.backward.as_ref().unwrap_or(&*NO_TRAFFIC);
        let application = record.application.as_ref();
        let name = server_name(application);
        Self {
            timestamp: Shown(rfc3339(record.end_ns)),
            ecs: ECS,
            event: Event::of(EVENT, &record.flow_id, (record.start_ns, record.end_ns), prediction.severity),
            network: Network::new(record, forward, backward),
            source: End::new(record, &record.source_ip, record.source_port, &record.source_mac, forward),
            destination: End::new(
                record,
                &record.destination_ip,
                record.destination_port,
                &record.destination_mac,
                backward,
            ),
            tls: name.map(|server_name| Tls { client: TlsClient { server_name } }),
            related: Related { ip: both_ends(record), hosts: name.map(|name| [name]) },
            observer: (form == Form::Whole).then(|| Observer::new(&record.sensor)),
            flowcatcher: Own::new(prediction, record, form),
        }
    }
}

fn server_name(application: Option<&Application>) -> Option<&str> {
    application
        .and_then(|application| application.tls.as_ref())
        .map(|tls| tls.server_name.as_str())
        .filter(|name| !name.is_empty())
}

fn both_ends(record: &FlowRecord) -> Vec<Shown<IpAddr>> {
    let mut ends: Vec<IpAddr> = [&record.source_ip, &record.destination_ip]
        .into_iter()
        .filter_map(|ip| crate::ids::address(ip))
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends.into_iter().map(Shown).collect()
}

impl<'a> Network<'a> {
    fn new(record: &'a FlowRecord, forward: &Traffic, backward: &Traffic) -> Self {
        let vlan = |at: usize| record.vlan_ids.get(at).map(|id| Vlan { id: Shown(*id) });
        Self {
            kind: match (record.ether_type, record.source_ip.len()) {
                (ARP, _) => "arp",
                (_, 4) => "ipv4",
                _ => "ipv6",
            },
            transport: (record.ether_type != ARP).then(|| transport_name(record.protocol)).flatten(),
            iana_number: (record.ether_type != ARP).then_some(Shown(record.protocol)),
            protocol: record.application.as_ref().map_or("", |application| &application.protocol),
            community_id: &record.community_id,
            bytes: forward.ip_bytes.saturating_add(backward.ip_bytes),
            packets: forward.packets.saturating_add(backward.packets),
            vlan: vlan(0),
            inner: vlan(1).map(|vlan| Inner { vlan }),
        }
    }
}

impl End {
    fn new(record: &FlowRecord, ip: &[u8], port: u32, mac: &[u8], traffic: &Traffic) -> Self {
        let has_ports = matches!(record.protocol, 6 | 17 | 132 | 136);
        Self {
            address: shown_address(ip),
            ip: shown_address(ip),
            port: has_ports.then_some(port),
            mac: mac.try_into().ok().map(|mac| Shown(Mac(mac))),
            bytes: traffic.ip_bytes,
            packets: traffic.packets,
        }
    }
}

impl<'a> Own<'a> {
    fn new(prediction: &'a Prediction, record: &'a FlowRecord, form: Form) -> Self {
        Self {
            capture: Capture { id: shown_id(&record.capture_id) },
            flow: Flow {
                end_reason: end_reason_name(record.end_reason()),
                state: &record.state,
                history: &record.history,
                part: record.part,
                layer: if record.layer() == FlowLayer::Outer { "outer" } else { "inner" },
                tunnels: Tunnels(&record.tunnels),
            },
            context: Context(&record.features),
            application: record
                .application
                .as_ref()
                .map(|found| Evidence { confirmed: found.confirmed, evidence: &found.evidence }),
            traffic: TrafficVerdict {
                class: prediction.traffic_class().name(),
                uncertain: prediction.uncertain,
                scores: Scores::Traffic(&prediction.traffic_scores),
            },
            threat: ThreatVerdict {
                category: prediction.threat_category().name(),
                score: prediction.threat_score,
                scores: Scores::Threat(&prediction.threat_scores),
            },
            anomaly: prediction.anomaly.as_ref().map(|anomaly| Anomaly {
                method: &anomaly.method,
                score: anomaly.score,
                threshold: anomaly.threshold,
                is_anomalous: anomaly.is_anomalous,
            }),
            rules: (!prediction.rules.is_empty()).then_some(Rules(&prediction.rules)),
            pattern: &prediction.pattern,
            is_abnormal: prediction.is_abnormal,
            confidence: prediction.confidence,
            reasons: &prediction.reasons,
            models: Models(prediction),
            verdict_hash: (form == Form::Whole).then(|| shown_id(&prediction.verdict_hash)).flatten(),
        }
    }
}
