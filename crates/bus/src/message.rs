//! What may travel on the bus: its topic, its key and its wire form.

use prost::Message as _;
use schema::{FlowRecord, HostWindow, Prediction, Threat, ThreatCategory, topics};

/// The bytes on a topic are not the message that the topic carries.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// A kind of message. It travels as `Arc`, so every group shares one copy.
pub trait Message: Send + Sync + Sized + 'static {
    /// Topic name with its schema version and without the configured prefix: `flows.v1`.
    const TOPIC: &'static str;

    /// Messages with one key keep their order.
    fn key(&self) -> &[u8];

    /// Appends the wire form to `out`.
    fn encode_to(&self, out: &mut Vec<u8>);

    /// Reads the wire form.
    ///
    /// # Errors
    /// When the bytes are not this message.
    fn decode_from(bytes: &[u8]) -> Result<Self, DecodeError>;
}

macro_rules! wire_message {
    ($kind:ty, $topic:expr, $key:expr) => {
        impl Message for $kind {
            const TOPIC: &'static str = $topic;

            fn key(&self) -> &[u8] {
                let key: fn(&$kind) -> &[u8] = $key;
                key(self)
            }

            fn encode_to(&self, out: &mut Vec<u8>) {
                // A `Vec` grows as needed, and room is the only thing that prost can complain about.
                self.encode(out).expect("a Vec takes any message");
            }

            fn decode_from(bytes: &[u8]) -> Result<Self, DecodeError> {
                Self::decode(bytes).map_err(|error| DecodeError(error.to_string()))
            }
        }
    };
}

wire_message!(FlowRecord, topics::FLOWS, |record| &record.flow_id);
wire_message!(HostWindow, topics::HOSTS, |window| &window.host_ip);
wire_message!(Prediction, topics::PREDICTIONS, prediction_key);
wire_message!(Threat, topics::THREATS, |threat| &threat.threat_id);

/// Evidence goes by its subject, so that one correlator sees all of a subject; the rest spreads evenly by flow.
fn prediction_key(prediction: &Prediction) -> &[u8] {
    let Some(record) = &prediction.record else { return &[] };
    match prediction.threat_category() {
        ThreatCategory::None => &record.flow_id,
        category if category.subject_is_victim() => &record.destination_ip,
        _ => &record.source_ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(category: ThreatCategory) -> Prediction {
        let record = FlowRecord {
            flow_id: vec![1; 16],
            source_ip: vec![10, 0, 0, 1],
            destination_ip: vec![10, 0, 0, 2],
            ..FlowRecord::default()
        };
        Prediction { record: Some(record), threat_category: category.into(), ..Prediction::default() }
    }

    #[test]
    fn evidence_is_keyed_by_its_subject_and_the_rest_by_flow() {
        let check =
            |category, expected: &[u8]| assert_eq!(prediction(category).key(), expected, "{category:?}");
        check(ThreatCategory::None, &[1; 16]);
        check(ThreatCategory::Reconnaissance, &[10, 0, 0, 1]);
        check(ThreatCategory::Dos, &[10, 0, 0, 2]);
        check(ThreatCategory::Ddos, &[10, 0, 0, 2]);
        assert_eq!(Prediction::default().key(), b"");
    }

    #[test]
    fn messages_survive_their_wire_form_and_refuse_other_bytes() {
        let sent = prediction(ThreatCategory::Botnet);
        let mut bytes = Vec::new();
        sent.encode_to(&mut bytes);
        assert_eq!(Prediction::decode_from(&bytes).expect("decodes"), sent);
        assert!(Prediction::decode_from(b"\xff\xff\xff").is_err());
        assert!(FlowRecord::decode_from(&bytes[..bytes.len() - 1]).is_err());
    }
}
