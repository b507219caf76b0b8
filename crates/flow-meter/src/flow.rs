//! One live flow: what is counted of it, packet by packet.

use crate::app::{Payload, Recogniser};
use crate::decode::{Layer as Hop, Packet};
use crate::events::Totals;
use crate::key::{Direction, FlowKey, protocol};
use crate::record::{FlowEnd, FlowSummary};
use crate::stats::{Bulk, Connection, FirstPackets, Flags, Gaps, Head, Lapses, Row, Side, datagram_state};

const NS: f64 = 1e-9;
/// Not a time.
const NEVER: i64 = i64::MIN;

/// Where a flow is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Open,
    /// FIN from both ends or RST: late packets still belong to it for a while.
    Closed {
        at_ns: i64,
        end: FlowEnd,
    },
    /// Over, and out of the index; waits until its context is due.
    Ended,
}

/// What is counted anew for each part of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Tallies {
    pub(crate) start_ns: i64,
    pub(crate) last_ns: i64,
    pub(crate) sides: [Side; 2],
    last_direction: Direction,
    turns: u32,
    gaps: Gaps,
    pub(crate) flags: Flags,
    first: FirstPackets,
    bulk: Bulk,
    lapses: Lapses,
}

impl Tallies {
    fn new(start_ns: i64) -> Self {
        Self {
            start_ns,
            last_ns: start_ns,
            sides: [Side::default(); 2],
            last_direction: Direction::Forward,
            turns: 0,
            gaps: Gaps::default(),
            flags: Flags::default(),
            first: FirstPackets::default(),
            bulk: Bulk::default(),
            lapses: Lapses::default(),
        }
    }

    pub(crate) fn packets(&self) -> u64 {
        self.sides[0].packets + self.sides[1].packets
    }

    /// Gives back what lies elsewhere.
    fn forget(&mut self) {
        self.flags.forget();
        self.first.forget();
        self.bulk.forget();
        self.lapses.forget();
    }

    #[inline]
    fn update(&mut self, packet: &Packet, direction: Direction) {
        let ts_ns = packet.ts_ns;
        let gap_s = (ts_ns - self.last_ns) as f64 * NS;
        if self.packets() > 0 {
            self.gaps.add(gap_s);
            self.turns += u32::from(direction != self.last_direction);
            self.lapses.update(self.start_ns, self.last_ns, ts_ns);
        }
        self.last_direction = direction;
        self.last_ns = ts_ns;
        self.sides[direction as usize].update(packet);
        self.first.update(direction, packet.payload_len, gap_s);
        if let Some(tcp) = packet.tcp {
            self.flags.update(tcp.flags, direction);
        }
        if packet.payload_len > 0 {
            self.bulk.update(direction, packet.payload_len, ts_ns);
        }
    }
}

/// A flow from its first packet to its record. What every packet touches comes first.
#[repr(C)]
pub(crate) struct Flow {
    pub(crate) key: FlowKey,
    // What is looked at for every packet, and by the time-outs.
    pub(crate) hash: u32,
    /// Goes up when the place is given to another flow.
    pub(crate) generation: u32,
    /// Number of its first packet.
    pub(crate) number: u64,
    /// Number of the first packet of this part.
    pub(crate) part_number: u64,
    /// The wheel's tick that counts; entries at other ticks are stale.
    pub(crate) tick: i64,
    pub(crate) life: Life,
    /// When the context of this part is due.
    pub(crate) reading_ns: i64,
    pub(crate) read: bool,
    pub(crate) initiator_is_low: bool,
    pub(crate) part: u32,
    /// The responder's first packet, or [`NEVER`].
    answer_ns: i64,
    recogniser: Recogniser,
    pub(crate) tallies: Tallies,
    /// Of others than TCP it has the history alone.
    pub(crate) connection: Connection,
    heads: [Head; 2],
    pub(crate) first_ns: i64,
    /// MAC addresses of the first packet, destination before source, as Ethernet has them.
    macs: Option<[u8; 12]>,
    /// What carried the first packet, outermost first; hardly any flow has it.
    #[expect(clippy::box_collection, reason = "one word in each of many flows")]
    hops: Option<Box<Vec<Hop>>>,
}

impl Flow {
    pub(crate) fn new(key: FlowKey, hash: u32, number: u64, initiator_is_low: bool, ts_ns: i64) -> Self {
        Self {
            key,
            hash,
            generation: 0,
            number,
            part_number: number,
            tick: i64::MIN,
            life: Life::Open,
            reading_ns: 0,
            read: false,
            initiator_is_low,
            part: 0,
            first_ns: ts_ns,
            answer_ns: NEVER,
            tallies: Tallies::new(ts_ns),
            connection: Connection::default(),
            recogniser: Recogniser::default(),
            heads: [Head::default(), Head::default()],
            macs: None,
            hops: None,
        }
    }

