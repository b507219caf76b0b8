//! How far a TCP connection came, as Zeek tells it: a stage for each end, and `conn_state` from both.

use super::history::History;
use crate::decode::flag;
use crate::key::Direction;

/// How far one end came, as its own packets tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Sent nothing that counts.
    #[default]
    Silent,
    /// Sent something, but no SYN was seen.
    Midway,
    SynSent,
    /// Began with the answer to a SYN.
    SynAckSent,
    Established,
    Closed,
    Reset,
}

impl Stage {
    fn is_inactive(self) -> bool {
        matches!(self, Self::Silent | Self::Midway)
    }
}

/// The stages of both ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stages {
    now: [Stage; 2],
    /// The stage before, of each end.
    before: [Stage; 2],
}

impl Stages {
    #[inline]
    pub(super) fn of(&self, direction: Direction) -> Stage {
        self.now[direction as usize]
    }

    fn set(&mut self, at: usize, stage: Stage) {
        if self.now[at] != stage {
            self.before[at] = self.now[at];
            self.now[at] = stage;
        }
    }

    /// Whether a SYN with another number is the beginning of another attempt, rather than a stray.
    pub(super) fn may_begin_again(&self, direction: Direction) -> bool {
        let at = direction as usize;
        match self.now[at] {
            Stage::Silent | Stage::Closed => false,
            Stage::Reset => self.before[at] == Stage::Silent,
            Stage::Midway | Stage::SynSent | Stage::SynAckSent | Stage::Established => true,
        }
    }

    /// Both ends are connected, or closed in good order after that. Only then is what is missing known to be missing.
    pub(super) fn are_clean(&self) -> bool {
        let clean = |at: usize| {
            self.now[at] == Stage::Established
                || (self.now[at] == Stage::Closed && self.before[at] == Stage::Established)
        };
        clean(0) && clean(1)
    }

    #[inline]
    pub(super) fn both_closed(&self) -> bool {
        self.now == [Stage::Closed; 2]
    }

    /// Follows one packet. Packets without SYN, FIN and RST matter only while their end is silent.
    pub(super) fn update(&mut self, flags: u8, payload: bool, direction: Direction) {
        let at = direction as usize;
        match self.now[at] {
            Stage::Silent => self.first(flags, payload, direction),
            Stage::SynSent | Stage::SynAckSent => self.close(flags, at),
            Stage::Midway | Stage::Established => {
                let syn = flags & (flag::SYN | flag::ACK) == flag::SYN;
                if syn && self.now[at] == Stage::Midway && self.now[1 - at] == Stage::Silent {
                    self.set(at, Stage::SynSent);
                }
                self.close(flags, at);
            }
            Stage::Closed if flags & flag::RST != 0 && self.now[1 - at] != Stage::Closed => {
                self.set(at, Stage::Reset);
            }
            Stage::Closed | Stage::Reset => {}
        }
    }

    /// FIN and RST of an end that was neither closed nor reset.
    fn close(&mut self, flags: u8, at: usize) {
        if flags & flag::FIN != 0 {
            let connected = matches!(self.now[at], Stage::Midway | Stage::Established);
            self.set(at, Stage::Closed);
            // FIN then RST from one end, and FIN from the other, is a good end.
            let other = 1 - at;
            if connected
                && flags & flag::RST == 0
                && self.now[other] == Stage::Reset
                && self.before[other] == Stage::Closed
            {
                self.set(other, Stage::Closed);
            }
        }
        if flags & flag::RST != 0 {
            self.set(at, Stage::Reset);
        }
    }

    /// The first packet of an end, or one after others that said nothing.
    #[cold]
    fn first(&mut self, flags: u8, payload: bool, direction: Direction) {
        let (at, other) = (direction as usize, 1 - direction as usize);
        let (syn, ack) = (flags & flag::SYN != 0, flags & flag::ACK != 0);
        if syn {
            self.first_syn(ack, direction);
        }
        self.close(flags, at);
        if self.now[at] != Stage::Silent {
            return;
        }
        if ack && self.now[other] == Stage::Established {
            // Its SYN was answered, so there was one.
            self.set(at, Stage::Established);
        } else if direction == Direction::Forward || payload || self.now[other] != Stage::SynSent {
            self.set(at, Stage::Midway);
        }
        // Some acknowledge a SYN before they answer it: that alone is no beginning.
    }

    fn first_syn(&mut self, ack: bool, direction: Direction) {
        let (at, other) = (direction as usize, 1 - direction as usize);
        if direction == Direction::Backward {
            if self.now[other] == Stage::SynSent {
                self.set(other, Stage::Established);
            }
            self.set(at, Stage::Established);
        } else if ack {
            self.set(at, Stage::SynAckSent);
        } else if self.now[other] == Stage::Established {
            // The answer was captured before the SYN.
            self.set(at, Stage::Established);
        } else {
            self.set(at, Stage::SynSent);
        }
    }

    /// Zeek's `conn_state`. `data` tells whether anyone sent any.
    pub(super) fn name(&self, data: bool, history: &History) -> &'static str {
        let [origin, responder] = self.now;
        match (origin, responder) {
            (Stage::SynSent | Stage::SynAckSent, Stage::Reset) => "REJ",
            (Stage::Reset, Stage::Reset) if !data => "REJ",
            (_, Stage::Reset) if origin.is_inactive() => "RSTRH",
            (_, Stage::Reset) => "RSTR",
            (Stage::Reset, _) if !responder.is_inactive() => "RSTO",
            (Stage::Reset, _) if history.gave_up() => "RSTOS0",
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
