//! What a capture's flows truly are: the table beside it, and how metered flows find their line in it.

use schema::FlowRecord;
use std::collections::HashMap;
use std::net::IpAddr;

/// How far apart in time a flow and its line may lie, nanoseconds.
const SLACK_NS: i64 = 1_000_000_000;
const COLUMNS: [&str; 8] = ["t0", "t1", "proto", "src", "sport", "dst", "dport", "label"];

/// Both ends in order, and the protocol.
type Ends = (u8, (IpAddr, u16), (IpAddr, u16));

/// One conversation and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRow {
    /// Name of its label.
    pub label: String,
    /// Whether it is part of an attack.
    pub is_attack: bool,
    start_ns: i64,
    end_ns: i64,
}

/// The conversations of one capture.
#[derive(Debug, Default)]
pub struct Truth {
    rows: Vec<TruthRow>,
    by_ends: HashMap<Ends, Vec<usize>>,
}

impl Truth {
    /// Reads the text of a table: CSV with a head line that names at least `t0,t1,proto,src,sport,dst,dport,label` and
    /// `malicious`, in any order; no cell is quoted. Lines of protocols without a number are left out.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate();
        let (_, head) = lines.next().ok_or("it is empty; wanted is a head line and a line a flow")?;
        let head: Vec<&str> = head.split(',').map(str::trim).collect();
        let place = |name: &str| {
            head.iter().position(|cell| *cell == name).ok_or_else(|| format!("it has no column {name:?}"))
        };
        let mut places = [0; COLUMNS.len()];
        for (at, name) in COLUMNS.iter().enumerate() {
            places[at] = place(name)?;
        }
        let malicious = place("malicious")?;
        let mut truth = Self::default();
        for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
            let row = places.map(cell);
            truth.add(row, cell(malicious)).map_err(|reason| format!("line {}: {reason}", at + 1))?;
        }
        Ok(truth)
    }

    fn add(&mut self, row: [&str; COLUMNS.len()], malicious: &str) -> Result<(), String> {
        let [start, end, protocol, source, source_port, destination, destination_port, label] = row;
        let Some(mut protocol) = protocol_number(protocol) else { return Ok(()) };
        let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is no port"));
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| format!("{text:?} is no address"));
        let is_attack = match malicious {
            "0" => false,
            "1" => true,
            other => return Err(format!("malicious is {other:?}, wanted is 0 or 1")),
        };
        let from = (address(source)?, port(source_port)?);
        let to = (address(destination)?, port(destination_port)?);
        if protocol == HOP_BY_HOP && from.0.is_ipv6() {
            protocol = ICMPV6;
        }
        let (start_ns, end_ns) = (nanoseconds(start)?, nanoseconds(end)?);
        self.by_ends.entry(ends(protocol, from, to)).or_default().push(self.rows.len());
        self.rows.push(TruthRow { label: label.to_owned(), is_attack, start_ns, end_ns });
        Ok(())
    }

    /// The line of a metered flow: same ends either way round, overlapping in time, the nearest start.
    #[must_use]
    pub fn of_record(&self, record: &FlowRecord) -> Option<(usize, &TruthRow)> {
        let source = schema::ids::address(&record.source_ip)?;
        let destination = schema::ids::address(&record.destination_ip)?;
        let (from, to) = (record.source_port as u16, record.destination_port as u16);
        let key = ends(record.protocol as u8, (source, from), (destination, to));
        self.nearest(&key, record.start_ns, record.end_ns)
    }

    /// The line of a packet at a time.
    #[must_use]
    pub fn of_packet(
        &self,
        protocol: u8,
        source: (IpAddr, u16),
        destination: (IpAddr, u16),
        ts_ns: i64,
    ) -> Option<(usize, &TruthRow)> {
        self.nearest(&ends(protocol, source, destination), ts_ns, ts_ns)
    }

    fn nearest(&self, key: &Ends, start_ns: i64, end_ns: i64) -> Option<(usize, &TruthRow)> {
        let overlaps = |row: &TruthRow| {
            row.start_ns <= end_ns.saturating_add(SLACK_NS) && row.end_ns >= start_ns.saturating_sub(SLACK_NS)
        };
        let rows = self.by_ends.get(key)?.iter().map(|&at| (at, &self.rows[at]));
        rows.filter(|(_, row)| overlaps(row)).min_by_key(|(_, row)| row.start_ns.abs_diff(start_ns))
    }

    /// All lines kept.
    #[must_use]
    pub fn rows(&self) -> &[TruthRow] {
        &self.rows
    }
}

