//! Which column of a request is which feature: our names, and `CICFlowMeter`'s in its dialects.

use schema::cic;
use schema::features::{FEATURES, index_of};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Features of `CICFlowMeter`'s columns without which a flow is not judged, by the beginning of their names. The others
/// follow from these, or many tables do not have them.
const REQUIRED: [&str; 8] = [
    "duration",
    "fwd_packets",
    "bwd_packets",
    "fwd_payload_",
    "bwd_payload_",
    "gap_",
    "fwd_gap_",
    "bwd_gap_",
];

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Column {
    /// The feature at this place of the table, once multiplied by the factor.
    Feature(usize, f32),
    /// Packets with a TCP flag: the places of their count and of their share.
    FlagCount { count: usize, share: usize },
    /// IANA protocol number.
    Protocol,
}

static COLUMNS: LazyLock<HashMap<String, Column>> = LazyLock::new(|| {
    let mut columns = HashMap::from([("protocol".to_owned(), Column::Protocol)]);
    for (at, feature) in FEATURES.iter().enumerate() {
        columns.insert(feature.name.clone(), Column::Feature(at, 1.0));
    }
    for column in &cic::COLUMNS {
        let Some(at) = index_of(column.feature) else { continue };
        // A flag's share follows from its count.
        let flag = column.names[0].strip_suffix(" Flag Count");
        let share = flag.and_then(|flag| index_of(&format!("{}_share", flag.to_lowercase())));
        let found = match share {
            Some(share) => Column::FlagCount { count: at, share },
            None => Column::Feature(at, column.factor as f32),
        };
        let names = column.names.iter().filter(|name| !name.is_empty());
        columns.extend(names.map(|name| (name.to_lowercase(), found)));
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
    let is_required = |feature: &schema::Feature| {
        let name = feature.name.as_str();
        feature.cic.is_some()
            && REQUIRED.iter().any(|begin| name.starts_with(begin))
            && !name.ends_with("_per_s")
            && !name.ends_with("_total")
    };
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
        assert!(matches!(column("CWE Flag Count"), Some(Column::FlagCount { .. })));
        assert_eq!(column("Label"), None);
        assert_eq!(column("__proto__"), None);
    }

    #[test]
    fn every_dialect_belongs_to_a_column() {
        for column in &cic::COLUMNS {
            let found = super::column(column.names[0]);
            assert!(found.is_some(), "{column:?}");
            let names = column.names.iter().filter(|name| !name.is_empty());
            assert!(names.clone().all(|name| super::column(name) == found), "{column:?}");
        }
        assert_eq!(required().count(), 25);
    }
}
