//! The headers, exactly, and the features behind the columns.

use super::*;
use crate::features::{FEATURES, index_of};

#[test]
fn every_column_is_a_feature() {
    for column in &COLUMNS {
        let at = index_of(column.feature).unwrap_or_else(|| panic!("{} has no feature", column.names[0]));
        if let Some((name, factor)) = FEATURES[at].cic {
            assert!((f64::from(factor) - column.factor).abs() < 1e-9, "{name}");
        }
    }
    // What the table of features says is said here, too.
    for feature in FEATURES.iter() {
        if let Some((name, _)) = feature.cic {
            let column = COLUMNS.iter().find(|column| column.names[0] == name).expect(name);
            assert_eq!(column.feature, feature.name);
        }
    }
    assert_eq!(COLUMNS[HEADER_LENGTH].names[0], "Fwd Header Length");
    assert_eq!(COLUMNS[BULKS].names[0], "Fwd Bytes/Bulk Avg");
}

#[test]
fn headers_have_the_columns_that_readers_expect() {
    let check = |dialect: Dialect, columns: usize, begin: &str, end: &str| {
        let header = dialect.header();
        assert_eq!(header.split(',').count(), columns, "{header}");
        assert!(header.starts_with(begin), "{header}");
        assert!(header.ends_with(end), "{header}");
    };
    check(
        Dialect::Cic,
        84,
        "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,",
        "Idle Mean,Idle Std,Idle Max,Idle Min,Label",
    );
    check(
        Dialect::Cic2017,
        85,
        "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, \
         Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, \
         Fwd Packet Length Max, Fwd Packet Length Min, Fwd Packet Length Mean, Fwd Packet Length Std,Bwd Packet Length Max,",
        "Idle Mean, Idle Std, Idle Max, Idle Min, Label",
    );
    check(
        Dialect::Cic2018,
        84,
        "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,",
        "Label",
    );
    check(
        Dialect::Python,
        75,
        "src_ip,src_port,dst_ip,dst_port,protocol,timestamp,flow_duration,tot_fwd_pkts,",
        "idle_min",
    );
    let twice = Dialect::Cic2017.header();
    let at: Vec<usize> = twice
        .split(',')
        .enumerate()
        .filter(|(_, name)| name.trim() == "Fwd Header Length")
        .map(|(at, _)| at + 1)
        .collect();
    assert_eq!(at, [41, 62]);
}

#[test]
fn rows_are_as_long_as_their_header() {
    let row = CicRow {
        source: ([10, 0, 0, 1].into(), 5000),
        destination: ([10, 0, 0, 2].into(), 53),
        protocol: 17,
        start_ns: 1_499_170_162_000_000_000,
        values: std::array::from_fn(|at| if at == 13 { f64::INFINITY } else { at as f64 + 0.5 }),
    };
    for dialect in Dialect::ALL {
        let mut line = String::new();
        row.write(dialect, &mut line);
        assert_eq!(line.split(',').count(), dialect.header().split(',').count(), "{line}");
    }
    let mut line = String::new();
    row.write(Dialect::Cic, &mut line);
    let begin = "10.0.0.1-10.0.0.2-5000-53-17,10.0.0.1,5000,10.0.0.2,53,17,04/07/2017 12:09:22 PM,0.5,1.5,";
    assert!(line.starts_with(begin), "{line}");
    assert!(line.contains(",Infinity,"), "{line}");
    line.clear();
    row.write(Dialect::Python, &mut line);
    assert!(line.starts_with("10.0.0.1,5000,10.0.0.2,53,17,2017-07-04 12:09:22,0.5,1.5,"), "{line}");
}
