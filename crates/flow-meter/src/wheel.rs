//! When to look at a flow again: a ring of one-second slots. Entries are not moved with each packet; who is found
//! still alive when its slot comes is put into a later one.

use std::collections::VecDeque;

/// Slot length, nanoseconds.
pub(crate) const TICK_NS: i64 = 1_000_000_000;
const SLOTS: usize = 512;

/// A flow's place in the table, which may have been given to another since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Flows by the second of their next look.
pub(crate) struct Wheel {
    slots: Vec<VecDeque<Slot>>,
    /// The next tick to look at.
    next: i64,
    entries: usize,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { slots: vec![VecDeque::new(); SLOTS], next: i64::MIN, entries: 0 }
    }

    /// Time of the next tick, or never when nothing waits.
    pub(crate) fn next_ns(&self) -> Option<i64> {
        (self.entries > 0).then(|| self.next.saturating_mul(TICK_NS))
    }

    /// Puts a flow where it is looked at once `deadline_ns` has passed, or at the farthest slot before that.
    /// `now_ns` only matters for an empty wheel.
    pub(crate) fn schedule(&mut self, slot: Slot, deadline_ns: i64, now_ns: i64) -> i64 {
        if self.entries == 0 {
            self.next = now_ns.div_euclid(TICK_NS) + 1;
        }
        let tick = deadline_ns.div_euclid(TICK_NS) + 1;
        let tick = tick.clamp(self.next, self.next + SLOTS as i64 - 1);
        self.slots[tick.rem_euclid(SLOTS as i64) as usize].push_back(slot);
        self.entries += 1;
        tick
    }

    /// Takes out the entries of the next tick and moves on.
    pub(crate) fn take(&mut self) -> (i64, VecDeque<Slot>) {
        let tick = self.next;
        let due = std::mem::take(&mut self.slots[tick.rem_euclid(SLOTS as i64) as usize]);
        self.entries -= due.len();
        self.next += 1;
        (tick, due)
    }

    /// Takes out one entry of the next tick that has any.
    pub(crate) fn pop(&mut self) -> Option<(i64, Slot)> {
        if self.entries == 0 {
            return None;
        }
        loop {
            let tick = self.next;
            if let Some(slot) = self.slots[tick.rem_euclid(SLOTS as i64) as usize].pop_front() {
                self.entries -= 1;
                return Some((tick, slot));
            }
            self.next += 1;
        }
    }
}
