//! Port scans and sweeps, from what the meter counted of the initiator around the flow's start.
//!
//! Two things must come together: the initiator tried many ports or hosts within a minute, and this flow itself looks like
//! a probe. So neither a busy client nor a resolver is called a scanner, and what a scanner does besides is judged by
//! itself. Peer-to-peer clients also try many hosts; each of these has a port of its own, while a scan has several ports
//! a host or several hosts a port.

use crate::detector::{Detector, Finding};
use crate::record::View;
use schema::features::index_of;
use schema::{FlowLayer, RuleHit, ThreatCategory};

/// The id of the port-scan rule.
pub const PORT_SCAN: &str = "flowcatcher-port-scan";
/// The id of the sweep rule.
pub const SWEEP: &str = "flowcatcher-sweep";

/// A TCP probe has at most so many packets, handshake and end included.
const TCP_PROBE_PACKETS_MAX: u64 = 10;
/// A probe of another protocol has at most so many packets, repetitions included.
const PROBE_PACKETS_MAX: u64 = 4;
/// Mean payload of the initiator's flows, bytes, below which nobody says anything.
const SILENT_BYTES: f32 = 8.0;
/// Mean payload of the initiator's flows, bytes, up to which they are small talk such as pings.
const SMALL_TALK_BYTES: f32 = 128.0;
/// Share of unanswered and reset flows from which most attempts fail.
const FAILED_SHARE: f32 = 0.5;
/// Flows a peer (port scan) or a port (sweep) from which a host searches rather than visits.
const DENSITY: f32 = 4.0;
/// More flows than that for every pair of port and peer are a flood, which is not this rule's to judge.
const REPEATS_MAX: f32 = 10.0;

/// Places of the features that are looked at.
struct Columns {
    flows: usize,
    ports: usize,
    peers: usize,
    unanswered: usize,
    reset: usize,
    bytes: usize,
}

/// Raises port scans and sweeps at a threshold.
pub(crate) struct ScanDetector {
    threshold: u32,
    columns: Columns,
}

impl ScanDetector {
    /// `threshold` is in distinct ports or hosts within 60 s.
    pub(crate) fn new(threshold: u32) -> Self {
        let at = |name: &str| {
            index_of(&format!("initiator_60s_{name}"))
                .expect("the feature table has initiators' windows of 60 s")
        };
        let columns = Columns {
            flows: at("flows"),
            ports: at("ports"),
            peers: at("peers"),
            unanswered: at("unanswered_share"),
            reset: at("reset_share"),
            bytes: at("bytes_mean"),
        };
        Self { threshold, columns }
    }

    fn finding(&self, id: &str, name: &str, count: f32, what: &str) -> Finding {
        let threshold = self.threshold;
        let clause = format!(
            "initiator tried {} distinct {what} in 60 s (threshold {})",
            grouped(count as u64),
            grouped(u64::from(threshold))
        );
        Finding {
            category: ThreatCategory::Reconnaissance,
            // 0.8 at the threshold, near 1 far beyond it.
            score: 1.0 - 0.2 * threshold as f32 / count,
            hit: RuleHit {
                id: id.into(),
                name: name.into(),
                category: ThreatCategory::Reconnaissance.into(),
                clauses: vec![clause, "this flow looks like a probe".into()],
            },
        }
    }
}

impl Detector for ScanDetector {
    fn inspect(&self, view: View<'_>) -> Option<Finding> {
        let at = &self.columns;
        let (ports, peers) = (view.feature(at.ports), view.feature(at.peers));
        let threshold = self.threshold as f32;
        // Absent values are NaN, which no comparison holds for.
        if !(ports >= threshold || peers >= threshold) || !is_probe(view) {
            return None;
        }
        let flows = view.feature(at.flows);
        if flows > REPEATS_MAX * ports * peers {
            return None;
        }
        let bytes = view.feature(at.bytes);
        let fails = view.feature(at.unanswered) + view.feature(at.reset) >= FAILED_SHARE;
        let searches = |others: f32| {
            bytes < SILENT_BYTES || (flows >= DENSITY * others && (fails || bytes <= SMALL_TALK_BYTES))
        };
        if ports >= threshold && ports >= peers && searches(peers) {
            return Some(self.finding(PORT_SCAN, "Port scan", ports, "ports"));
        }
        if peers >= threshold && searches(ports) {
            return Some(self.finding(SWEEP, "Sweep", peers, "hosts"));
        }
        (ports >= threshold && searches(peers)).then(|| self.finding(PORT_SCAN, "Port scan", ports, "ports"))
    }
}

