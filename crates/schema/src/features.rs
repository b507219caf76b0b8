//! The feature table: every number that a model may see, in wire order, with its unit and meaning.
//!
//! `flow-meter` computes them in exactly this order; a model bundle names the columns it uses. Never in this table:
//! addresses, ports, TTL, absolute time, identifiers. An absent value is NaN, never 0.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a feature describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureGroup {
    /// The flow itself.
    Flow,
    /// What both ends did around the flow's start, as one sensor saw it.
    Context,
}

/// One column of the table.
#[derive(Debug, Clone)]
pub struct Feature {
    /// `snake_case`, unique.
    pub name: String,
    /// `s`, `bytes`, `packets`, `flows`, `1` for shares and ratios, ...
    pub unit: &'static str,
    /// One sentence.
    pub meaning: String,
    /// Of what.
    pub group: FeatureGroup,
    /// Goes up when the same name begins to mean something else.
    pub revision: u16,
    /// The `CICFlowMeter` column with the same meaning, and the factor from its unit to ours.
    pub cic: Option<(&'static str, f32)>,
}

/// Context windows, seconds, shortest first.
pub const WINDOWS_S: [u32; 3] = [10, 60, 600];
/// The flow's first packets, for which statistics of their own are kept.
pub const FIRST_PACKETS: [usize; 3] = [10, 20, 30];

/// All features, in wire order.
pub static FEATURES: LazyLock<Vec<Feature>> = LazyLock::new(table);

static INDEX: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| FEATURES.iter().enumerate().map(|(at, f)| (f.name.as_str(), at)).collect());

/// Position of a feature in [`FEATURES`].
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    INDEX.get(name).copied()
}

/// Hash of the table: who writes and who reads features must have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeatureSchemaId(pub u64);

impl FeatureSchemaId {
    /// That of this build's [`FEATURES`].
    #[must_use]
    pub fn current() -> Self {
        static ID: LazyLock<u64> = LazyLock::new(|| {
            let mut hash = Sha256::new();
            for feature in FEATURES.iter() {
                hash.update(format!("{}\0{}\0{}\n", feature.name, feature.unit, feature.revision));
            }
            let digest = hash.finalize();
            u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
        });
        Self(*ID)
    }
}

/// One value a feature, in table order.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureVector(pub Vec<f32>);

impl FeatureVector {
    /// As the record carries it: packed little-endian f32.
    #[must_use]
    pub fn pack(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads a record's packed array. `None` when its length is not that of the table.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != FEATURES.len() * size_of::<f32>() {
            return None;
        }
        let value = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        Some(Self(bytes.chunks_exact(4).map(value).collect()))
    }
}

/// One value of a packed array, without unpacking the others.
#[must_use]
pub fn packed(bytes: &[u8], at: usize) -> Option<f32> {
    let four = bytes.get(at * 4..at * 4 + 4)?;
    Some(f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

struct Table(Vec<Feature>, FeatureGroup);

impl Table {
    fn add(&mut self, name: impl Into<String>, unit: &'static str, meaning: impl Into<String>) {
        let (name, meaning) = (name.into(), meaning.into());
        self.0.push(Feature { name, unit, meaning, group: self.1, revision: 1, cic: None });
    }

    fn cic(&mut self, column: &'static str, factor: f32) {
        if let Some(last) = self.0.last_mut() {
            last.cic = Some((column, factor));
        }
    }

    /// Mean, deviation, smallest and largest; `cic` gives the four columns where `CICFlowMeter` has them.
    fn spread(&mut self, prefix: &str, unit: &'static str, of: &str, cic: Option<([&'static str; 4], f32)>) {
        let words = ["mean", "std", "min", "max"];
        let meanings = ["Mean", "Standard deviation", "Smallest", "Largest"];
        for at in 0..4 {
            self.add(format!("{prefix}_{}", words[at]), unit, format!("{} of {of}.", meanings[at]));
            if let Some((columns, factor)) = cic {
                self.cic(columns[at], factor);
            }
        }
    }

    fn quartiles(&mut self, prefix: &str, unit: &'static str, of: &str) {
        for (word, meaning) in [("q1", "First quartile"), ("median", "Median"), ("q3", "Third quartile")] {
            self.add(format!("{prefix}_{word}"), unit, format!("{meaning} of {of}."));
        }
    }
}

