//! From a flow that ended to the record that leaves the meter.

use crate::community::community_id;
use crate::flow::Flow;
use crate::key::{Endpoint, address_bytes, protocol};
use crate::stats::Row;
use schema::{CaptureId, FeatureSchemaId, FeatureVector, FlowEndReason, FlowId, FlowLayer, FlowRecord};

/// How a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum FlowEnd {
    /// Silent for the idle time-out of its kind.
    Idle,
    /// Cut by the active time-out; the next part goes on.
    Active,
    /// FIN from both ends.
    Fin,
    /// RST.
    Reset,
    /// Made room for another.
    Evicted,
    /// The input ended, or its clock jumped.
    Drained,
}

impl FlowEnd {
    /// How many ends there are.
    pub const COUNT: usize = 6;
    /// Every end, in counter order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Idle, Self::Active, Self::Fin, Self::Reset, Self::Evicted, Self::Drained];

    /// As in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Fin => "fin",
            Self::Reset => "reset",
            Self::Evicted => "evicted",
            Self::Drained => "drained",
        }
    }

    /// IPFIX's word for it.
    #[must_use]
    pub fn reason(self) -> FlowEndReason {
        match self {
            Self::Idle => FlowEndReason::Idle,
            Self::Active => FlowEndReason::Active,
            Self::Fin | Self::Reset => FlowEndReason::EndOfFlow,
            Self::Evicted => FlowEndReason::LackOfResources,
            Self::Drained => FlowEndReason::Forced,
        }
    }
}

/// The id of a part of a flow: a function of what was captured, nothing else.
fn flow_id(capture: CaptureId, flow: &Flow, source: Endpoint, destination: Endpoint) -> FlowId {
    let key = &flow.key;
    let end = |end: Endpoint| (end.address.to_be_bytes(), end.port.to_be_bytes());
    let (source, destination) = (end(source), end(destination));
    FlowId::hash(&[
        &capture.0,
        &source.0,
        &source.1,
        &destination.0,
        &destination.1,
        &[key.protocol, key.version],
        &key.vlan[0].to_be_bytes(),
        &key.vlan[1].to_be_bytes(),
        &flow.first_ns.to_be_bytes(),
        &flow.part.to_be_bytes(),
    ])
}

/// Builds the record. `row` is scratch; `context` holds the features of the context group.
pub(crate) fn record(
    capture: CaptureId,
    sensor: &str,
    flow: &Flow,
    context: &[f32],
    end: FlowEnd,
    row: &mut Vec<f32>,
) -> FlowRecord {
    row.clear();
    flow.write(&mut Row(row));
    row.extend_from_slice(context);
    let key = &flow.key;
    let (source, destination) = if flow.initiator_is_low { (key.low, key.high) } else { (key.high, key.low) };
    let number = key.protocol;
    let ends = ((source.address, source.port), (destination.address, destination.port));
    let [forward, backward] = &flow.tallies.counts;
    FlowRecord {
        flow_id: flow_id(capture, flow, source, destination).0.to_vec(),
        capture_id: capture.0.to_vec(),
        part: flow.part,
        layer: FlowLayer::Inner.into(),
        source_ip: address_bytes(source.address, key.version),
        destination_ip: address_bytes(destination.address, key.version),
        source_port: u32::from(source.port),
        destination_port: u32::from(destination.port),
        protocol: u32::from(number),
        vlan_ids: key.vlan.iter().filter(|id| **id != 0).map(|id| u32::from(*id)).collect(),
        start_ns: flow.tallies.start_ns,
        end_ns: flow.tallies.last_ns,
        forward: Some(forward.traffic()),
        backward: Some(backward.traffic()),
        end_reason: end.reason().into(),
        state: flow.state().to_owned(),
        history: flow.history.text(),
        community_id: community_id(0, key.version, number, ends.0, ends.1),
        application: flow.recogniser.application().or_else(|| by_number(number)),
        feature_schema_id: FeatureSchemaId::current().0,
        features: FeatureVector::pack(row),
        sensor: sensor.to_owned(),
        source_mac: flow.macs.map_or_else(Vec::new, |macs| macs[6..].to_vec()),
        destination_mac: flow.macs.map_or_else(Vec::new, |macs| macs[..6].to_vec()),
    }
}

/// Protocols whose IP number already says it all.
fn by_number(number: u8) -> Option<schema::Application> {
    let name = match number {
        protocol::ICMP | protocol::ICMPV6 => "icmp",
        50 => "esp",
        51 => "ah",
        47 => "gre",
        _ => return None,
    };
    Some(schema::Application { protocol: name.to_owned(), confirmed: true, ..Default::default() })
}
