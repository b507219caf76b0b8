//! Rows of single packets: what the classic packet bundle is fitted on.

use super::truth::Truth;
use crate::gbdt::Random;
use detect::Column;
use detect::manifest::PACKET_COLUMNS;
use flow_meter::{Decoded, Frame, decode, protocol};

/// Packets kept of one label in one capture; a random choice where there are more.
pub const PACKETS_PER_LABEL_MAX: usize = 1500;

/// Values a packet row has.
pub(super) const WIDTH: usize = PACKET_COLUMNS.len();

pub(super) fn columns() -> Vec<Column> {
    PACKET_COLUMNS.iter().map(|name| Column { name: (*name).to_owned(), revision: 1 }).collect()
}

/// A random choice of the packets of each conversation's label, of fixed size, in one pass.
pub(super) struct PacketSample {
    random: Random,
    groups: Vec<Group>,
}

struct Group {
    label: String,
    is_attack: bool,
    seen: usize,
    rows: Vec<[f32; WIDTH]>,
}

impl PacketSample {
    /// `seed` decides which packets are kept.
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), groups: Vec::new() }
    }

    /// Takes a frame: kept or not when it is a TCP or UDP packet of a conversation in the truth.
    pub(super) fn push(&mut self, frame: &Frame<'_>, truth: &Truth) {
        let Decoded::Packet(packet) = decode(frame, &mut Vec::new()) else { return };
        let has_ports = matches!(packet.protocol, protocol::TCP | protocol::UDP);
        if !has_ports || packet.fragment.is_some_and(|fragment| fragment.later()) {
            return;
        }
        let address = |bits| flow_meter::address(bits, packet.version);
        let source = (address(packet.source), packet.source_port);
        let destination = (address(packet.destination), packet.destination_port);
        let Some((_, row)) = truth.of_packet(packet.protocol, source, destination, packet.ts_ns) else {
            return;
        };
        let is_same = |group: &Group| group.label == row.label && group.is_attack == row.is_attack;
        let at = self.groups.iter().position(is_same).unwrap_or_else(|| {
            let (label, is_attack) = (row.label.clone(), row.is_attack);
            self.groups.push(Group { label, is_attack, seen: 0, rows: Vec::new() });
            self.groups.len() - 1
        });
        let values = [packet.wire_len as f32, packet.source_port.into(), packet.destination_port.into()];
        self.groups[at].offer(values, &mut self.random);
    }

    /// Label, whether an attack, and values of every packet kept.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, bool, &[f32; WIDTH])> {
        self.groups
            .iter()
            .flat_map(|group| group.rows.iter().map(|row| (group.label.as_str(), group.is_attack, row)))
    }
}

impl Group {
    fn offer(&mut self, values: [f32; WIDTH], random: &mut Random) {
        self.seen += 1;
        if self.rows.len() < PACKETS_PER_LABEL_MAX {
            self.rows.push(values);
            return;
        }
        let at = random.below(self.seen);
        if let Some(row) = self.rows.get_mut(at) {
            *row = values;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_bounded_and_fair() {
        let mut random = Random::new(1);
        let mut group = Group { label: "web".into(), is_attack: false, seen: 0, rows: Vec::new() };
        for at in 0..10 * PACKETS_PER_LABEL_MAX {
            group.offer([at as f32, 0.0, 0.0], &mut random);
        }
        assert_eq!((group.rows.len(), group.seen), (PACKETS_PER_LABEL_MAX, 10 * PACKETS_PER_LABEL_MAX));
        let mean = group.rows.iter().map(|row| f64::from(row[0])).sum::<f64>() / PACKETS_PER_LABEL_MAX as f64;
        let middle = 5.0 * PACKETS_PER_LABEL_MAX as f64;
        assert!((mean / middle - 1.0).abs() < 0.1, "{mean} is far from {middle}");
    }
}