const MICRO: f32 = 1e-6;

fn table() -> Vec<Feature> {
    let mut table = Table(Vec::with_capacity(384), FeatureGroup::Flow);
    whole_flow(&mut table);
    sizes_and_gaps(&mut table);
    for count in FIRST_PACKETS {
        first_packets(&mut table, count);
    }
    tcp(&mut table);
    headers(&mut table);
    shape(&mut table);
    payload(&mut table);
    table.1 = FeatureGroup::Context;
    for role in ["initiator", "responder"] {
        host(&mut table, role);
        baseline(&mut table, role);
    }
    pair(&mut table);
    table.0
}

fn whole_flow(table: &mut Table) {
    for (name, of) in
        [("tcp", "TCP"), ("udp", "UDP"), ("icmp", "ICMP or ICMPv6"), ("other", "neither of these")]
    {
        table.add(format!("is_{name}"), "1", format!("1 when the protocol is {of}, else 0."));
    }
    table.add("duration", "s", "Last packet time minus first.");
    table.cic("Flow Duration", MICRO);
    table.add("fwd_packets", "packets", "Packets from the initiator.");
    table.cic("Total Fwd Packet", 1.0);
    table.add("bwd_packets", "packets", "Packets from the responder.");
    table.cic("Total Bwd packets", 1.0);
    table.add("fwd_payload_bytes", "bytes", "Payload from the initiator.");
    table.cic("Total Length of Fwd Packet", 1.0);
    table.add("bwd_payload_bytes", "bytes", "Payload from the responder.");
    table.cic("Total Length of Bwd Packet", 1.0);
    table.add("bwd_payload_share", "1", "Responder's share of all payload bytes.");
    table.add("packets_per_s", "1/s", "Packets over duration; absent when the duration is 0.");
    table.cic("Flow Packets/s", 1.0);
    table.add("payload_bytes_per_s", "bytes/s", "Payload over duration; absent when the duration is 0.");
    table.cic("Flow Bytes/s", 1.0);
    table.add(
        "fwd_packets_per_s",
        "1/s",
        "Initiator's packets over duration; absent when the duration is 0.",
    );
    table.cic("Fwd Packets/s", 1.0);
    table.add(
        "bwd_packets_per_s",
        "1/s",
        "Responder's packets over duration; absent when the duration is 0.",
    );
    table.cic("Bwd Packets/s", 1.0);
    table.add("down_up_ratio", "1", "Responder's packets over the initiator's.");
    table.cic("Down/Up Ratio", 1.0);
    table.add("turns", "1", "How often the direction changed from one packet to the next.");
    table.add("empty_share", "1", "Share of packets without payload.");
}

fn sizes_and_gaps(table: &mut Table) {
    let both = ["Packet Length Mean", "Packet Length Std", "Packet Length Min", "Packet Length Max"];
    let fwd =
        ["Fwd Packet Length Mean", "Fwd Packet Length Std", "Fwd Packet Length Min", "Fwd Packet Length Max"];
    let bwd =
        ["Bwd Packet Length Mean", "Bwd Packet Length Std", "Bwd Packet Length Min", "Bwd Packet Length Max"];
    table.spread("payload", "bytes", "all payload sizes", Some((both, 1.0)));
    table.spread("fwd_payload", "bytes", "the initiator's payload sizes", Some((fwd, 1.0)));
    table.spread("bwd_payload", "bytes", "the responder's payload sizes", Some((bwd, 1.0)));
    table.add("payload_variance", "bytes²", "Variance of all payload sizes.");
    table.cic("Packet Length Variance", 1.0);
    let all = ["Flow IAT Mean", "Flow IAT Std", "Flow IAT Min", "Flow IAT Max"];
    let fwd = ["Fwd IAT Mean", "Fwd IAT Std", "Fwd IAT Min", "Fwd IAT Max"];
    let bwd = ["Bwd IAT Mean", "Bwd IAT Std", "Bwd IAT Min", "Bwd IAT Max"];
    table.spread("gap", "s", "the times between packets", Some((all, MICRO)));
    table.spread("fwd_gap", "s", "the times between the initiator's packets", Some((fwd, MICRO)));
    table.spread("bwd_gap", "s", "the times between the responder's packets", Some((bwd, MICRO)));
    table.add("fwd_gap_total", "s", "From the initiator's first packet to its last; absent without packets.");
    table.cic("Fwd IAT Total", MICRO);
    table.add("bwd_gap_total", "s", "From the responder's first packet to its last; absent without packets.");
    table.cic("Bwd IAT Total", MICRO);
}

