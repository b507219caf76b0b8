//! The document of one threat.

use super::time::{Rfc3339, rfc3339};
use super::{
    Capture, ECS, Ecs, Event, EventKind, Observer, RELATED_IPS_MAX, Shown, THREAT_DATASET, shown_address,
    shown_id,
};
use crate::category::{CategoryInfo, Technique};
use crate::ids::Id;
use crate::wire::Threat;
use serde::Serialize;
use std::net::IpAddr;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Shown<Rfc3339>,
    ecs: Ecs,
    event: Event,
    message: String,
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<End>,
    threat: Attack,
    related: Related,
    observer: Observer<'a>,
    flowcatcher: Own<'a>,
}

const EVENT: EventKind = EventKind {
    kind: "alert",
    category: &["network", "intrusion_detection"],
    types: &["info"],
    action: None,
    dataset: THREAT_DATASET,
};

#[derive(Serialize)]
struct Rule {
    name: &'static str,
    category: &'static str,
    description: &'static str,
    ruleset: &'static str,
}

#[derive(Serialize)]
struct End {
    address: Option<Shown<IpAddr>>,
    ip: Option<Shown<IpAddr>>,
}

#[derive(Serialize)]
struct Attack {
    framework: &'static str,
    tactic: Named,
    technique: Named,
}

/// ECS keeps ATT&CK's names as parallel arrays.
#[derive(Serialize)]
struct Named {
    id: Vec<&'static str>,
    name: Vec<&'static str>,
    reference: Vec<String>,
}

#[derive(Serialize)]
struct Related {
    ip: Vec<Shown<IpAddr>>,
}

#[derive(Serialize)]
struct Own<'a> {
    capture: Capture,
    threat: OwnThreat<'a>,
    reasons: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<Shown<Id>>,
}

#[derive(Serialize)]
struct OwnThreat<'a> {
    category: &'static str,
    score: f32,
    flows: u64,
    first_flow: Option<Shown<Id>>,
    subject: &'static str,
    related_ips: u64,
    actions: &'a [&'static str],
}

impl<'a> Document<'a> {
    pub(super) fn new(threat: &'a Threat) -> Self {
        let category = threat.category();
        let info = category.info();
        let end =
            || End { address: shown_address(&threat.subject_ip), ip: shown_address(&threat.subject_ip) };
        Self {
            timestamp: Shown(rfc3339(threat.end_ns)),
            ecs: ECS,
            event: Event::of(EVENT, &threat.threat_id, (threat.start_ns, threat.end_ns), threat.severity),
            message: message(threat, info),
            rule: Rule {
                name: info.title,
                category: info.name,
                description: info.explanation,
                ruleset: "flowcatcher",
            },
            source: (!threat.subject_is_victim).then(end),
            destination: threat.subject_is_victim.then(end),
            threat: Attack::new(info.techniques),
            related: Related {
                ip: threat
                    .related_ips
                    .iter()
                    .take(RELATED_IPS_MAX)
                    .filter_map(|ip| shown_address(ip))
                    .collect(),
            },
            observer: Observer::new(&threat.sensor),
            flowcatcher: Own {
                capture: Capture { id: shown_id(&threat.capture_id) },
                threat: OwnThreat {
                    category: info.name,
                    score: threat.score,
                    flows: threat.flows,
                    first_flow: shown_id(&threat.first_flow_id),
                    subject: if threat.subject_is_victim { "victim" } else { "attacker" },
                    related_ips: threat.related_ips_total,
                    actions: info.actions,
                },
                reasons: &threat.reasons,
                superseded_by: shown_id(&threat.superseded_by),
            },
        }
    }
}

fn message(threat: &Threat, info: &CategoryInfo) -> String {
    let subject = crate::ids::address(&threat.subject_ip).map_or_else(|| "?".to_owned(), |ip| ip.to_string());
    let others = threat.related_ips_total.saturating_sub(1);
    let preposition = if threat.subject_is_victim { "against" } else { "by" };
    let flows = if threat.flows == 1 { "flow" } else { "flows" };
    let hosts = if others == 1 { "host" } else { "hosts" };
    format!("{} {preposition} {subject}: {} {flows} with {others} other {hosts}", info.title, threat.flows)
}

impl Attack {
    fn new(techniques: &[Technique]) -> Self {
        let mut tactics: Vec<&Technique> = techniques.iter().collect();
        tactics.dedup_by_key(|technique| technique.tactic_id);
        let link =
            |kind: &str, id: &str| format!("https://attack.mitre.org/{kind}/{}/", id.replace('.', "/"));
        Self {
            framework: "MITRE ATT&CK",
            tactic: Named {
                id: tactics.iter().map(|technique| technique.tactic_id).collect(),
                name: tactics.iter().map(|technique| technique.tactic).collect(),
                reference: tactics.iter().map(|technique| link("tactics", technique.tactic_id)).collect(),
            },
            technique: Named {
                id: techniques.iter().map(|technique| technique.id).collect(),
                name: techniques.iter().map(|technique| technique.name).collect(),
                reference: techniques.iter().map(|technique| link("techniques", technique.id)).collect(),
            },
        }
    }
}