fn is_probe(view: View<'_>) -> bool {
    let record = view.record();
    if record.part > 0 || record.ether_type != 0 || record.layer() == FlowLayer::Outer {
        return false;
    }
    let (packets, _) = view.totals();
    let answered = record.backward.as_ref().is_some_and(|traffic| traffic.packets > 0);
    match record.protocol {
        // The initiator never said anything: half-open, full connects, and odd flags alike. A banner is not its doing.
        TCP => {
            let (payload, flags) =
                record.forward.as_ref().map_or((0, 0), |forward| (forward.payload_bytes, forward.tcp_flags));
            let is_quiet = payload == 0 && packets <= TCP_PROBE_PACKETS_MAX;
            is_quiet && (answered || !is_backscatter(flags))
        }
        // Errors go to many hosts, too, when somebody else forged their addresses.
        ICMP => ICMP_QUERIES.contains(&record.source_port) && packets <= 2 * PROBE_PACKETS_MAX,
        ICMPV6 => ICMPV6_QUERIES.contains(&record.source_port) && packets <= 2 * PROBE_PACKETS_MAX,
        _ => !answered && packets <= PROBE_PACKETS_MAX,
    }
}

/// Flags of one who answers somebody that the sensor did not see: SYN with ACK, or RST.
fn is_backscatter(flags: u32) -> bool {
    flags & SYN_ACK == SYN_ACK || flags & RST != 0
}

