//! How many packets had each TCP flag, per direction.

use crate::key::Direction;

/// Bit `n` of a flag byte in byte `n` of a word.
static SPREAD: [u64; 256] = {
    let mut table = [0u64; 256];
    let mut flags = 0;
    while flags < 256 {
        let mut bit = 0;
        while bit < 8 {
            if flags >> bit & 1 == 1 {
                table[flags] |= 1 << (bit * 8);
            }
            bit += 1;
        }
        flags += 1;
    }
    table
};

/// Eight counters a direction, each a byte of one word until it is full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    lanes: [u64; 2],
    /// Packets since the lanes were emptied.
    pending: [u8; 2],
    /// OR of all.
    seen: [u8; 2],
    full: Option<Box<[[u32; 8]; 2]>>,
}

impl Flags {
    /// Gives back what lies elsewhere.
    pub(crate) fn forget(&mut self) {
        self.full = None;
    }

    #[inline]
    pub(crate) fn update(&mut self, flags: u8, direction: Direction) {
        let at = direction as usize;
        self.seen[at] |= flags;
        self.lanes[at] += SPREAD[usize::from(flags)];
        self.pending[at] += 1;
        if self.pending[at] == u8::MAX {
            self.empty(at);
        }
    }

    #[cold]
    fn empty(&mut self, at: usize) {
        let full = &mut self.full.get_or_insert_default()[at];
        for (count, lane) in full.iter_mut().zip(self.lanes[at].to_le_bytes()) {
            *count = count.saturating_add(u32::from(lane));
        }
        self.lanes[at] = 0;
        self.pending[at] = 0;
    }

    /// OR of the flags of one direction.
    pub(crate) fn seen(&self, direction: Direction) -> u8 {
        self.seen[direction as usize]
    }

    /// Packets with each flag, from the lowest bit: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR.
    pub(crate) fn counts(&self, direction: Direction) -> [u32; 8] {
        let at = direction as usize;
        let lanes = self.lanes[at].to_le_bytes().map(u32::from);
        match &self.full {
            Some(full) => std::array::from_fn(|bit| full[at][bit].saturating_add(lanes[bit])),
            None => lanes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_a_byte() {
        let mut flags = Flags::default();
        (0..1000).for_each(|_| flags.update(0x18, Direction::Backward));
        flags.update(0x81, Direction::Backward);
        assert_eq!(flags.counts(Direction::Backward), [1, 0, 0, 1000, 1000, 0, 0, 1]);
        assert_eq!(flags.counts(Direction::Forward), [0; 8]);
        assert_eq!(flags.seen(Direction::Backward), 0x99);
    }
}
