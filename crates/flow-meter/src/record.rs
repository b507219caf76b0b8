//! From a flow that ended to the record that leaves the meter.

use crate::app::Recogniser;
use crate::community::community_id;
use crate::decode::{ARP, Layer as Hop};
use crate::key::{Direction, FlowKey, Layer, address_bytes, protocol};
use crate::stats::{Connection, Side};
use schema::{
    CaptureId, FeatureSchemaId, FeatureVector, FlowEndReason, FlowId, FlowLayer, FlowRecord, Traffic, Tunnel,
};

/// Of the address resolution protocol.
const ETHER_TYPE_ARP: u32 = 0x0806;

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

/// All that a record says of one flow, or of one part of it. Filled by the table of flows, completed with the context.
#[derive(Debug, Clone)]
pub struct FlowSummary {
    pub(crate) key: FlowKey,
    pub(crate) initiator_is_low: bool,
    pub(crate) part: u32,
    pub(crate) number: u64,
    pub(crate) first_ns: i64,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) answer_ns: Option<i64>,
    pub(crate) sides: [Side; 2],
    pub(crate) flags: [u8; 2],
    pub(crate) state: &'static str,
    /// Of others than TCP it has the history alone.
    pub(crate) connection: Connection,
    pub(crate) recogniser: Recogniser,
    pub(crate) macs: Option<[u8; 12]>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) first_payloads: [Vec<u8>; 2],
    /// Those of the flow group, in the order of [`schema::FEATURES`].
    pub(crate) features: Vec<f32>,
}

impl Default for FlowSummary {
    fn default() -> Self {
        Self {
            key: FlowKey::default(),
            initiator_is_low: true,
            part: 0,
            number: 0,
            first_ns: 0,
            start_ns: 0,
            end_ns: 0,
            answer_ns: None,
            sides: [Side::default(); 2],
            flags: [0; 2],
            state: "",
            connection: Connection::default(),
            recogniser: Recogniser::default(),
            macs: None,
            hops: Vec::new(),
            first_payloads: [Vec::new(), Vec::new()],
            features: Vec::with_capacity(schema::FEATURES.len()),
        }
    }
}

/// A complete record, borrowed from the meter.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub(crate) capture: CaptureId,
    pub(crate) sensor: &'a str,
    pub(crate) end: FlowEnd,
    pub(crate) summary: &'a FlowSummary,
    /// Features of the context group.
    pub(crate) context: &'a [f32],
}

impl Record<'_> {
    /// Its features, in the order of [`schema::FEATURES`].
    #[must_use]
    pub fn features(&self) -> Vec<f32> {
        [&self.summary.features, self.context].concat()
    }

    /// How the flow, or this part of it, ended.
    #[must_use]
    pub fn end(&self) -> FlowEnd {
        self.end
    }

    /// The id of a part of a flow: a function of what was captured, nothing else.
    fn flow_id(&self) -> FlowId {
        let flow = self.summary;
        let key = &flow.key;
        let (source, destination) = key.ends(flow.initiator_is_low);
        FlowId::hash(&[
            &self.capture.0,
            &source.0.to_be_bytes(),
            &source.1.to_be_bytes(),
            &destination.0.to_be_bytes(),
            &destination.1.to_be_bytes(),
            &[key.protocol, key.version, key.layer as u8],
            &key.vlan[0].to_be_bytes(),
            &key.vlan[1].to_be_bytes(),
            &key.tunnel.to_be_bytes(),
            &flow.first_ns.to_be_bytes(),
            &flow.part.to_be_bytes(),
        ])
    }

    /// The record as it goes over the wire.
    #[must_use]
    pub fn to_message(&self) -> FlowRecord {
        let flow = self.summary;
        let key = &flow.key;
        let (source, destination) = key.ends(flow.initiator_is_low);
        let arp = key.version == ARP;
        FlowRecord {
            flow_id: self.flow_id().0.to_vec(),
            capture_id: self.capture.0.to_vec(),
            part: flow.part,
            layer: layer(key.layer).into(),
            source_ip: address_bytes(source.0, key.version),
            destination_ip: address_bytes(destination.0, key.version),
            source_port: u32::from(source.1),
            destination_port: u32::from(destination.1),
            protocol: u32::from(key.protocol),
            vlan_ids: key.vlan.iter().filter(|id| **id != 0).map(|id| u32::from(*id)).collect(),
            start_ns: flow.start_ns,
            end_ns: flow.end_ns,
            forward: Some(self.traffic(Direction::Forward)),
            backward: Some(self.traffic(Direction::Backward)),
            end_reason: self.end.reason().into(),
            state: flow.state.to_owned(),
            history: flow.connection.history().text(),
            community_id: if arp {
                String::new()
            } else {
                community_id(0, key.version, key.protocol, source, destination)
            },
            application: flow.recogniser.application().or_else(|| by_number(key.protocol, arp)),
            feature_schema_id: FeatureSchemaId::current().0,
            features: FeatureVector::pack(&self.features()),
            sensor: self.sensor.to_owned(),
            source_mac: flow.macs.map_or_else(Vec::new, |macs| macs[6..].to_vec()),
            destination_mac: flow.macs.map_or_else(Vec::new, |macs| macs[..6].to_vec()),
            handshake_ns: flow.connection.handshake_ns(),
            response_ns: flow.answer_ns.map(|answer_ns| answer_ns - flow.first_ns),
            tunnels: flow.hops.iter().map(tunnel).collect(),
            ether_type: if arp { ETHER_TYPE_ARP } else { 0 },
        }
    }

    fn traffic(&self, direction: Direction) -> Traffic {
        let at = direction as usize;
        let side = &self.summary.sides[at];
        let mut traffic = Traffic {
            packets: side.packets,
            wire_bytes: side.wire_bytes,
            ip_bytes: side.ip_bytes,
            payload_bytes: side.payload_bytes,
            tcp_flags: u32::from(self.summary.flags[at]),
            header_bytes: side.header_bytes,
            first_payload: self.summary.first_payloads[at].clone(),
            ..Traffic::default()
        };
        if side.packets > 0 {
            (traffic.ttl_min, traffic.ttl_max) = (u32::from(side.ttl_min), u32::from(side.ttl_max));
        }
        if self.summary.key.protocol == protocol::TCP {
            let connection = &self.summary.connection;
            [traffic.retransmissions, traffic.out_of_order, traffic.zero_windows] =
                connection.troubles(direction);
            let (window, mss, window_scale) = connection.offers(direction);
            traffic.initial_window = window.map(u32::from);
            traffic.mss = mss.map(u32::from);
            traffic.window_scale = window_scale.map(u32::from);
        }
        traffic
    }
}

fn tunnel(hop: &Hop) -> Tunnel {
    let packet = &hop.packet;
    Tunnel {
        kind: hop.kind.name().to_owned(),
        source_ip: address_bytes(packet.source, packet.version),
        destination_ip: address_bytes(packet.destination, packet.version),
        id: hop.id,
    }
}

fn layer(layer: Layer) -> FlowLayer {
    match layer {
        Layer::Inner => FlowLayer::Inner,
        Layer::Outer => FlowLayer::Outer,
    }
}

/// Protocols whose IP number already says it all.
fn by_number(number: u8, arp: bool) -> Option<schema::Application> {
    let name = match number {
        _ if arp => "arp",
        protocol::ICMP | protocol::ICMPV6 => "icmp",
        50 => "esp",
        51 => "ah",
        47 => "gre",
        _ => return None,
    };
    Some(schema::Application { protocol: name.to_owned(), confirmed: true, ..Default::default() })
}