    /// Notes where the first packet came from.
    pub(crate) fn came_from(&mut self, packet: &Packet, bytes: &[u8], hops: &[Hop]) {
        self.macs = packet.macs_at.and_then(|at| bytes.get(usize::from(at)..)?.first_chunk::<12>()).copied();
        if !hops.is_empty() {
            self.hops = Some(Box::new(hops.to_vec()));
        }
    }

    pub(crate) fn direction(&self, source_is_low: bool) -> Direction {
        if source_is_low == self.initiator_is_low { Direction::Forward } else { Direction::Backward }
    }

    #[inline]
    pub(crate) fn update(&mut self, packet: &Packet, bytes: &[u8], direction: Direction, keep_first: bool) {
        self.tallies.update(packet, direction);
        if direction == Direction::Backward && self.answer_ns == NEVER {
            self.answer_ns = packet.ts_ns;
        }
        if let Some(tcp) = &packet.tcp {
            self.connection.update(packet, tcp, direction);
        } else if packet.protocol != protocol::TCP
            && (packet.payload_len > 0 || packet.protocol == protocol::UDP)
        {
            // An empty datagram is one all the same.
            self.connection.note_data(direction);
        }
        if packet.payload.len > 0 {
            self.look_at_payload(packet, bytes, direction, keep_first);
        }
    }

    #[inline]
    fn look_at_payload(&mut self, packet: &Packet, bytes: &[u8], direction: Direction, keep_first: bool) {
        let head = &mut self.heads[direction as usize];
        if self.recogniser.looked(direction) && head.is_full() {
            return;
        }
        let payload = packet.payload.of(bytes);
        head.update(payload, keep_first);
        let ports = [packet.source_port, packet.destination_port];
        let payload = Payload { bytes: payload, len: packet.payload_len, protocol: packet.protocol, ports };
        self.recogniser.update(direction, &payload);
    }

    /// Begins the next part at `start_ns`: counts anew, remembers what the protocol is.
    pub(crate) fn next_part(&mut self, start_ns: i64, number: u64) {
        self.part += 1;
        self.part_number = number;
        self.tallies = Tallies::new(start_ns);
    }

    /// Gives back what it holds on to; the place stays for another flow.
    pub(crate) fn forget(&mut self) {
        self.heads = [Head::default(), Head::default()];
        self.recogniser = Recogniser::default();
        self.hops = None;
        self.connection.forget_troubles();
        self.tallies.forget();
    }

    /// When the responder's first packet came.
    #[inline]
    pub(crate) fn answer_ns(&self) -> Option<i64> {
        (self.answer_ns != NEVER).then_some(self.answer_ns)
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.key.protocol == protocol::TCP
    }

