//! One flow of the program, with its bulks, subflows, and active and idle times as the program counts them.

use super::CicPacket;
use super::summary::Summary;
use crate::decode::flag;
use crate::key::Bits;
use schema::cic::COLUMNS;

/// A longer silence is idle.
const ACTIVITY_TIME_OUT_US: i64 = 5_000_000;
/// A longer gap begins a subflow.
const SUBFLOW_GAP_US: i64 = 1_000_000;
/// Packets that make a bulk.
const BULK_PACKETS: u64 = 4;
/// A longer gap ends it.
const BULK_GAP_US: i64 = 1_000_000;

/// What becomes of a flow after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goes {
    On,
    Ends,
    /// The initiator had sent its FIN before.
    Dropped,
}

/// One direction.
#[derive(Debug, Clone, Copy)]
struct Side {
    sizes: Summary,
    gaps: Summary,
    last_us: i64,
    header_bytes: u64,
    window: u16,
    /// PSH and URG of the flow's very first packet, never of a later one.
    first_psh: bool,
    first_urg: bool,
}

impl Side {
    const NONE: Self = Self {
        sizes: Summary::NONE,
        gaps: Summary::NONE,
        last_us: 0,
        header_bytes: 0,
        window: 0,
        first_psh: false,
        first_urg: false,
    };
}

/// Runs of packets with payload. The program compares addresses by identity, which is never the same: packets of both
/// directions count as the responder's.
#[derive(Debug, Clone, Copy, Default)]
struct Bulks {
    count: u64,
    packets: u64,
    bytes: u64,
    duration_us: i64,
    run_packets: u64,
    run_bytes: u64,
    run_start_us: i64,
    last_us: i64,
}

impl Bulks {
    fn add(&mut self, packet: &CicPacket) {
        let (size, ts_us) = (u64::from(packet.payload), packet.ts_us);
        if size == 0 {
            return;
        }
        if self.run_start_us == 0 || ts_us - self.last_us > BULK_GAP_US {
            (self.run_packets, self.run_bytes) = (1, size);
            (self.run_start_us, self.last_us) = (ts_us, ts_us);
            return;
        }
        self.run_packets += 1;
        self.run_bytes += size;
        if self.run_packets == BULK_PACKETS {
            self.count += 1;
            self.packets += self.run_packets;
            self.bytes += self.run_bytes;
            self.duration_us += ts_us - self.run_start_us;
        } else if self.run_packets > BULK_PACKETS {
            self.packets += 1;
            self.bytes += size;
            self.duration_us += ts_us - self.last_us;
        }
        self.last_us = ts_us;
    }

    /// Bytes and packets a bulk, and bytes a second within bulks, all in whole numbers.
    fn values(&self) -> [f64; 3] {
        let rate =
            if self.duration_us == 0 { 0.0 } else { self.bytes as f64 / (self.duration_us as f64 / 1e6) };
        let each = |total: u64| total.checked_div(self.count).unwrap_or(0) as f64;
        [each(self.bytes), each(self.packets), rate.trunc()]
    }
}

/// A flow from its first packet on.
#[derive(Debug, Clone)]
pub(crate) struct CicFlow {
    /// Whose packets are forward. Ports do not matter: between two ports of one host all are.
    source: Bits,
    number: u64,
    start_us: i64,
    last_us: i64,
    sides: [Side; 2],
    sizes: Summary,
    gaps: Summary,
    flags: [u64; 8],
    data_forward: u64,
    header_min: u32,
    bulks: Bulks,
    subflows: u64,
    active: Summary,
    idle: Summary,
    active_start_us: i64,
    active_end_us: i64,
    /// The initiator's; the responder's ends the flow.
    fin: bool,
}

const FORWARD: usize = 0;
const BACKWARD: usize = 1;