fn first_packets(table: &mut Table, count: usize) {
    let p = format!("first{count}");
    let of = format!("the first {count} packets");
    table.add(format!("{p}_fwd_packets"), "packets", format!("Packets from the initiator among {of}."));
    table.add(format!("{p}_bwd_packets"), "packets", format!("Packets from the responder among {of}."));
    table.add(format!("{p}_fwd_payload_bytes"), "bytes", format!("Initiator's payload in {of}."));
    table.add(format!("{p}_bwd_payload_bytes"), "bytes", format!("Responder's payload in {of}."));
    table.add(format!("{p}_turns"), "1", format!("Changes of direction within {of}."));
    table.add(format!("{p}_empty_share"), "1", format!("Share of packets without payload in {of}."));
    for (word, who, unit) in [
        ("fwd_payload", "the initiator's payload sizes", "bytes"),
        ("bwd_payload", "the responder's payload sizes", "bytes"),
        ("gap", "the times between packets", "s"),
        ("fwd_gap", "the times between the initiator's packets", "s"),
        ("bwd_gap", "the times between the responder's packets", "s"),
    ] {
        let of = format!("{who} in {of}");
        table.spread(&format!("{p}_{word}"), unit, &of, None);
        table.quartiles(&format!("{p}_{word}"), unit, &of);
    }
}

/// TCP flags by name, and `CICFlowMeter`'s column for the count of each, from the lowest bit.
const FLAGS: [(&str, &str); 8] = [
    ("fin", "FIN Flag Count"),
    ("syn", "SYN Flag Count"),
    ("rst", "RST Flag Count"),
    ("psh", "PSH Flag Count"),
    ("ack", "ACK Flag Count"),
    ("urg", "URG Flag Count"),
    ("ece", "ECE Flag Count"),
    ("cwr", "CWR Flag Count"),
];

fn tcp(table: &mut Table) {
    for (flag, _) in FLAGS {
        let flag_name = flag.to_uppercase();
        let meaning = format!("Share of packets with the TCP flag {flag_name}; absent for others than TCP.");
        table.add(format!("{flag}_share"), "1", meaning);
    }
    for (flag, column) in FLAGS {
        let flag_name = flag.to_uppercase();
        let meaning = format!("Packets with the TCP flag {flag_name}; absent for others than TCP.");
        table.add(format!("{flag}_count"), "packets", meaning);
        table.cic(column, 1.0);
    }
    for (name, who, flag, column) in [
        ("fwd_psh_count", "Initiator's", "PSH", "Fwd PSH Flags"),
        ("bwd_psh_count", "Responder's", "PSH", "Bwd PSH Flags"),
        ("fwd_urg_count", "Initiator's", "URG", "Fwd URG Flags"),
        ("bwd_urg_count", "Responder's", "URG", "Bwd URG Flags"),
    ] {
        let meaning = format!("{who} packets with the TCP flag {flag}; absent for others than TCP.");
        table.add(name, "packets", meaning);
        table.cic(column, 1.0);
    }
    table.add("fwd_initial_window", "bytes", "Window of the initiator's first TCP packet.");
    table.cic("FWD Init Win Bytes", 1.0);
    table.add("bwd_initial_window", "bytes", "Window of the responder's first TCP packet.");
    table.cic("Bwd Init Win Bytes", 1.0);
    table.add(
        "response_time",
        "s",
        "From the first packet to the responder's first; absent when unanswered.",
    );
    table.add(
        "handshake_time",
        "s",
        "From the first SYN to the acknowledgement that completes the handshake; absent without one.",
    );
    for (name, of) in [
        ("retransmissions", "segments that had been sent before"),
        ("out_of_order", "segments that came after later ones"),
        ("zero_windows", "packets that announce a window of 0"),
    ] {
        for (side, who) in [("fwd", "Initiator's"), ("bwd", "Responder's")] {
            let meaning = format!("{who} {of}; absent for others than TCP.");
            table.add(format!("{side}_{name}"), "packets", meaning);
        }
    }
}

