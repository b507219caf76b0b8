//! Zeek's `history`: what happened in a flow, a letter each.

use crate::key::Direction;

/// What a letter stands for. `c` (a wrong checksum) and `x` (analysis given up) are never written: checksums are not
/// looked at, since the sender's own card often fills them in after the capture, and no analysis is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    Syn,
    SynAck,
    Ack,
    Data,
    Fin,
    Reset,
    /// FIN and RST in one packet.
    Inconsistent,
    /// SYN and FIN, or SYN and RST, in one packet.
    Mixed,
    Flipped,
    Gap,
    Retransmitted,
    ZeroWindow,
}

const LETTERS: [u8; 12] = *b"shadfriq^gtw";
/// Letters kept of one flow. Zeek keeps all; only resets and FINs that each come with another number go on for ever.
const LETTERS_MAX: usize = 32;

/// Letters in the order of what they stand for, upper case for the initiator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct History {
    /// Bit `letter`, and for the responder bit `16 + letter`: written before.
    seen: u32,
    count: u8,
    letters: [u8; LETTERS_MAX],
}

impl History {
    /// Writes a letter once a direction.
    #[inline]
    pub(crate) fn note(&mut self, letter: Letter, direction: Direction) {
        let bit = 1 << (letter as u32 + 16 * direction as u32);
        if self.seen & bit == 0 {
            self.seen |= bit;
            self.note_again(letter, direction);
        }
    }

    /// Writes a letter whether or not it is there.
    #[cold]
    pub(crate) fn note_again(&mut self, letter: Letter, direction: Direction) {
        let written = LETTERS[letter as usize];
        if let Some(place) = self.letters.get_mut(usize::from(self.count)) {
            *place = if direction == Direction::Forward { written.to_ascii_uppercase() } else { written };
            self.count += 1;
        }
    }

    /// Whether the initiator gave its SYN up by RST, with nothing but data, repetitions and the like between: what Zeek
    /// asks for before it says RSTOS0.
    pub(crate) fn gave_up(&self) -> bool {
        let text = self.letters.split(|letter| *letter == 0).next().unwrap_or(&[]);
        let text = text.strip_prefix(b"^").unwrap_or(text);
        let Some(after_syn) = text.strip_prefix(b"S") else { return false };
        after_syn.iter().find(|letter| b"HAFGIQR".contains(letter)) == Some(&b'R')
    }

    pub(crate) fn text(&self) -> String {
        self.letters[..usize::from(self.count)].iter().map(|letter| char::from(*letter)).collect()
    }
}
