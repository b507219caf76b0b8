//! One TCP connection: how far it came, and what of it was sent again, came late or was never seen.

use super::history::{History, Letter};
use crate::decode::{Packet, Tcp, flag};
use crate::key::Direction;

/// How far one end came, as its own packets tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Sent nothing.
    #[default]
    Silent,
    /// Sent something, but no SYN was seen.
    Midway,
    SynSent,
    Established,
    Closed,
    Reset,
}

impl Stage {
    fn is_inactive(self) -> bool {
        matches!(self, Self::Silent | Self::Midway)
    }
}

/// What one end sent.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    /// The sequence number after the highest that was seen.
    next: u32,
    /// The latest hole in what was seen: from, and up to without. Empty when equal.
    hole: [u32; 2],
    retransmissions: u32,
    out_of_order: u32,
    zero_windows: u32,
    gaps: u32,
    data: bool,
    /// `next` holds.
    begun: bool,
    stage: Stage,
    initial_window: Option<u16>,
    mss: Option<u16>,
    window_scale: Option<u8>,
}

/// Whether `a` comes before `b` in a sequence space that wraps (RFC 9293, 3.4).
#[inline]
fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// What comes next, or nothing new in a segment without length.
    Next,
    /// After a hole.
    Ahead,
    /// In a hole that was seen.
    Late,
    /// Wholly seen before.
    Again,
    /// A probe of zero or one byte that was sent before.
    KeepAlive,
}

impl End {
    /// Takes `length` sequence numbers from `seq` on.
    #[inline]
    fn take(&mut self, seq: u32, length: u32, payload_len: u32) -> Place {
        let end = seq.wrapping_add(length);
        if self.begun && seq == self.next {
            self.next = end;
            return Place::Next;
        }
        self.take_elsewhere(seq, end, length, payload_len)
    }

    fn take_elsewhere(&mut self, seq: u32, end: u32, length: u32, payload_len: u32) -> Place {
        if !self.begun {
            (self.begun, self.next) = (true, end);
            return Place::Next;
        }
        if before(self.next, seq) {
            // Only the latest hole is remembered: what fills an older one counts as sent again.
            self.hole = [self.next, seq];
            self.next = end;
            return Place::Ahead;
        }
        let [from, to] = self.hole;
        if from != to && !before(seq, from) && before(seq, to) {
            if seq == from {
                self.hole[0] = if before(end, to) { end } else { to };
            } else {
                self.hole[1] = seq;
            }
            if before(self.next, end) {
                self.next = end;
            }
            return Place::Late;
        }
        if before(self.next, end) {
            self.next = end;
            return Place::Next;
        }
        let probe = length == payload_len && payload_len <= 1 && seq == self.next.wrapping_sub(1);
        if probe { Place::KeepAlive } else { Place::Again }
    }

    /// The other end acknowledged up to `ack`: what is missing below was sent all the same. Whether something was.
    #[inline]
    fn acknowledged(&mut self, ack: u32) -> bool {
        if !self.begun
            || (!before(self.next, ack) && (self.hole[0] == self.hole[1] || !before(self.hole[0], ack)))
        {
            return false;
        }
        self.missed(ack)
    }

    #[cold]
    fn missed(&mut self, ack: u32) -> bool {
        self.hole = [0; 2];
        if before(self.next, ack) {
            self.next = ack;
        }
        self.gaps = self.gaps.saturating_add(1);
        true
    }
}

/// The powers of ten at which a letter is written again.
fn is_power_of_ten(count: u32) -> bool {
    matches!(count, 1 | 10 | 100 | 1_000 | 10_000 | 100_000 | 1_000_000 | 10_000_000)
}

/// All that is known of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connection {
    ends: [End; 2],
    history: History,
    /// A SYN was sent by the initiator, and when.
    syn_ns: Option<i64>,
    /// From the SYN to the acknowledgement that completed the handshake.
    handshake_ns: Option<i64>,
    syn_acked: bool,
    was_reset: bool,
}

impl Connection {
    /// The direction was told from an answer, not from a beginning.
    pub(crate) fn note_flip(&mut self) {
        self.history.note(Letter::Flipped, Direction::Forward);
    }

    #[inline]
    pub(crate) fn update(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let flags = tcp.flags;
        let payload = packet.payload_len > 0;
        self.ends[direction as usize].initial_window.get_or_insert(tcp.window);
        if flags & (flag::SYN | flag::FIN | flag::RST) != 0 {
            self.control(packet, tcp, direction);
        } else {
            let end = &mut self.ends[direction as usize];
            if end.stage == Stage::Silent {
                end.stage = Stage::Midway;
            }
            if flags & flag::ACK != 0 && !payload {
                self.history.note(Letter::Ack, direction);
            }
            if tcp.window == 0 {
                self.zero_window(direction);
            }
            self.complete(packet, tcp, direction);
        }
        if payload {
            self.ends[direction as usize].data = true;
            self.history.note(Letter::Data, direction);
        }
        self.follow(packet, tcp, direction);
    }

