//! One TCP connection: how far it came, and what of it was sent again, came late or was never seen.

use super::history::{History, Letter};
use super::sequence::{Place, Sequence};
use super::stage::{Stage, Stages};
use crate::decode::{Packet, Tcp, flag};
use crate::key::Direction;

/// A reset whose number is farther than this from what its end sent is not taken at its word (Zeek's figure).
const RESET_REACH: u32 = 1 << 20;

/// What a SYN, a FIN, a RST or the first packet said of one end. A `u8` of [`known`] tells which were.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// Number of the latest SYN, the latest FIN (its end) and the latest RST.
    syn: u32,
    fin: u32,
    reset: u32,
    initial_window: u16,
    mss: u16,
    window_scale: u8,
    known: u8,
}

/// Bits of [`Told::known`].
mod known {
    pub(super) const SYN: u8 = 1;
    pub(super) const FIN: u8 = 2;
    pub(super) const RESET: u8 = 4;
    pub(super) const WINDOW: u8 = 8;
    pub(super) const MSS: u8 = 16;
    pub(super) const SCALE: u8 = 32;
}

impl Told {
    fn get<T>(&self, bit: u8, value: T) -> Option<T> {
        (self.known & bit != 0).then_some(value)
    }

    /// Notes a number, and tells whether it is another than the one before.
    fn replace(&mut self, bit: u8, number: u32) -> bool {
        let before = self.known & bit != 0;
        self.known |= bit;
        let held = match bit {
            known::SYN => &mut self.syn,
            known::FIN => &mut self.fin,
            _ => &mut self.reset,
        };
        std::mem::replace(held, number) != number || !before
    }
}

/// What went wrong at one end. Most connections have none of it.
#[derive(Debug, Clone, Copy, Default)]
struct Troubles {
    retransmissions: u32,
    out_of_order: u32,
    zero_windows: u32,
    /// How often the letters t, g and w were due, in Zeek's count: t is any segment with payload that brings nothing beyond
    /// the highest number, so a late one too; w also comes with SYN and FIN, but not once the other end closed.
    repeats: u32,
    gaps: u32,
    closed_windows: u32,
}

/// Not a time.
const NEVER: i64 = i64::MIN;

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
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    sequences: [Sequence; 2],
    stages: Stages,
    /// The responder's SYN-ACK came and the initiator's acknowledgement of it did not yet.
    completing: bool,
    was_reset: bool,
    /// Who sent payload outside RST.
    data: [bool; 2],
    history: History,
    /// When the initiator's first SYN was sent, or [`NEVER`].
    syn_ns: i64,
    /// From then to the acknowledgement that completed the handshake, or [`NEVER`].
    handshake_ns: i64,
    told: [Told; 2],
    troubles: Option<Box<[Troubles; 2]>>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            sequences: Default::default(),
            stages: Stages::default(),
            completing: false,
            was_reset: false,
            data: [false; 2],
            history: History::default(),
            syn_ns: NEVER,
            handshake_ns: NEVER,
            told: Default::default(),
            troubles: None,
        }
    }
}

impl Connection {
    /// The history of a flow of any protocol is here: others than TCP have nothing else.
    #[inline]
    pub(crate) fn note_data(&mut self, direction: Direction) {
        self.history.note(Letter::Data, direction);
    }

    /// Gives back what lies elsewhere.
    pub(crate) fn forget_troubles(&mut self) {
        self.troubles = None;
    }

