//! A flow described by named features.

use super::columns::{Column, column, required};
use super::{InputError, Row};
use schema::features::{FEATURES, index_of};
use schema::{FeatureSchemaId, FeatureVector, FlowRecord, Id, Traffic};
use serde_json::Value;

const NUMBER: &str = "a number, or null where the flow has no such value";
const NOT_NEGATIVE: &str = "a number of at least 0, or null where the flow has no such value";
const PROTOCOL: &str = "an IANA protocol number from 0 to 255";

/// A flow's features as far as the caller gave them.
#[derive(Debug, PartialEq)]
pub(crate) struct FlowInput {
    /// NaN where nothing was given or the caller said `null`.
    values: Vec<f32>,
    protocol: Option<u8>,
    /// Columns that are no feature of ours, by the caller's names.
    pub(crate) ignored: Vec<String>,
}

/// A row while it is read.
struct Reading {
    flow: FlowInput,
    given: Vec<bool>,
    /// The caller speaks `CICFlowMeter`: missing columns are named so.
    is_cic: bool,
    flags: Vec<(usize, f32)>,
    invalid: Vec<(String, &'static str)>,
}

impl FlowInput {
    /// Reads a request's columns.
    pub(crate) fn read(row: &Row) -> Result<Self, InputError> {
        let count = FEATURES.len();
        let flow = Self { values: vec![f32::NAN; count], protocol: None, ignored: Vec::new() };
        let mut reading = Reading {
            flow,
            given: vec![false; count],
            is_cic: false,
            flags: Vec::new(),
            invalid: Vec::new(),
        };
        for (name, value) in row {
            match column(name) {
                None => reading.flow.ignored.push(name.clone()),
                Some(Column::Protocol) => reading.protocol(name, value),
                Some(Column::FlagCount { count, share }) => reading.flag(name, count, share, value),
                Some(Column::Feature(at, factor)) => reading.feature(name, at, factor, value),
            }
        }
        reading.finish()
    }

    /// How many features are absent.
    pub(crate) fn absent(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The flow as a meter would have written it, as far as its features tell.
    pub(crate) fn record(&self) -> FlowRecord {
        let features = FeatureVector::pack(&self.values);
        let value = |name: &str| index_of(name).map_or(0.0, |at| self.values[at]);
        // A NaN becomes 0 here: a count that nobody gave.
        let side = |way: &str| Traffic {
            packets: value(&format!("{way}_packets")) as u64,
            payload_bytes: value(&format!("{way}_payload_bytes")) as u64,
            ..Traffic::default()
        };
        FlowRecord {
            // No capture and no hosts: only what the features say is judged.
            capture_id: Id::default().0.to_vec(),
            source_ip: vec![0; 4],
            destination_ip: vec![0; 4],
            flow_id: Id::hash(&[b"predict\0", &features]).0.to_vec(),
            protocol: self.protocol.unwrap_or_default().into(),
            end_ns: (f64::from(value("duration")) * 1e9) as i64,
            forward: Some(side("fwd")),
            backward: Some(side("bwd")),
            feature_schema_id: FeatureSchemaId::current().0,
            features,
            ..FlowRecord::default()
        }
    }

    fn set_if_absent(&mut self, name: &str, value: f32) {
        if let Some(at) = index_of(name)
            && self.values[at].is_nan()
            && value.is_finite()
        {
            self.values[at] = value;
        }
    }

    fn value(&self, name: &str) -> f32 {
        index_of(name).map_or(f32::NAN, |at| self.values[at])
    }

    /// Fills in what follows from the given values.
    fn derive(&mut self, flags: Vec<(usize, f32)>) {
        let packets = self.value("fwd_packets") + self.value("bwd_packets");
        let payload = self.value("fwd_payload_bytes") + self.value("bwd_payload_bytes");
        for (at, count) in flags {
            if packets > 0.0 && self.values[at].is_nan() {
                self.values[at] = (count / packets).min(1.0);
            }
        }
        // Without payload or duration these are 0/0: absent, as the meter has it.
        self.set_if_absent("bwd_payload_share", self.value("bwd_payload_bytes") / payload);
        self.set_if_absent("packets_per_s", packets / self.value("duration"));
        self.set_if_absent("payload_bytes_per_s", payload / self.value("duration"));
        let names = ["is_tcp", "is_udp", "is_icmp", "is_other"];
        if let Some(protocol) = self.protocol {
            let is = match protocol {
                6 => 0,
                17 => 1,
                1 | 58 => 2,
                _ => 3,
            };
            for (at, name) in names.into_iter().enumerate() {
                self.set_if_absent(name, f32::from(u8::from(at == is)));
            }
        } else {
            let is = |name: &str| self.value(name) == 1.0;
            self.protocol = names.iter().position(|name| is(name)).and_then(|at| [6, 17, 1].get(at).copied());
        }
    }
}

impl Reading {
    fn feature(&mut self, name: &str, at: usize, factor: f32, value: &Value) {
        let feature = &FEATURES[at];
        self.is_cic |= name.trim() != feature.name;
        self.given[at] = true;
        let Some(number) = number(value) else { return self.invalid.push((name.to_owned(), NUMBER)) };
        // CICFlowMeter writes -1 for the window of a side that sent no TCP packet.
        if number == -1.0 && feature.name.ends_with("_initial_window") {
            return;
        }
        if number < 0.0 {
            return self.invalid.push((name.to_owned(), NOT_NEGATIVE));
        }
        self.flow.values[at] = number * factor;
    }