const TCP: u32 = 6;
const ICMP: u32 = 1;
const ICMPV6: u32 = 58;
const SYN_ACK: u32 = 0x12;
const RST: u32 = 0x04;
/// Echo, timestamp, information and address mask requests.
const ICMP_QUERIES: [u32; 4] = [8, 13, 15, 17];
/// Echo and node information requests.
const ICMPV6_QUERIES: [u32; 2] = [128, 139];

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use schema::{FlowRecord, Traffic};

    /// The initiator's minute: flows, ports, peers, unanswered share, reset share, mean payload bytes.
    type Minute = [f32; 6];

    fn seen(minute: Minute) -> FlowRecord {
        let names = ["flows", "ports", "peers", "unanswered_share", "reset_share", "bytes_mean"];
        let names = names.map(|name| format!("initiator_60s_{name}"));
        let pairs: Vec<(&str, f32)> = names.iter().map(String::as_str).zip(minute).collect();
        record(&pairs)
    }

    fn traffic(packets: u64, payload_bytes: u64) -> Traffic {
        Traffic { packets, payload_bytes, ..Traffic::default() }
    }

    fn flow(protocol: u32, forward: (u64, u64), backward: (u64, u64), minute: Minute) -> FlowRecord {
        FlowRecord {
            protocol,
            source_port: if protocol == ICMP { 8 } else { 40_000 },
            forward: Some(traffic(forward.0, forward.1)),
            backward: Some(traffic(backward.0, backward.1)),
            ..seen(minute)
        }
    }

    fn check(what: &str, record: &FlowRecord, wanted: Option<&str>) {
        let view = View::new(record).expect("ours");
        let found = ScanDetector::new(100).inspect(view);
        assert_eq!(found.as_ref().map(|finding| finding.hit.id.as_str()), wanted, "{what}: {found:?}");
    }

    const PORTS: Minute = [1000.0, 1000.0, 1.0, 0.1, 0.9, 0.0];
    const HOSTS: Minute = [254.0, 1.0, 254.0, 0.9, 0.0, 0.0];

    #[test]
    fn probes_of_a_scanner_are_scans() {
        check("half-open, closed", &flow(TCP, (1, 0), (1, 0), PORTS), Some(PORT_SCAN));
        check("half-open, open", &flow(TCP, (2, 0), (1, 0), PORTS), Some(PORT_SCAN));
        check("filtered", &flow(TCP, (1, 0), (0, 0), PORTS), Some(PORT_SCAN));
        check("full connect with banner", &flow(TCP, (4, 0), (3, 40), PORTS), Some(PORT_SCAN));
        check("UDP", &flow(17, (1, 0), (0, 0), PORTS), Some(PORT_SCAN));
        check("TCP sweep", &flow(TCP, (1, 0), (0, 0), HOSTS), Some(SWEEP));
        check("ping sweep", &flow(ICMP, (1, 56), (1, 56), [254.0, 1.0, 254.0, 0.2, 0.0, 112.0]), Some(SWEEP));
        check(
            "many ports of many hosts",
            &flow(TCP, (1, 0), (1, 0), [9e3, 99.0, 254.0, 0.2, 0.8, 3.0]),
            Some(SWEEP),
        );
        check("random pairs", &flow(TCP, (1, 0), (0, 0), [5e3, 4e3, 4e3, 1.0, 0.0, 0.0]), Some(PORT_SCAN));
        check(
            "at the threshold",
            &flow(TCP, (1, 0), (1, 0), [100.0, 100.0, 1.0, 0.0, 1.0, 0.0]),
            Some(PORT_SCAN),
        );
    }

    #[test]
    fn others_are_not() {
        check("below the threshold", &flow(TCP, (1, 0), (1, 0), [99.0, 99.0, 1.0, 0.0, 1.0, 0.0]), None);
        check("a scanner's other flows", &flow(TCP, (20, 900), (30, 9000), PORTS), None);
        check("a scanner's request", &flow(TCP, (4, 80), (3, 400), PORTS), None);
        check("a later part", &FlowRecord { part: 1, ..flow(TCP, (1, 0), (0, 0), PORTS) }, None);
        let browser = [300.0, 3.0, 120.0, 0.05, 0.05, 9e4];
        check("a browser's failed attempt", &flow(TCP, (3, 0), (0, 0), browser), None);
        let resolver = [2000.0, 1.0, 300.0, 0.1, 0.0, 220.0];
        check("a resolver's lost query", &flow(17, (1, 40), (0, 0), resolver), None);
        let peer_to_peer = [400.0, 350.0, 390.0, 0.6, 0.1, 100.0];
        check("peer to peer", &flow(17, (1, 100), (0, 0), peer_to_peer), None);
        let backscatter = |protocol, type_or_port, tcp_flags| FlowRecord {
            source_port: type_or_port,
            forward: Some(Traffic { packets: 1, tcp_flags, ..Traffic::default() }),
            backward: None,
            ..flow(protocol, (1, 0), (0, 0), HOSTS)
        };
        check("errors to forged sources", &backscatter(ICMP, 3, 0), None);
        check("answers to forged sources", &backscatter(TCP, 80, 0x12), None);
        check("resets to forged sources", &backscatter(TCP, 80, 0x14), None);
        check("an acknowledgement scan", &backscatter(TCP, 80, 0x10), Some(SWEEP));
        let flood = [2e6, 6e4, 1.0, 1.0, 0.0, 0.0];
        check("a flood of random ports", &flow(TCP, (1, 0), (0, 0), flood), None);
        check("no context", &flow(TCP, (1, 0), (0, 0), [f32::NAN; 6]), None);
    }

    #[test]
    fn a_finding_says_why() {
        let record = flow(TCP, (1, 0), (1, 0), PORTS);
        let found = ScanDetector::new(100).inspect(View::new(&record).expect("ours")).expect("a scan");
        assert_eq!(found.hit.clauses[0], "initiator tried 1,000 distinct ports in 60 s (threshold 100)");
        assert_eq!((found.category, found.score), (ThreatCategory::Reconnaissance, 0.98));
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
    }
}
