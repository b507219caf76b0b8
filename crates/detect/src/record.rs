//! A record that this build can judge.

use schema::features::packed;
use schema::ids::address;
use schema::{FEATURES, FeatureSchemaId, FlowId, FlowRecord};

/// A record that was not judged: it belongs on the dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its place in the batch.
    pub at: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// A record whose ids, addresses and features were found to be ours.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    record: &'a FlowRecord,
}

impl<'a> View<'a> {
    pub(crate) fn new(record: &'a FlowRecord) -> Result<Self, String> {
        let (ours, theirs) = (FeatureSchemaId::current().0, record.feature_schema_id);
        if theirs != ours {
            return Err(format!(
                "its features follow the table {theirs:016x}, this build knows {ours:016x}; meter and judge with one version"
            ));
        }
        let (found, wanted) = (record.features.len(), FEATURES.len() * size_of::<f32>());
        if found != wanted {
            return Err(format!("its features have {found} bytes, wanted are {wanted}"));
        }
        if FlowId::from_slice(&record.flow_id).is_none() || FlowId::from_slice(&record.capture_id).is_none() {
            return Err("its flow id or capture id has not 16 bytes".into());
        }
        if address(&record.source_ip).is_none() || address(&record.destination_ip).is_none() {
            return Err("one of its addresses has neither 4 nor 16 bytes".into());
        }
        Ok(Self { record })
    }

    /// The record itself.
    pub(crate) fn record(self) -> &'a FlowRecord {
        self.record
    }

    /// A feature by its place in the table; NaN where it is absent.
    pub(crate) fn feature(self, at: usize) -> f32 {
        packed(&self.record.features, at).unwrap_or(f32::NAN)
    }

    /// Packets and payload bytes of both directions.
    pub(crate) fn totals(self) -> (u64, u64) {
        let both = [&self.record.forward, &self.record.backward];
        both.into_iter().flatten().fold((0, 0), |(packets, payload), traffic| {
            (packets.saturating_add(traffic.packets), payload.saturating_add(traffic.payload_bytes))
        })
    }
}
