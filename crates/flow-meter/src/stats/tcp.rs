//! How far a connection came: Zeek's `conn_state` and `history`.

use crate::decode::{Tcp, flag};
use crate::key::Direction;

const LETTERS_MAX: usize = 16;

/// Letters of Zeek's history, each once a direction, upper case for the initiator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct History {
    letters: [u8; LETTERS_MAX],
    count: u8,
}

impl History {
    pub(crate) fn note(&mut self, letter: u8, direction: Direction) {
        let letter = if direction == Direction::Forward { letter.to_ascii_uppercase() } else { letter };
        let count = usize::from(self.count);
        if count < LETTERS_MAX && !self.letters[..count].contains(&letter) {
            self.letters[count] = letter;
            self.count += 1;
        }
    }

    pub(crate) fn text(&self) -> String {
        self.letters[..usize::from(self.count)].iter().map(|letter| char::from(*letter)).collect()
    }
}

/// What each end has sent so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TcpProgress {
    syn: bool,
    syn_ack: bool,
    fin: [bool; 2],
    /// Who reset first, and whether the connection stood then.
    reset: Option<(Direction, bool)>,
}

impl TcpProgress {
    #[inline]
    pub(crate) fn update(&mut self, tcp: Tcp, direction: Direction, payload: bool, history: &mut History) {
        let flags = tcp.flags;
        let is = |bits: u8| flags & bits != 0;
        if is(flag::SYN) && is(flag::FIN | flag::RST) {
            history.note(b'q', direction);
        } else if is(flag::FIN) && is(flag::RST) {
            history.note(b'i', direction);
        } else if is(flag::SYN) {
            history.note(if is(flag::ACK) { b'h' } else { b's' }, direction);
        }
        if is(flag::SYN) {
            self.syn |= direction == Direction::Forward;
            self.syn_ack |= direction == Direction::Backward && is(flag::ACK);
        } else if is(flag::ACK) && !payload && !is(flag::FIN | flag::RST) {
            history.note(b'a', direction);
        }
        if payload {
            history.note(b'd', direction);
        }
        if is(flag::RST) {
            history.note(b'r', direction);
            self.reset.get_or_insert((direction, self.established()));
        } else if is(flag::FIN) {
            history.note(b'f', direction);
            self.fin[direction as usize] = true;
        }
    }

    fn established(&self) -> bool {
        self.syn && self.syn_ack
    }

    /// Both ends sent FIN.
    pub(crate) fn finished(&self) -> bool {
        self.fin[0] && self.fin[1]
    }

    /// The initiator sent a SYN.
    pub(crate) fn attempted(&self) -> bool {
        self.syn
    }

    pub(crate) fn was_reset(&self) -> bool {
        self.reset.is_some()
    }

    /// Zeek's `conn_state`.
    pub(crate) fn state(&self) -> &'static str {
        match (self.reset, self.syn, self.syn_ack) {
            (Some((Direction::Forward, true)), ..) => "RSTO",
            (Some((Direction::Backward, true)), ..) => "RSTR",
            (Some((Direction::Backward, _)), true, false) => "REJ",
            (Some((Direction::Forward, _)), true, false) => "RSTOS0",
            (Some((Direction::Backward, _)), false, true) => "RSTRH",
            (None, true, true) => match self.fin {
                [true, true] => "SF",
                [true, false] => "S2",
                [false, true] => "S3",
                [false, false] => "S1",
            },
            (None, true, false) if self.fin[0] => "SH",
            (None, false, true) if self.fin[1] => "SHR",
            (None, true, false) => "S0",
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
mod tests {
    use super::*;

    /// Packets as `S>` (from the initiator) and `SA<`; `D` is payload.
    fn check(packets: &str, state: &str, history: &str) {
        let (mut progress, mut letters) = (TcpProgress::default(), History::default());
        for packet in packets.split_whitespace() {
            let direction = if packet.ends_with('>') { Direction::Forward } else { Direction::Backward };
            let bit = |letter| match letter {
                'S' => flag::SYN,
                'A' | 'D' => flag::ACK,
                'F' => flag::FIN,
                'R' => flag::RST,
                _ => 0,
            };
            let flags = packet.chars().map(bit).fold(0, |all, one| all | one);
            let tcp = Tcp { seq: 0, ack: 0, window: 0, flags, mss: None, window_scale: None };
            progress.update(tcp, direction, packet.contains('D'), &mut letters);
        }
        assert_eq!((progress.state(), letters.text().as_str()), (state, history), "{packets}");
    }

    #[test]
    fn states_and_histories() {
        check("S>", "S0", "S");
        check("S> RA<", "REJ", "Sr");
        check("S> R>", "RSTOS0", "SR");
        check("S> SA< A>", "S1", "ShA");
        check("S> SA< A> D> D< FA> FA< A>", "SF", "ShADdFf");
        check("S> SA< A> FA>", "S2", "ShAF");
        check("S> SA< A> FA<", "S3", "ShAf");
        check("S> SA< R>", "RSTO", "ShR");
        check("S> SA< A> R<", "RSTR", "ShAr");
        check("S> F>", "SH", "SF");
        check("D> D<", "OTH", "Dd");
        check("SF>", "SH", "QF");
    }
}
