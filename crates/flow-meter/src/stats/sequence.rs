//! What one end of a TCP connection sent, told from sequence numbers: what is new, what came late, what came again.
//!
//! Of all that was sent only three things are remembered: the number after the highest one, and the latest two holes below
//! it. What fills an older hole therefore counts as sent again, and of a hole that is filled from its middle while the other
//! is open the later part is forgotten. A packet that was lost before the capture and sent again fills a hole, so it counts
//! as late: without the clock of the sender nothing tells it from one that was overtaken.

/// Whether `a` comes before `b` in a sequence space that wraps (RFC 9293, 3.4).
#[inline]
pub(super) fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// What comes next, or at least in part new; or a segment without length, which fills nothing.
    Next,
    /// After a hole.
    Ahead,
    /// In a hole that is remembered; and perhaps beyond the highest too.
    Late { beyond: bool },
    /// Wholly below the highest, in no hole that is remembered.
    Again,
    /// As [`Self::Again`], but only the last byte that was sent: a keep-alive, or a probe of a window of 0.
    KeepAlive,
}

/// Numbers that were passed over, from the first up to the second without it. Empty when equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Hole {
    from: u32,
    to: u32,
}

impl Hole {
    #[inline]
    fn is_empty(self) -> bool {
        self.from == self.to
    }
}

/// What was seen of one end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sequence {
    next: u32,
    /// The older first, where there are two.
    holes: [Hole; 2],
    begun: bool,
}

impl Sequence {
    /// Takes `length` sequence numbers from `seq` on, of which `payload_len` are payload.
    #[inline]
    pub(super) fn take(&mut self, seq: u32, length: u32, payload_len: u32) -> Place {
        if seq == self.next && self.begun {
            self.next = seq.wrapping_add(length);
            return Place::Next;
        }
        self.take_elsewhere(seq, length, payload_len)
    }

    fn take_elsewhere(&mut self, seq: u32, length: u32, payload_len: u32) -> Place {
        let end = seq.wrapping_add(length);
        if !self.begun {
            (self.begun, self.next) = (true, end);
            return Place::Next;
        }
        if before(self.next, seq) {
            self.open(Hole { from: self.next, to: seq });
            self.next = end;
            return Place::Ahead;
        }
        if length == 0 {
            return Place::Next;
        }
        let late = self.fill(seq, end);
        let beyond = before(self.next, end);
        if beyond {
            self.next = end;
        }
        if late {
            Place::Late { beyond }
        } else if beyond {
            Place::Next
        } else if length == 1 && payload_len == 1 && end == self.next {
            Place::KeepAlive
        } else {
            Place::Again
        }
    }

    fn open(&mut self, hole: Hole) {
        if !self.holes[1].is_empty() {
            self.holes[0] = self.holes[1];
        }
        self.holes[1] = hole;
    }

    /// Whether some of a hole was in these numbers.
    fn fill(&mut self, seq: u32, end: u32) -> bool {
        let mut late = false;
        for at in [0, 1] {
            let Hole { from, to } = self.holes[at];
            if from == to || !before(seq, to) || !before(from, end) {
                continue;
            }
            late = true;
            let left = Hole { from, to: if before(from, seq) { seq } else { from } };
            let right = Hole { from: if before(end, to) { end } else { to }, to };
            self.holes[at] = if left.is_empty() { right } else { left };
            if !left.is_empty() && !right.is_empty() && self.holes[1 - at].is_empty() {
                self.holes = [left, right];
                break;
            }
        }
        late
    }

    /// The other end acknowledged up to `ack`: what is missing below was sent all the same. How many stretches are.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: u32) -> u32 {
        let whole = self.holes[0].is_empty() && self.holes[1].is_empty();
        if !self.begun || (whole && !before(self.next, ack)) { 0 } else { self.missed(ack) }
    }

    #[cold]
    fn missed(&mut self, ack: u32) -> u32 {
        let mut missed = 0;
        for hole in &mut self.holes {
            if !hole.is_empty() && before(hole.from, ack) {
                missed += 1;
                hole.from = if before(ack, hole.to) { ack } else { hole.to };
            }
        }
        if before(self.next, ack) {
            missed += 1;
            self.next = ack;
        }
        missed
    }

    /// Whether `end` goes beyond all that was seen.
    #[inline]
    pub(super) fn is_new(&self, end: u32) -> bool {
        !self.begun || before(self.next, end)
    }

    /// Another connection between the same ports begins: what was sent before says nothing of it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