    /// SYN, FIN and RST.
    fn control(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let is = |bits: u8| tcp.flags & bits != 0;
        let (at, other) = (direction as usize, 1 - direction as usize);
        if is(flag::SYN) && is(flag::FIN | flag::RST) {
            self.history.note(Letter::Mixed, direction);
        } else if is(flag::FIN) && is(flag::RST) {
            self.history.note(Letter::Inconsistent, direction);
        } else if is(flag::SYN) {
            self.history.note(if is(flag::ACK) { Letter::SynAck } else { Letter::Syn }, direction);
        }
        if is(flag::SYN) {
            self.syn(packet, tcp, direction);
        }
        if is(flag::RST) {
            self.history.note(Letter::Reset, direction);
            self.was_reset = true;
            // Who closed in good order on both sides did not break off.
            if self.ends.iter().any(|end| end.stage != Stage::Closed) {
                self.ends[at].stage = Stage::Reset;
            }
        } else if is(flag::FIN) {
            self.history.note(Letter::Fin, direction);
            if self.ends[at].stage != Stage::Reset {
                self.ends[at].stage = Stage::Closed;
            }
            if self.ends[other].stage == Stage::SynSent && self.syn_acked {
                self.ends[other].stage = Stage::Established;
            }
        }
    }

    fn syn(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        let (at, other) = (direction as usize, 1 - direction as usize);
        let end = &mut self.ends[at];
        end.mss = end.mss.or(tcp.mss);
        end.window_scale = end.window_scale.or(tcp.window_scale);
        if tcp.flags & flag::ACK == 0 {
            if direction == Direction::Forward {
                self.syn_ns.get_or_insert(packet.ts_ns);
            }
            if end.stage.is_inactive() {
                end.stage = Stage::SynSent;
            }
            return;
        }
        self.syn_acked |= direction == Direction::Backward;
        if end.stage.is_inactive() || end.stage == Stage::SynSent {
            end.stage = Stage::Established;
        }
        if self.ends[other].stage == Stage::SynSent {
            self.ends[other].stage = Stage::Established;
        }
    }

    /// The initiator's first acknowledgement after the SYN-ACK completes the handshake.
    #[inline]
    fn complete(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        if self.handshake_ns.is_none()
            && self.syn_acked
            && direction == Direction::Forward
            && tcp.flags & flag::ACK != 0
        {
            self.handshake_ns = self.syn_ns.map(|syn_ns| packet.ts_ns - syn_ns);
        }
    }

    #[cold]
    fn zero_window(&mut self, direction: Direction) {
        let end = &mut self.ends[direction as usize];
        end.zero_windows = end.zero_windows.saturating_add(1);
        if is_power_of_ten(end.zero_windows) {
            self.history.note_again(Letter::ZeroWindow, direction);
        }
    }

    /// Sequence numbers: what was sent, and what the other end has of it.
    #[inline]
    fn follow(&mut self, packet: &Packet, tcp: &Tcp, direction: Direction) {
        // A later fragment has no sequence number of its own.
        if tcp.flags & flag::RST != 0 || packet.fragment.is_some() {
            return;
        }
        let (at, other) = (direction as usize, 1 - direction as usize);
        let extra = u32::from(tcp.flags & flag::SYN != 0) + u32::from(tcp.flags & flag::FIN != 0);
        let length = packet.payload_len + extra;
        if length > 0 {
            match self.ends[at].take(tcp.seq, length, packet.payload_len) {
                Place::Next | Place::Ahead | Place::KeepAlive => {}
                place => self.out_of_place(place, packet.payload_len > 0, direction),
            }
        }
        if tcp.flags & flag::ACK != 0 && self.ends[other].acknowledged(tcp.ack) {
            let of = if direction == Direction::Forward { Direction::Backward } else { Direction::Forward };
            if is_power_of_ten(self.ends[other].gaps) {
                self.history.note_again(Letter::Gap, of);
            }
        }
    }

    #[cold]
    fn out_of_place(&mut self, place: Place, payload: bool, direction: Direction) {
        let end = &mut self.ends[direction as usize];
        if place == Place::Late {
            end.out_of_order = end.out_of_order.saturating_add(1);
            return;
        }
        end.retransmissions = end.retransmissions.saturating_add(1);
        if payload && is_power_of_ten(end.retransmissions) {
            self.history.note_again(Letter::Retransmitted, direction);
        }
    }

    /// Both ends sent FIN.
    #[inline]
    pub(crate) fn finished(&self) -> bool {
        self.ends[0].stage == Stage::Closed && self.ends[1].stage == Stage::Closed
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
        let end = &self.ends[direction as usize];
        [end.retransmissions, end.out_of_order, end.zero_windows]
    }

    /// Window of the first packet, maximum segment size and window scale of the SYN.
    pub(crate) fn offers(&self, direction: Direction) -> (Option<u16>, Option<u16>, Option<u8>) {
        let end = &self.ends[direction as usize];
        (end.initial_window, end.mss, end.window_scale)
    }

    /// Zeek's `conn_state`.
    pub(crate) fn state(&self) -> &'static str {
        let [origin, responder] = self.ends.map(|end| end.stage);
        let no_data = !self.ends[0].data && !self.ends[1].data;
        match (origin, responder) {
            (Stage::SynSent, Stage::Reset) => "REJ",
            (Stage::Reset, Stage::Reset) if no_data => "REJ",
            (_, Stage::Reset) if origin.is_inactive() => "RSTRH",
            (_, Stage::Reset) => "RSTR",
            (Stage::Reset, _) if responder.is_inactive() => "RSTOS0",
            (Stage::Reset, _) => "RSTO",
            (Stage::Closed, Stage::Closed) => "SF",
            (Stage::Closed, _) if responder.is_inactive() => "SH",
            (Stage::Closed, _) => "S2",
            (_, Stage::Closed) if origin.is_inactive() => "SHR",
            (_, Stage::Closed) => "S3",
            (Stage::SynSent, Stage::Silent) => "S0",
            (Stage::Established, Stage::Established) => "S1",
            _ => "OTH",
        }
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
