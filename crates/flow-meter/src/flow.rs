//! One live flow: what is counted of it, packet by packet.

use crate::app::{Payload, Recogniser};
use crate::context::Places;
use crate::decode::Packet;
use crate::key::protocol;
use crate::key::{Direction, FlowKey};
use crate::stats::{FirstPackets, Head, History, Row, Spread, TcpProgress, datagram_state};
use schema::Traffic;

const NS: f64 = 1e-9;

/// Counts of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) packets: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) payload_bytes: u64,
    flags: u8,
}

impl Counts {
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            packets: self.packets,
            wire_bytes: self.wire_bytes,
            ip_bytes: self.ip_bytes,
            payload_bytes: self.payload_bytes,
            tcp_flags: u32::from(self.flags),
        }
    }
}

/// What is counted anew for each part of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Tallies {
    pub(crate) start_ns: i64,
    pub(crate) last_ns: i64,
    pub(crate) counts: [Counts; 2],
    last_direction_ns: [Option<i64>; 2],
    last_direction: Direction,
    turns: u64,
    empty: u64,
    sizes: [Spread; 2],
    gaps: Spread,
    direction_gaps: [Spread; 2],
    flag_packets: [u32; 8],
    first: FirstPackets,
}

impl Tallies {
    fn new(start_ns: i64) -> Self {
        Self {
            start_ns,
            last_ns: start_ns,
            counts: [Counts::default(); 2],
            last_direction_ns: [None; 2],
            last_direction: Direction::Forward,
            turns: 0,
            empty: 0,
            sizes: [Spread::default(); 2],
            gaps: Spread::default(),
            direction_gaps: [Spread::default(); 2],
            flag_packets: [0; 8],
            first: FirstPackets::default(),
        }
    }

    fn packets(&self) -> u64 {
        self.counts[0].packets + self.counts[1].packets
    }

    #[inline]
    fn update(&mut self, packet: &Packet, direction: Direction) {
        let ts_ns = packet.ts_ns;
        let gap_s = (ts_ns - self.last_ns) as f64 * NS;
        if self.packets() > 0 {
            self.gaps.add(gap_s);
            self.turns += u64::from(direction != self.last_direction);
        }
        let at = direction as usize;
        if let Some(last) = self.last_direction_ns[at].replace(ts_ns) {
            self.direction_gaps[at].add((ts_ns - last) as f64 * NS);
        }
        self.last_direction = direction;
        self.last_ns = ts_ns;
        self.empty += u64::from(packet.payload_len == 0);
        self.sizes[at].add(f64::from(packet.payload_len));
        self.first.update(direction, packet.payload_len, gap_s);
        let counts = &mut self.counts[at];
        counts.packets += 1;
        counts.wire_bytes += u64::from(packet.wire_len);
        counts.ip_bytes += u64::from(packet.ip_len);
        counts.payload_bytes += u64::from(packet.payload_len);
        if let Some(tcp) = packet.tcp {
            counts.flags |= tcp.flags;
            for (bit, packets) in self.flag_packets.iter_mut().enumerate() {
                *packets += u32::from(tcp.flags >> bit & 1);
            }
        }
    }
}

/// A flow from its first packet to its record.
pub(crate) struct Flow {
    pub(crate) key: FlowKey,
    pub(crate) initiator_is_low: bool,
    pub(crate) part: u32,
    pub(crate) tallies: Tallies,
    pub(crate) places: Places,
    /// MAC addresses of the first packet, destination before source, as Ethernet has them.
    pub(crate) macs: Option<[u8; 12]>,
    pub(crate) progress: TcpProgress,
    pub(crate) history: History,
    pub(crate) recogniser: Recogniser,
    pub(crate) first_ns: i64,
    pub(crate) answer_ns: Option<i64>,
    initial_windows: [Option<u16>; 2],
    heads: [Head; 2],
}

impl Flow {
    pub(crate) fn new(
        key: FlowKey,
        initiator_is_low: bool,
        packet: &Packet,
        bytes: &[u8],
        places: Places,
    ) -> Self {
        Self {
            key,
            initiator_is_low,
            part: 0,
            tallies: Tallies::new(packet.ts_ns),
            places,
            macs: packet.macs_at.and_then(|at| bytes.get(usize::from(at)..)?.first_chunk::<12>()).copied(),
            progress: TcpProgress::default(),
            history: History::default(),
            recogniser: Recogniser::default(),
            first_ns: packet.ts_ns,
            answer_ns: None,
            initial_windows: [None; 2],
            heads: [Head::default(), Head::default()],
        }
    }

