//! `flowcatcher packets`: one CSV line a packet.

use crate::cli::{Cli, Packets};
use crate::exit::Done;
use crate::{input, output, setup};
use flow_meter::{ARP, Decoded, Frame, MeterCounters, Packet, SkipReason, address, decode, protocol};
use schema::document::rfc3339;
use schema::protocol::ProtocolNames;
use std::io::Write as _;

const HEADER: &str = "time,wire_len,ip_len,payload_len,source_ip,source_port,destination_ip,destination_port,\
                      protocol,protocol_name,service,tcp_flags,vlan,skipped";
const ETHER_TYPE_ARP: u16 = 0x0806;
/// TCP flag letters, lowest bit first.
const FLAGS: [char; 8] = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'];

pub(super) fn run(cli: &Cli, packets: &Packets) -> anyhow::Result<Done> {
    let loaded = setup::load(cli, Vec::new())?;
    setup::start_quiet_log(&loaded)?;
    let names = setup::protocol_names(&loaded.settings)?;
    let mut out = output::open(packets.output.as_deref())?;
    writeln!(out, "{HEADER}")?;
    let (mut line, mut outer) = (Vec::new(), Vec::new());
    let files = std::slice::from_ref(&packets.file);
    let outcome = input::each_capture(files, |mut capture, _bar| {
        let mut counters = MeterCounters::default();
        let each = |frame: &Frame<'_>| {
            counters.packets += 1;
            let decoded = decode(frame, &mut outer);
            if let Decoded::Skip(reason) = decoded {
                counters.skipped[reason as usize] += 1;
            }
            line.clear();
            write_packet(frame, &decoded, &names, &mut line);
            Ok(out.write_all(&line)?)
        };
        let warning = input::each_frame(&mut capture, each)?;
        Ok(Some(input::Read { name: capture.name().to_owned(), capture: capture.id(), counters, warning }))
    })?;
    out.flush()?;
    outcome.done()
}

fn write_packet(frame: &Frame<'_>, decoded: &Decoded, names: &ProtocolNames, line: &mut Vec<u8>) {
    let cells = match decoded {
        Decoded::Packet(packet) => packet_cells(frame, packet, names),
        Decoded::Skip(reason) => skipped_cells(frame, *reason),
    };
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        output::csv_cell(cell, line);
    }
    line.push(b'\n');
}

fn packet_cells(frame: &Frame<'_>, packet: &Packet, names: &ProtocolNames) -> Vec<String> {
    let has_ports = packet.version != ARP && !matches!(packet.protocol, protocol::ICMP | protocol::ICMPV6);
    let service = |port| names.service(packet.protocol, port);
    let service =
        has_ports.then(|| service(packet.destination_port).or_else(|| service(packet.source_port))).flatten();
    let arp = packet.version == ARP;
    let name = if arp { names.ether(ETHER_TYPE_ARP) } else { names.ip(packet.protocol) };
    let flags = packet.tcp.map(|tcp| {
        let set = |(bit, letter): (usize, &char)| (tcp.flags >> bit & 1 == 1).then_some(*letter);
        FLAGS.iter().enumerate().filter_map(set).collect()
    });
    let vlan: Vec<String> = packet.vlan.iter().filter(|id| **id != 0).map(ToString::to_string).collect();
    vec![
        rfc3339(frame.ts_ns).to_string(),
        packet.wire_len.to_string(),
        packet.ip_len.to_string(),
        packet.payload_len.to_string(),
        address(packet.source, packet.version).to_string(),
        packet.source_port.to_string(),
        address(packet.destination, packet.version).to_string(),
        packet.destination_port.to_string(),
        if arp { String::new() } else { packet.protocol.to_string() },
        name.unwrap_or_default().to_owned(),
        service.unwrap_or_default().to_owned(),
        flags.unwrap_or_default(),
        vlan.join(" "),
        String::new(),
    ]
}

fn skipped_cells(frame: &Frame<'_>, reason: SkipReason) -> Vec<String> {
    let mut cells = vec![String::new(); HEADER.split(',').count()];
    cells[0] = rfc3339(frame.ts_ns).to_string();
    cells[1] = frame.wire_len.to_string();
    if let Some(last) = cells.last_mut() {
        reason.name().clone_into(last);
    }
    cells
}
