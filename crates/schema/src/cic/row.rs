//! One flow as a line of a table.

use super::{COLUMNS, Dialect};
use crate::document::civil;
use crate::features::{FeatureVector, index_of};
use crate::wire::{FlowLayer, FlowRecord};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::LazyLock;

/// What stands where nobody has told the label.
pub const LABEL: &str = "NeedManualLabel";

/// A flow in `CICFlowMeter`'s terms.
#[derive(Debug, Clone, PartialEq)]
pub struct CicRow {
    /// The initiator.
    pub source: (IpAddr, u16),
    /// The responder.
    pub destination: (IpAddr, u16),
    /// IANA number, 0 for others than TCP and UDP where the program itself wrote the row.
    pub protocol: u8,
    /// First packet, nanoseconds since 1970.
    pub start_ns: i64,
    /// The numbers of [`COLUMNS`], in their units.
    pub values: [f64; COLUMNS.len()],
}

/// Place of each column's feature.
static FEATURES: LazyLock<[Option<usize>; COLUMNS.len()]> =
    LazyLock::new(|| COLUMNS.map(|column| index_of(column.feature)));

impl CicRow {
    /// A record in these terms (the `correct` profile): what is absent is 0, deviations are those of a sample as the
    /// program has them. `None` for ARP, which has no place here, and for a tunnel's own conversation.
    #[must_use]
    pub fn of(record: &FlowRecord) -> Option<Self> {
        let end = |bytes: &[u8], port: u32| Some((crate::ids::address(bytes)?, u16::try_from(port).ok()?));
        if record.ether_type != 0 || record.layer() == FlowLayer::Outer {
            return None;
        }
        let features = FeatureVector::unpack(&record.features)?.0;
        let mut row = Self {
            source: end(&record.source_ip, record.source_port)?,
            destination: end(&record.destination_ip, record.destination_port)?,
            protocol: u8::try_from(record.protocol).ok()?,
            start_ns: record.start_ns,
            values: [0.0; COLUMNS.len()],
        };
        for (at, (value, feature)) in row.values.iter_mut().zip(FEATURES.iter()).enumerate() {
            let number = feature.and_then(|feature| features.get(feature)).copied().unwrap_or(f32::NAN);
            if !number.is_nan() {
                *value = f64::from(number) / COLUMNS[at].factor * sample(at, record);
            }
        }
        Some(row)
    }

    /// Writes the row in a dialect, without the end of the line.
    pub fn write(&self, dialect: Dialect, out: &mut String) {
        let (source, destination) = (self.source, self.destination);
        if dialect != Dialect::Python {
            let id = format_args!(
                "{}-{}-{}-{}-{}",
                source.0, destination.0, source.1, destination.1, self.protocol
            );
            _ = write!(out, "{id},");
        }
        _ = write!(out, "{},{},{},{},{},", source.0, source.1, destination.0, destination.1, self.protocol);
        self.write_time(dialect, out);
        for at in dialect.numbers() {
            out.push(',');
            write_number(self.values[at], out);
        }
        if dialect != Dialect::Python {
            _ = write!(out, ",{LABEL}");
        }
    }

    /// Day first, in UTC. The dialects of 2017 and 2018 have twelve hours and do not say which half of the day.
    fn write_time(&self, dialect: Dialect, out: &mut String) {
        let [year, month, day, hour, minute, second] = civil(self.start_ns.div_euclid(1_000_000_000));
        if dialect == Dialect::Python {
            _ = write!(out, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
            return;
        }
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        _ = write!(out, "{day:02}/{month:02}/{year:04} {twelve:02}:{minute:02}:{second:02}");
        if dialect == Dialect::Cic {
            out.push_str(if hour < 12 { " AM" } else { " PM" });
        }
    }
}

/// As Java writes what is no number; the rest as the shortest text that reads back the same.
fn write_number(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        _ = write!(out, "{value}");
    }
}

/// From a population's deviation or variance to a sample's; 1 for any other column.
fn sample(at: usize, record: &FlowRecord) -> f64 {
    let packets =
        |traffic: Option<&crate::wire::Traffic>| traffic.map_or(0, |traffic| traffic.packets) as f64;
    let (forward, backward) = (packets(record.forward.as_ref()), packets(record.backward.as_ref()));
    let of = |count: f64| if count > 1.0 { count / (count - 1.0) } else { 1.0 };
    match COLUMNS[at].feature {
        "payload_variance" => of(forward + backward),
        "payload_std" => of(forward + backward).sqrt(),
        "fwd_payload_std" => of(forward).sqrt(),
        "bwd_payload_std" => of(backward).sqrt(),
        "gap_std" => of(forward + backward - 1.0).sqrt(),
        "fwd_gap_std" => of(forward - 1.0).sqrt(),
        "bwd_gap_std" => of(backward - 1.0).sqrt(),
        _ => 1.0,
    }
}