    pub(crate) fn direction(&self, source_is_low: bool) -> Direction {
        if source_is_low == self.initiator_is_low { Direction::Forward } else { Direction::Backward }
    }

    #[inline]
    pub(crate) fn update(&mut self, packet: &Packet, bytes: &[u8], direction: Direction) {
        self.tallies.update(packet, direction);
        let at = direction as usize;
        if direction == Direction::Backward && self.answer_ns.is_none() {
            self.answer_ns = Some(packet.ts_ns);
        }
        if let Some(tcp) = packet.tcp {
            self.initial_windows[at].get_or_insert(tcp.window);
            self.progress.update(tcp, direction, packet.payload_len > 0, &mut self.history);
        } else if packet.payload_len > 0 {
            self.history.note(b'd', direction);
        }
        let payload = packet.payload.of(bytes);
        if !payload.is_empty() {
            self.heads[at].update(payload);
            self.recogniser.update(
                direction,
                &Payload {
                    bytes: payload,
                    len: packet.payload_len,
                    protocol: packet.protocol,
                    ports: [packet.source_port, packet.destination_port],
                },
            );
        }
    }

    /// Begins the next part at `start_ns`: counts anew, remembers what the protocol is.
    pub(crate) fn next_part(&mut self, start_ns: i64) {
        self.part += 1;
        self.tallies = Tallies::new(start_ns);
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.key.protocol == protocol::TCP
    }

    pub(crate) fn state(&self) -> &'static str {
        if self.is_tcp() {
            return self.progress.state();
        }
        let [forward, backward] = self.tallies.counts;
        datagram_state(forward.packets, backward.packets)
    }

    pub(crate) fn packets(&self) -> u64 {
        self.tallies.packets()
    }

    pub(crate) fn payload_bytes(&self) -> u64 {
        self.tallies.counts[0].payload_bytes + self.tallies.counts[1].payload_bytes
    }

    /// Writes every feature of [`schema::FeatureGroup::Flow`], in table order.
    pub(crate) fn write(&self, row: &mut Row<'_>) {
        self.write_whole(row);
        self.tallies.first.write(row);
        self.write_tcp(row);
        self.heads.iter().for_each(|head| head.write(row));
    }

    fn write_whole(&self, row: &mut Row<'_>) {
        let tallies = &self.tallies;
        let number = self.key.protocol;
        let known = [
            number == protocol::TCP,
            number == protocol::UDP,
            matches!(number, protocol::ICMP | protocol::ICMPV6),
        ];
        known.iter().for_each(|is| row.push(f64::from(u8::from(*is))));
        row.push(f64::from(u8::from(!known.contains(&true))));
        let duration = (tallies.last_ns - tallies.start_ns) as f64 * NS;
        let [forward, backward] = &tallies.counts;
        let (packets, bytes) = (self.packets() as f64, self.payload_bytes() as f64);
        row.push(duration);
        row.push(forward.packets as f64);
        row.push(backward.packets as f64);
        row.push(forward.payload_bytes as f64);
        row.push(backward.payload_bytes as f64);
        row.ratio(backward.payload_bytes as f64, bytes);
        row.ratio(packets, duration);
        row.ratio(bytes, duration);
        row.push(tallies.turns as f64);
        row.ratio(tallies.empty as f64, packets);
        tallies.sizes.iter().for_each(|sizes| sizes.write(row));
        tallies.gaps.write(row);
        tallies.direction_gaps.iter().for_each(|gaps| gaps.write(row));
    }

    fn write_tcp(&self, row: &mut Row<'_>) {
        if self.is_tcp() {
            let packets = self.packets() as f64;
            self.tallies.flag_packets.iter().for_each(|count| row.ratio(f64::from(*count), packets));
        } else {
            row.absent(8);
        }
        self.initial_windows.iter().for_each(|window| row.optional(window.map(f64::from)));
        row.optional(self.answer_ns.map(|answer| (answer - self.first_ns) as f64 * NS));
    }
}