/// Ports tell conversations apart only where the protocol has them.
fn ends(protocol: u8, mut from: (IpAddr, u16), mut to: (IpAddr, u16)) -> Ends {
    if !matches!(protocol, 6 | 17 | 132) {
        (from.1, to.1) = (0, 0);
    }
    if from <= to { (protocol, from, to) } else { (protocol, to, from) }
}

/// What stands for ARP: a record of it has protocol 0.
const ARP: u8 = 0;
/// IPv6's first extension header. A table made without a look behind it has its number for the protocol; what comes behind
/// it on a link are reports of multicast listeners (RFC 3810).
const HOP_BY_HOP: u8 = 0;
const ICMPV6: u8 = 58;

fn protocol_number(name: &str) -> Option<u8> {
    match name {
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmp" => Some(1),
        "icmp6" => Some(58),
        "gre" => Some(47),
        "sctp" => Some(132),
        "arp" => Some(ARP),
        number => number.parse().ok(),
    }
}

/// Seconds with up to nine decimals as nanoseconds, without a detour over floating point.
fn nanoseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no time in seconds");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 9 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let fraction: i64 = format!("{decimals:0<9}").parse().map_err(|_| wrong())?;
    whole.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(fraction)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "t0,t1,proto,src,sport,dst,dport,label,malicious\n\
        100.5,103.0,tcp,10.0.0.1,1000,10.0.0.2,80,web,0\n\
        110,112,tcp,10.0.0.1,1000,10.0.0.2,80,scan,1\n\
        100,101,icmp,10.0.0.1,0,10.0.0.2,0,ping,0\n\
        100,101,arp,10.0.0.1,0,10.0.0.2,0,support,0\n\
        100,101,0,::,0,ff02::16,0,support,0\n";

    fn record(protocol: u32, from: ([u8; 4], u32), to: ([u8; 4], u32), seconds: (i64, i64)) -> FlowRecord {
        FlowRecord {
            protocol,
            source_ip: from.0.to_vec(),
            source_port: from.1,
            destination_ip: to.0.to_vec(),
            destination_port: to.1,
            start_ns: seconds.0 * 1_000_000_000,
            end_ns: seconds.1 * 1_000_000_000,
            ..FlowRecord::default()
        }
    }

    #[test]
    fn flows_find_their_line() {
        const A: [u8; 4] = [10, 0, 0, 1];
        const B: [u8; 4] = [10, 0, 0, 2];
        let truth = Truth::parse(TABLE).expect("a table");
        assert_eq!(truth.rows().len(), 5);
        let check = |record: &FlowRecord, expected: Option<&str>| {
            let found = truth.of_record(record).map(|(_, row)| row.label.as_str());
            assert_eq!(found, expected, "{record:?}");
        };
        check(&record(6, (A, 1000), (B, 80), (101, 102)), Some("web"));
        check(&record(6, (B, 80), (A, 1000), (101, 102)), Some("web"));
        check(&record(6, (A, 1000), (B, 80), (104, 105)), Some("web"));
        check(&record(6, (A, 1000), (B, 80), (105, 106)), None);
        check(&record(6, (A, 1000), (B, 80), (109, 110)), Some("scan"));
        check(&record(6, (A, 1001), (B, 80), (101, 102)), None);
        check(&record(17, (A, 1000), (B, 80), (101, 102)), None);
        check(&record(1, (B, 8), (A, 0), (100, 100)), Some("ping"));
        check(&record(0, (B, 0), (A, 0), (100, 100)), Some("support"));
        let mut report = record(58, (A, 143), (B, 0), (100, 100));
        report.source_ip = vec![0; 16];
        report.destination_ip = [&[0xff, 2][..], &[0; 13], &[0x16]].concat();
        check(&report, Some("support"));
    }

    #[test]
    fn wrong_lines_are_named() {
        let check = |from: &str, to: &str, expected: &str| {
            let reason = Truth::parse(&TABLE.replacen(from, to, 1)).expect_err(to);
            assert!(reason.contains(expected), "{reason}");
        };
        check("dport", "port", "no column \"dport\"");
        check("web,0", "web,2", "line 2: malicious is \"2\"");
        check("112,tcp,10.0.0.1", "112,tcp,here", "line 3: \"here\" is no address");
        check("100.5,", "1e5,", "line 2: \"1e5\" is no time");
        check(",80,scan", ",80000,scan", "line 3: \"80000\" is no port");
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(nanoseconds("1795384320.796970"), Ok(1_795_384_320_796_970_000));
        assert_eq!(nanoseconds("5"), Ok(5_000_000_000));
        assert!(nanoseconds("99999999999999999").is_err());
    }
}