    fn flag(&mut self, name: &str, at: usize, share: usize, value: &Value) {
        self.is_cic = true;
        match number(value) {
            Some(count) if count < 0.0 => self.invalid.push((name.to_owned(), NOT_NEGATIVE)),
            Some(count) if count.is_nan() => {}
            Some(count) => {
                self.flow.values[at] = count;
                self.flags.push((share, count));
            }
            None => self.invalid.push((name.to_owned(), NUMBER)),
        }
    }

    fn protocol(&mut self, name: &str, value: &Value) {
        match value.as_u64().and_then(|number| u8::try_from(number).ok()) {
            Some(number) => self.flow.protocol = Some(number),
            None => self.invalid.push((name.to_owned(), PROTOCOL)),
        }
    }

    fn finish(mut self) -> Result<FlowInput, InputError> {
        let shown = |at: usize| match FEATURES[at].cic {
            Some((name, _)) if self.is_cic => name.to_owned(),
            _ => FEATURES[at].name.clone(),
        };
        let missing: Vec<String> = required().filter(|at| !self.given[*at]).map(shown).collect();
        if !missing.is_empty() {
            return Err(InputError::Missing(missing));
        }
        if !self.invalid.is_empty() {
            return Err(InputError::Invalid(self.invalid));
        }
        self.flow.derive(self.flags);
        Ok(self.flow)
    }
}

/// A number as f32, NaN for `null`, `None` for anything else or what is out of an f32's range.
fn number(value: &Value) -> Option<f32> {
    if value.is_null() {
        return Some(f32::NAN);
    }
    value.as_f64().map(|number| number as f32).filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        value.as_object().expect("an object").clone()
    }

    /// All required columns by our names, each 2.
    fn ours() -> Row {
        required().map(|at| (FEATURES[at].name.clone(), json!(2))).collect()
    }

    /// The same by `CICFlowMeter`'s.
    fn cic() -> Row {
        required().map(|at| (FEATURES[at].cic.expect("required").0.to_owned(), json!(2))).collect()
    }

    #[test]
    fn a_flow_by_our_names_is_read_and_completed() {
        let mut row = ours();
        row.extend(self::row(json!({"is_tcp": 1, "fin_share": null, "pair_flows": 7, "Label": "BENIGN"})));
        let flow = FlowInput::read(&row).expect("complete");
        let check = |name: &str, value: f32| assert_eq!(flow.value(name), value, "{name}");
        check("duration", 2.0);
        check("packets_per_s", 2.0);
        check("payload_bytes_per_s", 2.0);
        check("bwd_payload_share", 0.5);
        check("pair_flows", 7.0);
        assert!(flow.value("fin_share").is_nan());
        assert_eq!((flow.protocol, &*flow.ignored), (Some(6), &["Label".to_owned()][..]));
        let record = flow.record();
        assert_eq!((record.protocol, record.end_ns), (6, 2_000_000_000));
        assert_eq!(record.forward.expect("forward").packets, 2);
        assert_eq!(FeatureVector::unpack(&record.features).expect("whole").0.len(), FEATURES.len());
    }

    #[test]
    fn a_flow_by_the_names_of_cicflowmeter_is_in_our_units() {
        let mut row = cic();
        let extra =
            json!({"Protocol": 17, "FIN Flag Count": 1, "FWD Init Win Bytes": -1, " Flow Packets/s": 9});
        row.extend(self::row(extra));
        let flow = FlowInput::read(&row).expect("complete");
        let check = |name: &str, value: f32| assert_eq!(flow.value(name), value, "{name}");
        check("duration", 2e-6);
        check("gap_mean", 2e-6);
        check("fwd_packets", 2.0);
        check("fin_share", 0.25);
        check("is_udp", 1.0);
        check("is_tcp", 0.0);
        check("packets_per_s", 9.0);
        assert!(flow.value("fwd_initial_window").is_nan());
    }

    #[test]
    fn what_is_missing_is_named_as_the_caller_names_columns() {
        let check = |mut row: Row, without: &str| {
            row.remove(without);
            assert_eq!(FlowInput::read(&row), Err(InputError::Missing(vec![without.to_owned()])));
        };
        check(ours(), "fwd_packets");
        check(cic(), "Total Fwd Packet");
        let Err(InputError::Missing(names)) = FlowInput::read(&row(json!({"duration": 1}))) else {
            panic!("complete?")
        };
        assert_eq!(names.len(), required().count() - 1);
    }

    #[test]
    fn wrong_values_are_named_and_said_what_would_do() {
        let check = |name: &str, value: Value, wanted: &'static str| {
            let mut row = ours();
            row.insert(name.to_owned(), value);
            assert_eq!(FlowInput::read(&row), Err(InputError::Invalid(vec![(name.to_owned(), wanted)])));
        };
        check("duration", json!("2"), NUMBER);
        check("duration", json!([2]), NUMBER);
        check("duration", json!(1e300), NUMBER);
        check("duration", json!(-2), NOT_NEGATIVE);
        check("Protocol", json!(256), PROTOCOL);
        check("Protocol", json!("tcp"), PROTOCOL);
        check("SYN Flag Count", json!(-1), NOT_NEGATIVE);
    }
}
