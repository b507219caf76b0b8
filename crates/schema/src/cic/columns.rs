//! The columns of `CICFlowMeter`, in its order, as each of its dialects names them, and the feature that each one is.
//!
//! Sources: the header lines of CICIDS2017, CSE-CIC-IDS2018 and CIC-Darknet2020 and of the Java and Python programs.

/// A number of a flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Names in the order of [`super::Dialect`]; empty where a dialect has no such column.
    pub names: [&'static str; 4],
    /// Our feature with the same meaning.
    pub feature: &'static str,
    /// From the column's unit to ours: its times are microseconds, ours seconds.
    pub factor: f64,
}

const fn number(
    cic: &'static str,
    cic2017: &'static str,
    cic2018: &'static str,
    python: &'static str,
    feature: &'static str,
    factor: f64,
) -> Column {
    Column { names: [cic, cic2017, cic2018, python], feature, factor }
}

/// The columns before the numbers, in the order of [`super::Dialect`].
pub(super) const IDENTITIES: [[&str; 4]; 7] = [
    ["Flow ID", "Flow ID", "Flow ID", ""],
    ["Src IP", "Source IP", "Src IP", "src_ip"],
    ["Src Port", "Source Port", "Src Port", "src_port"],
    ["Dst IP", "Destination IP", "Dst IP", "dst_ip"],
    ["Dst Port", "Destination Port", "Dst Port", "dst_port"],
    ["Protocol", "Protocol", "Protocol", "protocol"],
    ["Timestamp", "Timestamp", "Timestamp", "timestamp"],
];