    fn trouble(&mut self, direction: Direction) -> &mut Troubles {
        &mut self.troubles.get_or_insert_default()[direction as usize]
    }

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
        let told = &mut self.told[direction as usize];
        if let (Some(mss), 0) = (tcp.mss, told.known & known::MSS) {
            told.mss = mss;
            told.known |= known::MSS;
        }
        if let (Some(scale), 0) = (tcp.window_scale, told.known & known::SCALE) {
            told.window_scale = scale;
            told.known |= known::SCALE;
        }
        if tcp.flags & flag::ACK != 0 {
            self.completing |= direction == Direction::Backward && self.handshake_ns == NEVER;
        } else if direction == Direction::Forward && self.syn_ns == NEVER {
            self.syn_ns = packet.ts_ns;
        }
        if told.get(known::SYN, told.syn) != Some(tcp.seq) && self.stages.may_begin_again(direction) {
            self.sequences[direction as usize].forget();
            // A SYN is a letter once for all attempts.
            told.syn = tcp.seq;
        }
    }

    /// The letters of SYN, FIN and RST. One of another number than the one before is written again.
    #[cold]
    fn spell(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let has = |bits: u8| tcp.flags & bits == bits;
        let (letter, number, bit) = if has(flag::FIN | flag::RST) {
            return self.history.note(Letter::Inconsistent, direction);
        } else if has(flag::SYN | flag::FIN) || has(flag::SYN | flag::RST) {
            return self.history.note(Letter::Mixed, direction);
        } else if has(flag::SYN) {
            let letter = if has(flag::ACK) { Letter::SynAck } else { Letter::Syn };
            (letter, tcp.seq, known::SYN)
        } else if has(flag::FIN) {
            (Letter::Fin, tcp.seq.wrapping_add(packet.payload_len), known::FIN)
        } else {
            (Letter::Reset, tcp.seq, known::RESET)
        };
        if self.told[direction as usize].replace(bit, number) {
            self.history.note_again(letter, direction);
        }
    }

    #[cold]
    fn zero_window(&mut self, control: bool, flags: u8, direction: Direction) {
        if !control {
            let zero_windows = &mut self.trouble(direction).zero_windows;
            *zero_windows = zero_windows.saturating_add(1);
        }
        // After the other end's last word its window is nobody's concern.
        let told = flags & flag::RST == 0
            && self.stages.of(direction.other()) != Stage::Closed
            && self.stages.of(direction) != Stage::Reset;
        if told && count(&mut self.trouble(direction).closed_windows) {
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
        let troubles = self.trouble(direction);
        match place {
            Place::Late { .. } => troubles.out_of_order = troubles.out_of_order.saturating_add(1),
            Place::Again => troubles.retransmissions = troubles.retransmissions.saturating_add(1),
            Place::Next | Place::Ahead | Place::KeepAlive => {}
        }
        let beyond = place == Place::Late { beyond: true };
        if payload && !beyond && self.stages.of(direction) != Stage::Reset {
            self.repeat(direction);
        }
    }

    fn repeat(&mut self, direction: Direction) {
        if count(&mut self.trouble(direction).repeats) {
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
        let told = &mut self.told[direction as usize];
        if told.known & known::WINDOW == 0 {
            told.initial_window = tcp.window;
            told.known |= known::WINDOW;
        }
        self.stages.update(tcp.flags, payload, direction);
    }

    /// The initiator's first acknowledgement after the SYN-ACK completes the handshake.
    #[cold]
    fn complete(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        if direction == Direction::Forward && tcp.flags & flag::ACK != 0 {
            self.completing = false;
            if self.syn_ns != NEVER {
                self.handshake_ns = packet.ts_ns - self.syn_ns;
            }
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
            if count(&mut self.trouble(direction).gaps) {
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
        self.syn_ns != NEVER
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
        (self.handshake_ns != NEVER).then_some(self.handshake_ns)
    }

    /// Segments sent again, segments that came late, and packets that announced a window of 0.
    pub(crate) fn troubles(&self, direction: Direction) -> [u32; 3] {
        self.troubles.as_ref().map_or([0; 3], |troubles| {
            let Troubles { retransmissions, out_of_order, zero_windows, .. } = troubles[direction as usize];
            [retransmissions, out_of_order, zero_windows]
        })
    }

    /// Window of the first packet, maximum segment size and window scale of the SYN.
    pub(crate) fn offers(&self, direction: Direction) -> (Option<u16>, Option<u16>, Option<u8>) {
        let told = &self.told[direction as usize];
        let initial_window = told.get(known::WINDOW, told.initial_window);
        (initial_window, told.get(known::MSS, told.mss), told.get(known::SCALE, told.window_scale))
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
