//! Counts of one direction.

use super::spread::{Gaps, Sizes};
use crate::decode::Packet;

/// What one end sent, in one part of a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) packets: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) payload_bytes: u64,
    /// Transport headers.
    pub(crate) header_bytes: u64,
    pub(crate) first_ns: i64,
    pub(crate) last_ns: i64,
    pub(crate) sizes: Sizes,
    pub(crate) gaps: Gaps,
    /// Packets with payload.
    pub(crate) data_packets: u32,
    pub(crate) header_min: u8,
    pub(crate) ttl_min: u8,
    pub(crate) ttl_max: u8,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            packets: 0,
            wire_bytes: 0,
            ip_bytes: 0,
            payload_bytes: 0,
            header_bytes: 0,
            first_ns: 0,
            last_ns: 0,
            sizes: Sizes::default(),
            gaps: Gaps::default(),
            data_packets: 0,
            header_min: u8::MAX,
            ttl_min: u8::MAX,
            ttl_max: 0,
        }
    }
}

impl Side {
    #[inline]
    pub(crate) fn update(&mut self, packet: &Packet) {
        if self.packets == 0 {
            self.first_ns = packet.ts_ns;
        } else {
            self.gaps.add((packet.ts_ns - self.last_ns) as f64 * 1e-9);
        }
        self.last_ns = packet.ts_ns;
        self.packets += 1;
        self.wire_bytes += u64::from(packet.wire_len);
        self.ip_bytes += u64::from(packet.ip_len);
        self.payload_bytes += u64::from(packet.payload_len);
        self.header_bytes += u64::from(packet.header_len);
        self.data_packets += u32::from(packet.payload_len > 0);
        self.sizes.add(packet.payload_len);
        self.header_min = self.header_min.min(packet.header_len);
        self.ttl_min = self.ttl_min.min(packet.ttl);
        self.ttl_max = self.ttl_max.max(packet.ttl);
    }

    /// Between its packets, how many.
    pub(crate) fn gap_count(&self) -> u64 {
        self.packets.saturating_sub(1)
    }

    /// From its first packet to its last, seconds.
    pub(crate) fn span_s(&self) -> f64 {
        (self.last_ns - self.first_ns) as f64 * 1e-9
    }
}