/// The numbers of a flow, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 76] = [
    number("Flow Duration", "Flow Duration", "Flow Duration", "flow_duration", "duration", 1e-6),
    number("Total Fwd Packet", "Total Fwd Packets", "Tot Fwd Pkts", "tot_fwd_pkts", "fwd_packets", 1.0),
    number("Total Bwd packets", "Total Backward Packets", "Tot Bwd Pkts", "tot_bwd_pkts", "bwd_packets", 1.0),
    number("Total Length of Fwd Packet", "Total Length of Fwd Packets", "TotLen Fwd Pkts", "totlen_fwd_pkts", "fwd_payload_bytes", 1.0),
    number("Total Length of Bwd Packet", "Total Length of Bwd Packets", "TotLen Bwd Pkts", "totlen_bwd_pkts", "bwd_payload_bytes", 1.0),
    number("Fwd Packet Length Max", "Fwd Packet Length Max", "Fwd Pkt Len Max", "fwd_pkt_len_max", "fwd_payload_max", 1.0),
    number("Fwd Packet Length Min", "Fwd Packet Length Min", "Fwd Pkt Len Min", "fwd_pkt_len_min", "fwd_payload_min", 1.0),
    number("Fwd Packet Length Mean", "Fwd Packet Length Mean", "Fwd Pkt Len Mean", "fwd_pkt_len_mean", "fwd_payload_mean", 1.0),
    number("Fwd Packet Length Std", "Fwd Packet Length Std", "Fwd Pkt Len Std", "fwd_pkt_len_std", "fwd_payload_std", 1.0),
    number("Bwd Packet Length Max", "Bwd Packet Length Max", "Bwd Pkt Len Max", "bwd_pkt_len_max", "bwd_payload_max", 1.0),
    number("Bwd Packet Length Min", "Bwd Packet Length Min", "Bwd Pkt Len Min", "bwd_pkt_len_min", "bwd_payload_min", 1.0),
    number("Bwd Packet Length Mean", "Bwd Packet Length Mean", "Bwd Pkt Len Mean", "bwd_pkt_len_mean", "bwd_payload_mean", 1.0),
    number("Bwd Packet Length Std", "Bwd Packet Length Std", "Bwd Pkt Len Std", "bwd_pkt_len_std", "bwd_payload_std", 1.0),
    number("Flow Bytes/s", "Flow Bytes/s", "Flow Byts/s", "flow_byts_s", "payload_bytes_per_s", 1.0),
    number("Flow Packets/s", "Flow Packets/s", "Flow Pkts/s", "flow_pkts_s", "packets_per_s", 1.0),
    number("Flow IAT Mean", "Flow IAT Mean", "Flow IAT Mean", "flow_iat_mean", "gap_mean", 1e-6),
    number("Flow IAT Std", "Flow IAT Std", "Flow IAT Std", "flow_iat_std", "gap_std", 1e-6),
    number("Flow IAT Max", "Flow IAT Max", "Flow IAT Max", "flow_iat_max", "gap_max", 1e-6),
    number("Flow IAT Min", "Flow IAT Min", "Flow IAT Min", "flow_iat_min", "gap_min", 1e-6),
    number("Fwd IAT Total", "Fwd IAT Total", "Fwd IAT Tot", "fwd_iat_tot", "fwd_gap_total", 1e-6),
    number("Fwd IAT Mean", "Fwd IAT Mean", "Fwd IAT Mean", "fwd_iat_mean", "fwd_gap_mean", 1e-6),
    number("Fwd IAT Std", "Fwd IAT Std", "Fwd IAT Std", "fwd_iat_std", "fwd_gap_std", 1e-6),
    number("Fwd IAT Max", "Fwd IAT Max", "Fwd IAT Max", "fwd_iat_max", "fwd_gap_max", 1e-6),
    number("Fwd IAT Min", "Fwd IAT Min", "Fwd IAT Min", "fwd_iat_min", "fwd_gap_min", 1e-6),
    number("Bwd IAT Total", "Bwd IAT Total", "Bwd IAT Tot", "bwd_iat_tot", "bwd_gap_total", 1e-6),
    number("Bwd IAT Mean", "Bwd IAT Mean", "Bwd IAT Mean", "bwd_iat_mean", "bwd_gap_mean", 1e-6),
    number("Bwd IAT Std", "Bwd IAT Std", "Bwd IAT Std", "bwd_iat_std", "bwd_gap_std", 1e-6),
    number("Bwd IAT Max", "Bwd IAT Max", "Bwd IAT Max", "bwd_iat_max", "bwd_gap_max", 1e-6),
    number("Bwd IAT Min", "Bwd IAT Min", "Bwd IAT Min", "bwd_iat_min", "bwd_gap_min", 1e-6),
    number("Fwd PSH Flags", "Fwd PSH Flags", "Fwd PSH Flags", "fwd_psh_flags", "fwd_psh_count", 1.0),
    number("Bwd PSH Flags", "Bwd PSH Flags", "Bwd PSH Flags", "bwd_psh_flags", "bwd_psh_count", 1.0),
    number("Fwd URG Flags", "Fwd URG Flags", "Fwd URG Flags", "fwd_urg_flags", "fwd_urg_count", 1.0),
    number("Bwd URG Flags", "Bwd URG Flags", "Bwd URG Flags", "bwd_urg_flags", "bwd_urg_count", 1.0),
    number("Fwd Header Length", "Fwd Header Length", "Fwd Header Len", "fwd_header_len", "fwd_header_bytes", 1.0),
    number("Bwd Header Length", "Bwd Header Length", "Bwd Header Len", "bwd_header_len", "bwd_header_bytes", 1.0),
    number("Fwd Packets/s", "Fwd Packets/s", "Fwd Pkts/s", "fwd_pkts_s", "fwd_packets_per_s", 1.0),
    number("Bwd Packets/s", "Bwd Packets/s", "Bwd Pkts/s", "bwd_pkts_s", "bwd_packets_per_s", 1.0),
    number("Packet Length Min", "Min Packet Length", "Pkt Len Min", "pkt_len_min", "payload_min", 1.0),
    number("Packet Length Max", "Max Packet Length", "Pkt Len Max", "pkt_len_max", "payload_max", 1.0),
    number("Packet Length Mean", "Packet Length Mean", "Pkt Len Mean", "pkt_len_mean", "payload_mean", 1.0),
    number("Packet Length Std", "Packet Length Std", "Pkt Len Std", "pkt_len_std", "payload_std", 1.0),
    number("Packet Length Variance", "Packet Length Variance", "Pkt Len Var", "pkt_len_var", "payload_variance", 1.0),
    number("FIN Flag Count", "FIN Flag Count", "FIN Flag Cnt", "fin_flag_cnt", "fin_count", 1.0),
    number("SYN Flag Count", "SYN Flag Count", "SYN Flag Cnt", "syn_flag_cnt", "syn_count", 1.0),
    number("RST Flag Count", "RST Flag Count", "RST Flag Cnt", "rst_flag_cnt", "rst_count", 1.0),
    number("PSH Flag Count", "PSH Flag Count", "PSH Flag Cnt", "psh_flag_cnt", "psh_count", 1.0),
    number("ACK Flag Count", "ACK Flag Count", "ACK Flag Cnt", "ack_flag_cnt", "ack_count", 1.0),
    number("URG Flag Count", "URG Flag Count", "URG Flag Cnt", "urg_flag_cnt", "urg_count", 1.0),
    number("CWR Flag Count", "CWE Flag Count", "CWE Flag Count", "", "cwr_count", 1.0),
    number("ECE Flag Count", "ECE Flag Count", "ECE Flag Cnt", "ece_flag_cnt", "ece_count", 1.0),
    number("Down/Up Ratio", "Down/Up Ratio", "Down/Up Ratio", "down_up_ratio", "down_up_ratio", 1.0),
    number("Average Packet Size", "Average Packet Size", "Pkt Size Avg", "pkt_size_avg", "payload_mean", 1.0),
    number("Fwd Segment Size Avg", "Avg Fwd Segment Size", "Fwd Seg Size Avg", "", "fwd_payload_mean", 1.0),
    number("Bwd Segment Size Avg", "Avg Bwd Segment Size", "Bwd Seg Size Avg", "", "bwd_payload_mean", 1.0),
    number("Fwd Bytes/Bulk Avg", "Fwd Avg Bytes/Bulk", "Fwd Byts/b Avg", "fwd_byts_b_avg", "fwd_bulk_bytes", 1.0),
    number("Fwd Packet/Bulk Avg", "Fwd Avg Packets/Bulk", "Fwd Pkts/b Avg", "fwd_pkts_b_avg", "fwd_bulk_packets", 1.0),
    number("Fwd Bulk Rate Avg", "Fwd Avg Bulk Rate", "Fwd Blk Rate Avg", "fwd_blk_rate_avg", "fwd_bulk_rate", 1.0),
    number("Bwd Bytes/Bulk Avg", "Bwd Avg Bytes/Bulk", "Bwd Byts/b Avg", "bwd_byts_b_avg", "bwd_bulk_bytes", 1.0),
    number("Bwd Packet/Bulk Avg", "Bwd Avg Packets/Bulk", "Bwd Pkts/b Avg", "bwd_pkts_b_avg", "bwd_bulk_packets", 1.0),
    number("Bwd Bulk Rate Avg", "Bwd Avg Bulk Rate", "Bwd Blk Rate Avg", "bwd_blk_rate_avg", "bwd_bulk_rate", 1.0),
    number("Subflow Fwd Packets", "Subflow Fwd Packets", "Subflow Fwd Pkts", "", "subflow_fwd_packets", 1.0),
    number("Subflow Fwd Bytes", "Subflow Fwd Bytes", "Subflow Fwd Byts", "", "subflow_fwd_bytes", 1.0),
    number("Subflow Bwd Packets", "Subflow Bwd Packets", "Subflow Bwd Pkts", "", "subflow_bwd_packets", 1.0),
    number("Subflow Bwd Bytes", "Subflow Bwd Bytes", "Subflow Bwd Byts", "", "subflow_bwd_bytes", 1.0),
    number("FWD Init Win Bytes", "Init_Win_bytes_forward", "Init Fwd Win Byts", "init_fwd_win_byts", "fwd_initial_window", 1.0),
    number("Bwd Init Win Bytes", "Init_Win_bytes_backward", "Init Bwd Win Byts", "init_bwd_win_byts", "bwd_initial_window", 1.0),
    number("Fwd Act Data Pkts", "act_data_pkt_fwd", "Fwd Act Data Pkts", "fwd_act_data_pkts", "fwd_data_packets", 1.0),
    number("Fwd Seg Size Min", "min_seg_size_forward", "Fwd Seg Size Min", "fwd_seg_size_min", "fwd_header_min", 1.0),
    number("Active Mean", "Active Mean", "Active Mean", "active_mean", "active_mean", 1e-6),
    number("Active Std", "Active Std", "Active Std", "active_std", "active_std", 1e-6),
    number("Active Max", "Active Max", "Active Max", "active_max", "active_max", 1e-6),
    number("Active Min", "Active Min", "Active Min", "active_min", "active_min", 1e-6),
    number("Idle Mean", "Idle Mean", "Idle Mean", "idle_mean", "idle_mean", 1e-6),
    number("Idle Std", "Idle Std", "Idle Std", "idle_std", "idle_std", 1e-6),
    number("Idle Max", "Idle Max", "Idle Max", "idle_max", "idle_max", 1e-6),
    number("Idle Min", "Idle Min", "Idle Min", "idle_min", "idle_min", 1e-6),
];