fn headers(table: &mut Table) {
    table.add("fwd_header_bytes", "bytes", "Transport headers from the initiator.");
    table.cic("Fwd Header Length", 1.0);
    table.add("bwd_header_bytes", "bytes", "Transport headers from the responder.");
    table.cic("Bwd Header Length", 1.0);
    table.add("fwd_header_min", "bytes", "Shortest transport header from the initiator.");
    table.cic("Fwd Seg Size Min", 1.0);
    table.add("fwd_data_packets", "packets", "Packets with payload from the initiator.");
    table.cic("Fwd Act Data Pkts", 1.0);
    table.add("bwd_data_packets", "packets", "Packets with payload from the responder.");
}

/// Bulks, subflows, active and idle periods.
fn shape(table: &mut Table) {
    for (side, who, columns) in [
        ("fwd", "initiator's", ["Fwd Bytes/Bulk Avg", "Fwd Packet/Bulk Avg", "Fwd Bulk Rate Avg"]),
        ("bwd", "responder's", ["Bwd Bytes/Bulk Avg", "Bwd Packet/Bulk Avg", "Bwd Bulk Rate Avg"]),
    ] {
        let of = "four or more packets with payload in a row, gaps of at most 1 s";
        table.add(format!("{side}_bulk_bytes"), "bytes", format!("Mean payload of the {who} bulks ({of})."));
        table.cic(columns[0], 1.0);
        table.add(format!("{side}_bulk_packets"), "packets", format!("Mean packets of the {who} bulks."));
        table.cic(columns[1], 1.0);
        table.add(
            format!("{side}_bulk_rate"),
            "bytes/s",
            format!("Payload over time within the {who} bulks."),
        );
        table.cic(columns[2], 1.0);
    }
    for (side, who, columns) in [
        ("fwd", "Initiator's", ["Subflow Fwd Packets", "Subflow Fwd Bytes"]),
        ("bwd", "Responder's", ["Subflow Bwd Packets", "Subflow Bwd Bytes"]),
    ] {
        table.add(
            format!("subflow_{side}_packets"),
            "packets",
            format!("{who} packets a subflow (a gap of more than 1 s begins one)."),
        );
        table.cic(columns[0], 1.0);
        table.add(format!("subflow_{side}_bytes"), "bytes", format!("{who} payload a subflow."));
        table.cic(columns[1], 1.0);
    }
    let active = ["Active Mean", "Active Std", "Active Min", "Active Max"];
    let idle = ["Idle Mean", "Idle Std", "Idle Min", "Idle Max"];
    table.spread("active", "s", "the periods without a gap of more than 5 s", Some((active, MICRO)));
    table.spread("idle", "s", "the gaps of more than 5 s", Some((idle, MICRO)));
}

fn payload(table: &mut Table) {
    for (word, who) in [("fwd", "initiator's"), ("bwd", "responder's")] {
        let of = format!("the {who} first payload bytes (at most 256)");
        table.add(format!("{word}_head_entropy"), "bits", format!("Shannon entropy per byte of {of}."));
        table.add(format!("{word}_head_printable"), "1", format!("Share of printable ASCII in {of}."));
        table.add(format!("{word}_head_high"), "1", format!("Share of bytes above 127 in {of}."));
        table.add(format!("{word}_head_zero"), "1", format!("Share of zero bytes in {of}."));
        table.add(format!("{word}_head_bytes"), "bytes", format!("How many {of} there were."));
        let meaning = format!("Entropy over the most that so many bytes can have, of {of}.");
        table.add(format!("{word}_head_fill"), "1", meaning);
    }
}