impl CicFlow {
    /// `source` is the flow's, whichever end sent its first packet: that packet is forward all the same.
    pub(crate) fn new(source: Bits, number: u64, packet: &CicPacket) -> Self {
        let ts_us = packet.ts_us;
        let mut flow = Self {
            source,
            number,
            start_us: ts_us,
            last_us: ts_us,
            sides: [Side::NONE; 2],
            sizes: Summary::NONE,
            gaps: Summary::NONE,
            flags: [0; 8],
            data_forward: 0,
            header_min: packet.header,
            bulks: Bulks::default(),
            subflows: 0,
            active: Summary::NONE,
            idle: Summary::NONE,
            active_start_us: ts_us,
            active_end_us: ts_us,
            fin: false,
        };
        flow.note(packet);
        let size = f64::from(packet.payload);
        // Twice.
        flow.sizes.add(size);
        flow.sizes.add(size);
        let side = &mut flow.sides[FORWARD];
        side.sizes.add(size);
        side.header_bytes = u64::from(packet.header);
        side.last_us = ts_us;
        side.window = packet.window;
        side.first_psh = packet.has(flag::PSH);
        side.first_urg = packet.has(flag::URG);
        flow
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn start_us(&self) -> i64 {
        self.start_us
    }

    pub(crate) fn packets(&self) -> u64 {
        self.sides.iter().map(|side| side.sizes.count()).sum()
    }

    /// What is done first with every packet: bulks, subflows, flags. Subflows are counted by the gaps between them: a
    /// flow without such a gap has none.
    fn note(&mut self, packet: &CicPacket) {
        self.bulks.add(packet);
        if packet.ts_us - self.last_us > SUBFLOW_GAP_US {
            self.subflows += 1;
            self.activity(packet.ts_us);
        }
        for (bit, count) in self.flags.iter_mut().enumerate() {
            *count += u64::from(packet.flags >> bit & 1);
        }
    }

    fn activity(&mut self, now_us: i64) {
        if now_us - self.active_end_us > ACTIVITY_TIME_OUT_US {
            if self.active_end_us > self.active_start_us {
                self.active.add((self.active_end_us - self.active_start_us) as f64);
            }
            self.idle.add((now_us - self.active_end_us) as f64);
            self.active_start_us = now_us;
        }
        self.active_end_us = now_us;
    }

    fn side(&self, packet: &CicPacket) -> usize {
        if packet.ends.source.0 == self.source { FORWARD } else { BACKWARD }
    }

    pub(crate) fn add(&mut self, packet: &CicPacket) {
        self.note(packet);
        let at = self.side(packet);
        let size = f64::from(packet.payload);
        self.sizes.add(size);
        if at == FORWARD {
            self.data_forward += u64::from(packet.payload > 0);
            self.header_min = self.header_min.min(packet.header);
        }
        let side = &mut self.sides[at];
        side.sizes.add(size);
        side.header_bytes += u64::from(packet.header);
        if side.sizes.count() > 1 {
            side.gaps.add((packet.ts_us - side.last_us) as f64);
        }
        side.last_us = packet.ts_us;
        if at == BACKWARD {
            // Of the latest packet, not of the first.
            side.window = packet.window;
        }
        self.gaps.add((packet.ts_us - self.last_us) as f64);
        self.last_us = packet.ts_us;
    }

    /// A packet with FIN. The program adds the responder's FIN to itself where it means both: the responder's ends the
    /// flow, whether or not the initiator has sent one, and the initiator's never does. A second one of the initiator is
    /// dropped.
    pub(crate) fn fin(&mut self, packet: &CicPacket) -> Goes {
        if self.side(packet) == BACKWARD {
            self.add(packet);
            return Goes::Ends;
        }
        if std::mem::replace(&mut self.fin, true) {
            return Goes::Dropped;
        }
        self.go_on(packet)
    }

    /// Any other packet. The program means to drop what comes after the FIN of its direction, but then asks of either
    /// direction whether the responder has sent one, and that would have ended the flow: nothing is dropped.
    pub(crate) fn go_on(&mut self, packet: &CicPacket) -> Goes {
        self.activity(packet.ts_us);
        self.add(packet);
        Goes::On
    }

    /// The numbers of [`COLUMNS`].
    pub(crate) fn values(&self) -> [f64; COLUMNS.len()] {
        let mut out = Vec::with_capacity(COLUMNS.len());
        self.write_sizes(&mut out);
        self.write_gaps(&mut out);
        self.write_flags(&mut out);
        self.write_shape(&mut out);
        let mut values = [0.0; COLUMNS.len()];
        values.iter_mut().zip(out).for_each(|(value, written)| *value = written);
        values
    }

    fn write_sizes(&self, out: &mut Vec<f64>) {
        let [forward, backward] = &self.sides;
        let duration = (self.last_us - self.start_us) as f64;
        out.push(duration);
        out.extend([forward, backward].map(|side| side.sizes.count() as f64));
        out.extend([forward, backward].map(|side| side.sizes.sum()));
        for side in [forward, backward] {
            let sizes = &side.sizes;
            let four = [sizes.max(), sizes.min(), sizes.mean(), sizes.deviation()];
            out.extend(if sizes.count() > 0 { four } else { [0.0; 4] });
        }
        // Over a duration of 0 these are no numbers, or infinite.
        out.push((forward.sizes.sum() + backward.sizes.sum()) / (duration / 1e6));
        out.push(self.packets() as f64 / (duration / 1e6));
    }

    fn write_gaps(&self, out: &mut Vec<f64>) {
        let four = |gaps: &Summary| [gaps.mean(), gaps.deviation(), gaps.max(), gaps.min()];
        out.extend(four(&self.gaps));
        for side in &self.sides {
            if side.sizes.count() > 1 {
                out.push(side.gaps.sum());
                out.extend(four(&side.gaps));
            } else {
                out.extend([0.0; 5]);
            }
        }
    }

    fn write_flags(&self, out: &mut Vec<f64>) {
        let [forward, backward] = &self.sides;
        let is = |flag: bool| f64::from(u8::from(flag));
        out.extend([forward, backward].map(|side| is(side.first_psh)));
        out.extend([forward, backward].map(|side| is(side.first_urg)));
        out.extend([forward, backward].map(|side| side.header_bytes as f64));
        let duration = (self.last_us - self.start_us) as f64 / 1e6;
        let rate = |side: &Side| if duration > 0.0 { side.sizes.count() as f64 / duration } else { 0.0 };
        out.extend([forward, backward].map(rate));
        let sizes = &self.sizes;
        out.extend([sizes.min(), sizes.max(), sizes.mean(), sizes.deviation(), sizes.variance()]);
        // FIN SYN RST PSH ACK URG, and then CWR before ECE.
        let [fin, syn, rst, psh, ack, urg, ece, cwr] = self.flags.map(|count| count as f64);
        out.extend([fin, syn, rst, psh, ack, urg, cwr, ece]);
    }

    fn write_shape(&self, out: &mut Vec<f64>) {
        let [forward, backward] = &self.sides;
        let whole = |a: u64, b: u64| a.checked_div(b).unwrap_or(0) as f64;
        out.push(whole(backward.sizes.count(), forward.sizes.count()));
        out.push(self.sizes.sum() / self.packets() as f64);
        let mean = |side: &Side| {
            if side.sizes.count() > 0 { side.sizes.sum() / side.sizes.count() as f64 } else { 0.0 }
        };
        out.extend([forward, backward].map(mean));
        out.extend([0.0; 3]);
        out.extend(self.bulks.values());
        for side in [forward, backward] {
            out.push(whole(side.sizes.count(), self.subflows));
            out.push(whole(side.sizes.sum() as u64, self.subflows));
        }
        out.extend([forward, backward].map(|side| f64::from(side.window)));
        out.push(self.data_forward as f64);
        out.push(f64::from(self.header_min));
        for periods in [&self.active, &self.idle] {
            let four = [periods.mean(), periods.deviation(), periods.max(), periods.min()];
            out.extend(if periods.count() > 0 { four } else { [0.0; 4] });
        }
    }
}
