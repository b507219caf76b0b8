//! One TCP connection: how far it came, and what of it was sent again, came late or was never seen.

use super::history::{History, Letter};
use super::sequence::{Place, Sequence};
use super::stage::{Stage, Stages};
use crate::decode::{Packet, Tcp, flag};
use crate::key::Direction;

/// A reset whose number is farther than this from what its end sent is not taken at its word (Zeek's figure).
const RESET_REACH: u32 = 1 << 20;

/// What is known of one end but rarely looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Rare {
    retransmissions: u32,
    out_of_order: u32,
    zero_windows: u32,
    /// How often the letters t, g and w were due, in Zeek's count: t is any segment with payload that brings nothing beyond
    /// the highest number, so a late one too; w also comes with SYN and FIN, but not once the other end closed.
    repeats: u32,
    gaps: u32,
    closed_windows: u32,
    /// Number of the latest SYN, the latest FIN (its end) and the latest RST.
    syn: Option<u32>,
    fin: Option<u32>,
    reset: Option<u32>,
    initial_window: Option<u16>,
    mss: Option<u16>,
    window_scale: Option<u8>,
}

/// The powers of ten at which a letter is written again.
fn is_power_of_ten(count: u32) -> bool {
    matches!(count, 1 | 10 | 100 | 1_000 | 10_000 | 100_000 | 1_000_000 | 10_000_000 | 100_000_000)
}

/// Counts, and tells whether the letter is due.
fn count(counter: &mut u32) -> bool {
    *counter = counter.saturating_add(1);
    is_power_of_ten(*counter)
}

/// All that is known of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connection {
    sequences: [Sequence; 2],
    stages: Stages,
    /// The responder's SYN-ACK came and the initiator's acknowledgement of it did not yet.
    completing: bool,
    was_reset: bool,
    /// Who sent payload outside RST.
    data: [bool; 2],
    history: History,
    /// When the initiator's first SYN was sent.
    syn_ns: Option<i64>,
    handshake_ns: Option<i64>,
    rare: [Rare; 2],
}

impl Connection {
    /// The direction was told from an answer, not from a beginning.
    pub(crate) fn note_flip(&mut self) {
        self.history.note(Letter::Flipped, Direction::Forward);
    }

    #[inline]
    pub(crate) fn update(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let payload = packet.payload_len > 0;
        let control = tcp.flags & (flag::SYN | flag::FIN | flag::RST) != 0;
        if control {
            self.begin(packet, tcp, direction);
            self.spell(packet, tcp, direction);
        } else if payload {
            self.history.note(Letter::Data, direction);
        } else if tcp.flags & flag::ACK != 0 {
            self.history.note(Letter::Ack, direction);
        }
        if tcp.window == 0 {
            self.zero_window(control, tcp.flags, direction);
        }
        self.send(packet, tcp, direction);
        if control || self.stages.of(direction) == Stage::Silent {
            self.advance(tcp, payload, direction);
        }
        if self.completing && !control {
            self.complete(packet, tcp, direction);
        }
        self.acknowledge(packet, tcp, direction);
    }

    /// What a SYN says of its end, and whether it begins anew.
    #[cold]
    fn begin(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        if tcp.flags & flag::SYN == 0 {
            return;
        }
        let rare = &mut self.rare[direction as usize];
        rare.mss = rare.mss.or(tcp.mss);
        rare.window_scale = rare.window_scale.or(tcp.window_scale);
        if tcp.flags & flag::ACK != 0 {
            self.completing |= direction == Direction::Backward && self.handshake_ns.is_none();
        } else if direction == Direction::Forward {
            self.syn_ns.get_or_insert(packet.ts_ns);
        }
        if rare.syn != Some(tcp.seq) && self.stages.may_begin_again(direction) {
            self.sequences[direction as usize].forget();
            // A SYN is a letter once for all attempts.
            rare.syn = rare.syn.map(|_| tcp.seq);
        }
    }

    /// The letters of SYN, FIN and RST. One of another number than the one before is written again.
    #[cold]
    fn spell(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let has = |bits: u8| tcp.flags & bits == bits;
        let rare = &mut self.rare[direction as usize];
        let (letter, number, last) = if has(flag::FIN | flag::RST) {
            return self.history.note(Letter::Inconsistent, direction);
        } else if has(flag::SYN | flag::FIN) || has(flag::SYN | flag::RST) {
            return self.history.note(Letter::Mixed, direction);
        } else if has(flag::SYN) {
            let letter = if has(flag::ACK) { Letter::SynAck } else { Letter::Syn };
            (letter, tcp.seq, &mut rare.syn)
        } else if has(flag::FIN) {
            (Letter::Fin, tcp.seq.wrapping_add(packet.payload_len), &mut rare.fin)
        } else {
            (Letter::Reset, tcp.seq, &mut rare.reset)
        };
        if last.replace(number) != Some(number) {
            self.history.note_again(letter, direction);
        }
    }

    #[cold]
    fn zero_window(&mut self, control: bool, flags: u8, direction: Direction) {
        let rare = &mut self.rare[direction as usize];
        if !control {
            rare.zero_windows = rare.zero_windows.saturating_add(1);
        }
        // After the other end's last word its window is nobody's concern.
        let told = flags & flag::RST == 0
            && self.stages.of(direction.other()) != Stage::Closed
            && self.stages.of(direction) != Stage::Reset;
        if told && count(&mut rare.closed_windows) {
            self.history.note_again(Letter::ZeroWindow, direction);
        }
    }