fn host(table: &mut Table, role: &str) {
    for window in WINDOWS_S {
        let p = format!("{role}_{window}s");
        let of = format!(
            "flows in which the {role} had that role, begun in the {window} s before this flow or the look-ahead after"
        );
        table.add(format!("{p}_flows"), "flows", format!("Number of {of}."));
        table.add(format!("{p}_ports"), "1", format!("Distinct responder ports of {of}."));
        table.add(format!("{p}_peers"), "1", format!("Distinct other ends of {of}."));
        table.add(format!("{p}_packets_mean"), "packets", format!("Mean packets, as far as known, of {of}."));
        table.add(format!("{p}_unanswered_share"), "1", format!("Share not answered yet of {of}."));
        table.add(format!("{p}_reset_share"), "1", format!("Share reset so far of {of}."));
        table.add(
            format!("{p}_bytes_mean"),
            "bytes",
            format!("Mean payload bytes, as far as known, of {of}."),
        );
        let meaning = format!("Deviation of log2(1 + payload bytes), as far as known, of {of}.");
        table.add(format!("{p}_bytes_log_std"), "1", meaning);
        let meaning = format!("Responder's share of the payload bytes, as far as known, of {of}.");
        table.add(format!("{p}_bwd_bytes_share"), "1", meaning);
        table.add(format!("{p}_tcp_share"), "1", format!("Share of TCP among {of}."));
        table.add(format!("{p}_udp_share"), "1", format!("Share of UDP among {of}."));
        table.add(format!("{p}_icmp_share"), "1", format!("Share of ICMP and ICMPv6 among {of}."));
        let meaning = format!("Share begun by a SYN without ACK among {of}.");
        table.add(format!("{p}_syn_share"), "1", meaning);
        let meaning = format!("Share in the busiest tenth of the window, of {of}.");
        table.add(format!("{p}_burst_share"), "1", meaning);
    }
    let meaning = format!("From the previous flow in which the {role} had that role to this one's start.");
    table.add(format!("{role}_silence"), "s", meaning);
}

/// What is usual for the host, over a longer time than the windows.
fn baseline(table: &mut Table, role: &str) {
    let of = format!("flows a minute in which the {role} had that role, older minutes counting less");
    table.add(format!("{role}_flows_baseline"), "flows", format!("Usual number of {of}."));
    table.add(format!("{role}_flows_baseline_std"), "flows", format!("Usual deviation of {of}."));
    let meaning = format!("Deviations by which the last minute is above the usual number of {of}.");
    table.add(format!("{role}_flows_z"), "1", meaning);
    let of = format!("log2(1 + payload bytes) over all flows known so far in which the {role} had that role");
    table.add(format!("{role}_bytes_log_baseline"), "1", format!("Mean of {of}."));
    table.add(format!("{role}_bytes_log_baseline_std"), "1", format!("Deviation of {of}."));
}

fn pair(table: &mut Table) {
    for window in WINDOWS_S {
        let meaning = format!(
            "Flows between the same two ends to the same port, begun in the {window} s before this flow or the look-ahead after."
        );
        table.add(format!("pair_{window}s_flows"), "flows", meaning);
    }
    table.add(
        "pair_flows",
        "flows",
        "Flows between the same two ends to the same port so far, this one included.",
    );
    table.add("pair_gap_mean", "s", "Mean time between the starts of those flows.");
    table.add(
        "pair_gap_deviation",
        "1",
        "Standard deviation of those times over their mean; near 0 for a beacon.",
    );
    table.add(
        "pair_bytes_log_std",
        "1",
        "Deviation of log2(1 + payload bytes), as far as known, of those flows.",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_none_tells_who_or_when() {
        let mut seen = HashSet::new();
        for feature in FEATURES.iter() {
            assert!(seen.insert(&feature.name), "{} twice", feature.name);
            assert!(feature.meaning.ends_with('.'), "{}", feature.name);
            for word in ["address", "ttl", "timestamp", "_port_", "mac"] {
                assert!(!feature.name.contains(word), "{} may not be a feature", feature.name);
            }
        }
        assert_eq!(index_of("is_tcp"), Some(0));
        assert_eq!(index_of("no_such"), None);
    }

    #[test]
    fn a_vector_survives_its_wire_form() {
        let values: Vec<f32> = (0..FEATURES.len()).map(|n| n as f32 / 3.0).collect();
        let bytes = FeatureVector::pack(&values);
        assert_eq!(packed(&bytes, 5), Some(values[5]));
        assert_eq!(packed(&bytes, FEATURES.len()), None);
        assert_eq!(FeatureVector::unpack(&bytes), Some(FeatureVector(values)));
        assert_eq!(FeatureVector::unpack(&bytes[4..]), None);
    }
}
