//! The report for people.

use super::collect::Found;
use super::sparkline::sparkline;
use super::summary::{Count, Summary};
use crate::input::Outcome;
use schema::document::rfc3339;
use schema::{Threat, ThreatCategory};
use std::io::{self, Write};
use std::net::IpAddr;

const TOP_SOURCES: usize = 10;
const COLUMNS: usize = 60;
/// Addresses shown of a threat.
const ADDRESSES_SHOWN: usize = 8;
/// Threats shown whole.
const THREATS_SHOWN: usize = 20;

/// Writes the report.
pub(crate) fn write_text(out: &mut dyn Write, outcome: &Outcome, found: &Found) -> io::Result<()> {
    files(out, outcome)?;
    let summary = &found.summary;
    totals(out, summary)?;
    shares(out, "Protocols", &summary.transports(), summary.total.packets)?;
    shares(out, "Applications", &summary.applications(), summary.total.packets)?;
    shares(out, "Traffic classes", &summary.classes(), summary.total.packets)?;
    sources(out, summary)?;
    let threats = found.threats();
    scans(out, &threats)?;
    all_threats(out, &threats)
}

fn files(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    for read in &outcome.captures {
        let flows: u64 = read.counters.ended.iter().sum();
        writeln!(out, "{}: {} packets, {flows} flows", clean(&read.name), read.counters.packets)?;
        if let Some(warning) = &read.warning {
            writeln!(out, "  warning: {}", clean(warning))?;
        }
    }
    for refused in &outcome.refused {
        writeln!(out, "not read: {}", clean(refused))?;
    }
    for (reason, count) in outcome.skipped() {
        writeln!(out, "in no flow: {count} packets ({reason})")?;
    }
    Ok(())
}

fn totals(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let Count { flows, packets, bytes } = summary.total;
    writeln!(out, "\nTotals\n  {flows} flows, {packets} packets, {}", size(bytes))?;
    if let (Some(first), Some(last)) = (summary.first_ns, summary.last_ns) {
        let seconds = (last - first) as f64 * 1e-9;
        writeln!(out, "  {} to {} ({seconds:.1} s)", rfc3339(first), rfc3339(last))?;
        let rates = summary.course.rates(COLUMNS);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        writeln!(out, "  packets/s {} up to {highest:.0}", sparkline(&rates))?;
    }
    writeln!(out, "  {} flows abnormal by policy, {} uncertain", summary.abnormal, summary.uncertain)
}

fn shares(out: &mut dyn Write, title: &str, counts: &[(String, Count)], packets: u64) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    for (name, count) in counts {
        let share = count.packets as f64 * 100.0 / packets.max(1) as f64;
        let Count { flows, packets, bytes } = *count;
        writeln!(
            out,
            "  {:<16} {share:5.1} % {packets:>10} packets {flows:>9} flows {:>10}",
            clean(name),
            size(bytes)
        )?;
    }
    Ok(())
}

fn sources(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "\nTop sources")?;
    for (address, count) in summary.top_sources(TOP_SOURCES) {
        let Count { flows, packets, bytes } = count;
        writeln!(out, "  {address:<40} {packets:>10} packets {flows:>9} flows {:>10}", size(bytes))?;
    }
    if summary.sources_beyond > 0 {
        writeln!(
            out,
            "  and {} flows of further sources that were not counted by name",
            summary.sources_beyond
        )?;
    }
    Ok(())
}

/// The findings of scan detection, apart from the rest, for many look for just these.
fn scans(out: &mut dyn Write, threats: &[std::sync::Arc<Threat>]) -> io::Result<()> {
    writeln!(out, "\nScans")?;
    let mut any = false;
    for threat in threats.iter().filter(|threat| threat.category() == ThreatCategory::Reconnaissance) {
        any = true;
        writeln!(out, "  {}: {}", subject(threat), threat.reasons.first().map_or("", |reason| reason))?;
    }
    if any { Ok(()) } else { writeln!(out, "  none") }
}

fn all_threats(out: &mut dyn Write, threats: &[std::sync::Arc<Threat>]) -> io::Result<()> {
    writeln!(out, "\nThreats: {}", threats.len())?;
    for threat in threats.iter().take(THREATS_SHOWN) {
        one_threat(out, threat)?;
    }
    if threats.len() > THREATS_SHOWN {
        writeln!(out, "\n  and {} more; --format json has all", threats.len() - THREATS_SHOWN)?;
    }
    Ok(())
}

fn one_threat(out: &mut dyn Write, threat: &Threat) -> io::Result<()> {
    let info = threat.category().info();
    let role = if threat.subject_is_victim { "against" } else { "by" };
    writeln!(
        out,
        "\n  [{:>3}] {} {role} {} ({} flows)",
        threat.severity,
        info.title,
        subject(threat),
        threat.flows
    )?;
    writeln!(out, "        {}", info.explanation)?;
    let seconds = (threat.end_ns - threat.start_ns) as f64 * 1e-9;
    writeln!(out, "        from {} for {seconds:.1} s", rfc3339(threat.start_ns))?;
    let shown: Vec<String> =
        addresses(threat).take(ADDRESSES_SHOWN).map(|address| address.to_string()).collect();
    let more = threat.related_ips_total.saturating_sub(shown.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    writeln!(out, "        addresses: {}{more}", shown.join(", "))?;
    let techniques: Vec<&str> = info.techniques.iter().map(|technique| technique.id).collect();
    if !techniques.is_empty() {
        writeln!(out, "        ATT&CK: {}", techniques.join(", "))?;
    }
    for reason in &threat.reasons {
        writeln!(out, "        because {}", clean(reason))?;
    }
    for action in info.actions {
        writeln!(out, "        do: {action}")?;
    }
    Ok(())
}

fn addresses(threat: &Threat) -> impl Iterator<Item = IpAddr> {
    threat.related_ips.iter().filter_map(|bytes| schema::ids::address(bytes))
}

fn subject(threat: &Threat) -> String {
    schema::ids::address(&threat.subject_ip).map_or_else(|| "?".to_owned(), |ip| ip.to_string())
}

/// Captured text may hold escape codes: a terminal gets none.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hostile_text() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(clean("a\x1b[31mb"), "a\u{fffd}[31mb");
    }
}