    /// What the packet adds to what its end sent.
    #[inline]
    fn send(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        // A fragment is but a part of its segment.
        if packet.fragment.is_some() {
            self.data[direction as usize] |= packet.payload_len > 0;
            return;
        }
        if tcp.flags & flag::RST != 0 {
            self.reset(packet, tcp, direction);
            return;
        }
        let at = direction as usize;
        self.data[at] |= packet.payload_len > 0;
        let extra = u32::from(tcp.flags & flag::SYN != 0) + u32::from(tcp.flags & flag::FIN != 0);
        let length = packet.payload_len + extra;
        match self.sequences[at].take(tcp.seq, length, packet.payload_len) {
            Place::Next | Place::Ahead => {}
            place => self.out_of_place(place, packet.payload_len > 0, direction),
        }
    }

    #[cold]
    fn out_of_place(&mut self, place: Place, payload: bool, direction: Direction) {
        let rare = &mut self.rare[direction as usize];
        match place {
            Place::Late { .. } => rare.out_of_order = rare.out_of_order.saturating_add(1),
            Place::Again => rare.retransmissions = rare.retransmissions.saturating_add(1),
            Place::Next | Place::Ahead | Place::KeepAlive => {}
        }
        let beyond = place == Place::Late { beyond: true };
        if payload && !beyond && self.stages.of(direction) != Stage::Reset {
            self.repeat(direction);
        }
    }

    fn repeat(&mut self, direction: Direction) {
        if count(&mut self.rare[direction as usize].repeats) {
            self.history.note_again(Letter::Retransmitted, direction);
        }
    }

    /// The payload of an RST is a remark, not part of the stream; Zeek counts it as sent before.
    #[cold]
    fn reset(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let sequence = &self.sequences[direction as usize];
        let near = !sequence.is_new(tcp.seq) && sequence.is_new(tcp.seq.wrapping_add(RESET_REACH));
        if packet.payload_len > 0 && near && self.stages.of(direction) != Stage::Reset {
            self.repeat(direction);
        }
    }

    #[cold]
    fn advance(&mut self, tcp: &Tcp, payload: bool, direction: Direction) {
        self.was_reset |= tcp.flags & flag::RST != 0;
        self.rare[direction as usize].initial_window.get_or_insert(tcp.window);
        self.stages.update(tcp.flags, payload, direction);
    }

    /// The initiator's first acknowledgement after the SYN-ACK completes the handshake.
    #[cold]
    fn complete(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        if direction == Direction::Forward && tcp.flags & flag::ACK != 0 {
            self.completing = false;
            self.handshake_ns = self.syn_ns.map(|syn_ns| packet.ts_ns - syn_ns);
        }
    }

    /// What the packet says of what the other end sent.
    #[inline]
    fn acknowledge(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        if tcp.flags & (flag::ACK | flag::RST) != flag::ACK || packet.fragment.is_some() {
            return;
        }
        let missed = self.sequences[direction.other() as usize].acknowledge(tcp.ack);
        if missed > 0 {
            self.gaps(missed, direction.other());
        }
    }

    #[cold]
    fn gaps(&mut self, missed: u32, direction: Direction) {
        if !self.stages.are_clean() {
            return;
        }
        for _ in 0..missed {
            if count(&mut self.rare[direction as usize].gaps) {
                self.history.note_again(Letter::Gap, direction);
            }
        }
    }

    /// Both ends sent FIN.
    #[inline]
    pub(crate) fn finished(&self) -> bool {
        self.stages.both_closed()
    }

    /// The initiator sent a SYN.
    #[inline]
    pub(crate) fn attempted(&self) -> bool {
        self.syn_ns.is_some()
    }

    #[inline]
    pub(crate) fn was_reset(&self) -> bool {
        self.was_reset
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// From the first SYN to the acknowledgement that completed the handshake, nanoseconds.
    pub(crate) fn handshake_ns(&self) -> Option<i64> {
        self.handshake_ns
    }

    /// Segments sent again, segments that came late, and packets that announced a window of 0.
    pub(crate) fn troubles(&self, direction: Direction) -> [u32; 3] {
        let rare = &self.rare[direction as usize];
        [rare.retransmissions, rare.out_of_order, rare.zero_windows]
    }

    /// Window of the first packet, maximum segment size and window scale of the SYN.
    pub(crate) fn offers(&self, direction: Direction) -> (Option<u16>, Option<u16>, Option<u8>) {
        let rare = &self.rare[direction as usize];
        (rare.initial_window, rare.mss, rare.window_scale)
    }

    /// Zeek's `conn_state`.
    pub(crate) fn state(&self) -> &'static str {
        self.stages.name(self.data != [false; 2], &self.history)
    }
}

/// Zeek's `conn_state` for protocols without connections.
pub(crate) fn datagram_state(forward: u64, backward: u64) -> &'static str {
    match (forward, backward) {
        (_, 0) => "S0",
        (0, _) => "SHR",
        _ => "SF",
    }
}

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