    fn state(&self) -> &'static str {
        if self.is_tcp() {
            return self.connection.state();
        }
        let [forward, backward] = &self.tallies.sides;
        datagram_state(forward.packets, backward.packets)
    }

    pub(crate) fn totals(&self) -> Totals {
        let [forward, backward] = &self.tallies.sides;
        Totals {
            packets: self.tallies.packets(),
            forward_bytes: forward.payload_bytes,
            backward_bytes: backward.payload_bytes,
        }
    }

    /// Writes all that the record says of this part, and its features but those of the context. The `last` part takes
    /// along what is known of the protocol; the first payload bytes leave only where they are to be kept.
    pub(crate) fn summarise(&mut self, summary: &mut FlowSummary, last: bool, keep_first: bool) {
        let FlowSummary { features, .. } = summary;
        features.clear();
        self.write(&mut Row(features));
        summary.key = self.key;
        summary.initiator_is_low = self.initiator_is_low;
        summary.part = self.part;
        summary.first_ns = self.first_ns;
        summary.start_ns = self.tallies.start_ns;
        summary.end_ns = self.tallies.last_ns;
        summary.number = self.number;
        summary.answer_ns = self.answer_ns();
        summary.sides = self.tallies.sides;
        summary.flags = [Direction::Forward, Direction::Backward].map(|side| self.tallies.flags.seen(side));
        summary.state = self.state();
        summary.connection.clone_from(&self.connection);
        summary.recogniser =
            if last { std::mem::take(&mut self.recogniser) } else { self.recogniser.clone() };
        summary.macs = self.macs;
        summary.hops.clear();
        if let Some(hops) = &self.hops {
            summary.hops.extend_from_slice(hops);
        }
        for (head, kept) in self.heads.iter().zip(&mut summary.first_payloads) {
            kept.clear();
            if keep_first {
                kept.extend_from_slice(head.kept());
            }
        }
    }

    /// Writes every feature of [`schema::FeatureGroup::Flow`], in table order.
    fn write(&self, row: &mut Row<'_>) {
        self.write_whole(row);
        self.write_sizes_and_gaps(row);
        self.tallies.first.write(row);
        self.write_tcp(row);
        self.write_shape(row);
        self.heads.iter().for_each(|head| head.write(row));
    }

    fn write_whole(&self, row: &mut Row<'_>) {
        let tallies = &self.tallies;
        let number = self.key.protocol;
        let ip = self.key.version != crate::ARP;
        let known = [
            number == protocol::TCP,
            number == protocol::UDP,
            ip && matches!(number, protocol::ICMP | protocol::ICMPV6),
        ]
        .map(|is| f64::from(u8::from(is)));
        let other = 1.0 - known.iter().sum::<f64>();
        let duration = (tallies.last_ns - tallies.start_ns) as f64 * NS;
        let [forward, backward] = &tallies.sides;
        let totals = self.totals();
        let (packets, bytes) = (totals.packets as f64, totals.bytes() as f64);
        let empty = totals.packets - u64::from(forward.data_packets) - u64::from(backward.data_packets);
        row.all([known[0], known[1], known[2], other, duration]);
        row.all([
            forward.packets as f64,
            backward.packets as f64,
            forward.payload_bytes as f64,
            backward.payload_bytes as f64,
        ]);
        row.ratio(backward.payload_bytes as f64, bytes);
        row.ratio(packets, duration);
        row.ratio(bytes, duration);
        row.ratio(forward.packets as f64, duration);
        row.ratio(backward.packets as f64, duration);
        row.ratio(backward.packets as f64, forward.packets as f64);
        row.push(f64::from(tallies.turns));
        row.ratio(empty as f64, packets);
    }

    fn write_sizes_and_gaps(&self, row: &mut Row<'_>) {
        let tallies = &self.tallies;
        let totals = self.totals();
        let [forward, backward] = &tallies.sides;
        let both = forward.sizes.with(backward.sizes);
        both.write(totals.packets, totals.bytes(), row);
        for side in &tallies.sides {
            side.sizes.write(side.packets, side.payload_bytes, row);
        }
        row.push(both.variance(totals.packets, totals.bytes()));
        let duration = (tallies.last_ns - tallies.start_ns) as f64 * NS;
        tallies.gaps.write(totals.packets.saturating_sub(1), duration, row);
        for side in &tallies.sides {
            side.gaps.write(side.gap_count(), side.span_s(), row);
        }
        for side in &tallies.sides {
            row.optional((side.packets > 0).then(|| side.span_s()));
        }
    }

    fn write_tcp(&self, row: &mut Row<'_>) {
        if self.is_tcp() {
            self.write_flags(row);
        } else {
            row.absent(20);
        }
        let sides = [Direction::Forward, Direction::Backward];
        sides.iter().for_each(|side| row.optional(self.connection.offers(*side).0.map(f64::from)));
        row.optional(self.answer_ns().map(|answer| (answer - self.first_ns) as f64 * NS));
        if !self.is_tcp() {
            row.absent(7);
            return;
        }
        row.optional(self.connection.handshake_ns().map(|ns| ns as f64 * NS));
        let [forward, backward] = sides.map(|side| self.connection.troubles(side).map(f64::from));
        forward.iter().zip(backward).for_each(|(forward, backward)| row.all([*forward, backward]));
    }

    fn write_flags(&self, row: &mut Row<'_>) {
        const PSH: usize = 3;
        const URG: usize = 5;
        let packets = self.tallies.packets() as f64;
        let forward = self.tallies.flags.counts(Direction::Forward);
        let backward = self.tallies.flags.counts(Direction::Backward);
        let both: [f64; 8] = std::array::from_fn(|bit| f64::from(forward[bit]) + f64::from(backward[bit]));
        row.all(both.map(|count| count / packets));
        row.all(both);
        row.all([forward[PSH], backward[PSH], forward[URG], backward[URG]].map(f64::from));
    }

    fn write_shape(&self, row: &mut Row<'_>) {
        let tallies = &self.tallies;
        let [forward, backward] = &tallies.sides;
        row.all([forward.header_bytes as f64, backward.header_bytes as f64]);
        row.optional((forward.packets > 0).then_some(f64::from(forward.header_min)));
        row.all([forward.data_packets, backward.data_packets].map(f64::from));
        tallies.bulk.write(row);
        tallies.lapses.write_subflows(
            [forward.packets, backward.packets],
            [forward.payload_bytes, backward.payload_bytes],
            row,
        );
        tallies.lapses.write(tallies.start_ns, tallies.last_ns, row);
    }
}
