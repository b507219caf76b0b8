//! Which column of a request is which feature: our names, and `CICFlowMeter`'s in its dialects.

use schema::features::{FEATURES, index_of};
use std::collections::HashMap;
use std::sync::LazyLock;

/// `CICFlowMeter`'s name of today, and what the files of CICIDS2017 and CSE-CIC-IDS2018 call the same column.
const DIALECTS: [(&str, &[&str]); 22] = [
    ("Total Fwd Packet", &["Total Fwd Packets", "Tot Fwd Pkts"]),
    ("Total Bwd packets", &["Total Backward Packets", "Tot Bwd Pkts"]),
    ("Total Length of Fwd Packet", &["Total Length of Fwd Packets", "TotLen Fwd Pkts"]),
    ("Total Length of Bwd Packet", &["Total Length of Bwd Packets", "TotLen Bwd Pkts"]),
    ("Fwd Packet Length Max", &["Fwd Pkt Len Max"]),
    ("Fwd Packet Length Min", &["Fwd Pkt Len Min"]),
    ("Fwd Packet Length Mean", &["Fwd Pkt Len Mean"]),
    ("Fwd Packet Length Std", &["Fwd Pkt Len Std"]),
    ("Bwd Packet Length Max", &["Bwd Pkt Len Max"]),
    ("Bwd Packet Length Min", &["Bwd Pkt Len Min"]),
    ("Bwd Packet Length Mean", &["Bwd Pkt Len Mean"]),
    ("Bwd Packet Length Std", &["Bwd Pkt Len Std"]),
    ("Flow Bytes/s", &["Flow Byts/s"]),
    ("Flow Packets/s", &["Flow Pkts/s"]),
    ("FWD Init Win Bytes", &["Init_Win_bytes_forward", "Init Fwd Win Byts"]),
    ("Bwd Init Win Bytes", &["Init_Win_bytes_backward", "Init Bwd Win Byts"]),
    ("FIN Flag Count", &["FIN Flag Cnt"]),
    ("SYN Flag Count", &["SYN Flag Cnt"]),
    ("RST Flag Count", &["RST Flag Cnt"]),
    ("PSH Flag Count", &["PSH Flag Cnt"]),
    ("ACK Flag Count", &["ACK Flag Cnt"]),
    ("URG Flag Count", &["URG Flag Cnt"]),
];

/// Columns of `CICFlowMeter` that count a TCP flag, and the feature that is their share of all packets.
const FLAGS: [(&str, &str); 9] = [
    ("FIN Flag Count", "fin_share"),
    ("SYN Flag Count", "syn_share"),
    ("RST Flag Count", "rst_share"),
    ("PSH Flag Count", "psh_share"),
    ("ACK Flag Count", "ack_share"),
    ("URG Flag Count", "urg_share"),
    ("CWR Flag Count", "cwr_share"),
    ("CWE Flag Count", "cwr_share"),
    ("ECE Flag Count", "ece_share"),
];

/// Features with a `CICFlowMeter` column that follow from others, or that many flows do not have.
const OPTIONAL: [&str; 4] =
    ["packets_per_s", "payload_bytes_per_s", "fwd_initial_window", "bwd_initial_window"];

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Column {
    /// The feature at this place of the table, once multiplied by the factor.
    Feature(usize, f32),
    /// Packets with a TCP flag; the feature at this place is their share.
    FlagCount(usize),
    /// IANA protocol number.
    Protocol,
}

static COLUMNS: LazyLock<HashMap<String, Column>> = LazyLock::new(|| {
    let mut columns = HashMap::from([("protocol".to_owned(), Column::Protocol)]);
    for (at, feature) in FEATURES.iter().enumerate() {
        columns.insert(feature.name.clone(), Column::Feature(at, 1.0));
        if let Some((name, factor)) = feature.cic {
            columns.insert(name.to_lowercase(), Column::Feature(at, factor));
        }
    }
    for (name, feature) in FLAGS {
        if let Some(at) = index_of(feature) {
            columns.insert(name.to_lowercase(), Column::FlagCount(at));
        }
    }
    for (name, others) in DIALECTS {
        if let Some(column) = columns.get(&name.to_lowercase()).copied() {
            columns.extend(others.iter().map(|other| (other.to_lowercase(), column)));
        }
    }
    columns
});

/// Tells a column by its name: spaces around it and capitals do not matter.
pub(crate) fn column(name: &str) -> Option<Column> {
    let name = name.trim();
    COLUMNS.get(name).or_else(|| COLUMNS.get(&name.to_lowercase())).copied()
}

/// The features without which a flow is not judged.
pub(crate) fn required() -> impl Iterator<Item = usize> {
    let is_required =
        |feature: &schema::Feature| feature.cic.is_some() && !OPTIONAL.contains(&&*feature.name);
    FEATURES.iter().enumerate().filter(move |(_, feature)| is_required(feature)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_told_by_any_of_its_names() {
        let check = |name: &str, feature: &str, factor: f32| {
            let at = index_of(feature).expect(feature);
            assert_eq!(column(name), Some(Column::Feature(at, factor)), "{name}");
        };
        check("duration", "duration", 1.0);
        check(" Flow Duration", "duration", 1e-6);
        check("flow duration", "duration", 1e-6);
        check("Total Fwd Packets", "fwd_packets", 1.0);
        check("Tot Fwd Pkts", "fwd_packets", 1.0);
        check("Fwd Pkt Len Std", "fwd_payload_std", 1.0);
        check("Init_Win_bytes_backward", "bwd_initial_window", 1.0);
        assert_eq!(column("Protocol"), Some(Column::Protocol));
        assert!(matches!(column("CWE Flag Count"), Some(Column::FlagCount(_))));
        assert_eq!(column("Label"), None);
        assert_eq!(column("__proto__"), None);
    }

    #[test]
    fn every_dialect_belongs_to_a_column() {
        for (name, others) in DIALECTS {
            assert!(column(name).is_some(), "{name}");
            assert!(others.iter().all(|other| column(other) == column(name)), "{name}");
        }
        assert!(required().count() > 20);
    }
}
