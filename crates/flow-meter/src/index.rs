//! From a key's hash to the place of what has that key: open addressing with linear probing, one word a cell.
//!
//! A cell holds the whole 32-bit hash beside the place, so that growing and removing never touch what lies there, and so
//! that a batch can find its cells, and have them fetched, before the first of them is needed.

use crate::prefetch;

const FREE: u32 = u32::MAX;
const CELLS_MIN: usize = 1 << 10;

#[derive(Debug, Clone, Copy)]
struct Cell {
    hash: u32,
    /// The place, or [`FREE`].
    at: u32,
}

/// Places by hash. Several places may have the same hash.
#[derive(Debug)]
pub(crate) struct Index {
    /// Their number is a power of two.
    cells: Vec<Cell>,
    len: usize,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { cells: vec![Cell { hash: 0, at: FREE }; CELLS_MIN], len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn mask(&self) -> usize {
        self.cells.len() - 1
    }

    /// Fetches the cell where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        prefetch::element(&self.cells, hash as usize & self.mask());
    }

    /// The first place with this hash, most likely the one that a search would find.
    #[inline]
    pub(crate) fn likely(&self, hash: u32) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The place with this hash that `is_it`.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.mask();
        let mut cell = hash as usize & mask;
        loop {
            let Cell { hash: held, at } = self.cells[cell];
            if at == FREE {
                return None;
            }
            if held == hash && is_it(at) {
                return Some(at);
            }
            cell = (cell + 1) & mask;
        }
    }

    pub(crate) fn insert(&mut self, hash: u32, at: u32) {
        // At most five cells of eight are taken: a search ends after a step or two.
        if (self.len + 1) * 8 > self.cells.len() * 5 {
            self.grow();
        }
        self.put(Cell { hash, at });
        self.len += 1;
    }

    fn put(&mut self, new: Cell) {
        let mask = self.mask();
        let mut cell = new.hash as usize & mask;
        while self.cells[cell].at != FREE {
            cell = (cell + 1) & mask;
        }
        self.cells[cell] = new;
    }

    fn grow(&mut self) {
        let twice = vec![Cell { hash: 0, at: FREE }; self.cells.len() * 2];
        let old = std::mem::replace(&mut self.cells, twice);
        old.into_iter().filter(|cell| cell.at != FREE).for_each(|cell| self.put(cell));
    }

    /// Removes `at`, which was inserted with `hash`. The cells behind it move up, so that no search ends too early.
    pub(crate) fn remove(&mut self, hash: u32, at: u32) {
        let mask = self.mask();
        let mut hole = hash as usize & mask;
        while self.cells[hole].at != at {
            if self.cells[hole].at == FREE {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        let mut cell = hole;
        loop {
            cell = (cell + 1) & mask;
            let Cell { hash, at } = self.cells[cell];
            if at == FREE {
                break;
            }
            let home = hash as usize & mask;
            if cell.wrapping_sub(home) & mask >= cell.wrapping_sub(hole) & mask {
                self.cells[hole] = self.cells[cell];
                hole = cell;
            }
        }
        self.cells[hole].at = FREE;
    }

    /// Every place, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.cells.iter().map(|cell| cell.at).filter(|at| *at != FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        /// Few hashes, so that they collide, against a set.
        #[test]
        fn does_what_a_set_does(steps in prop::collection::vec((any::<bool>(), 0u32..400), 0..4000)) {
            let hash_of = |at: u32| (at % 50) * 21;
            let (mut index, mut set) = (Index::new(), HashSet::new());
            for (insert, at) in steps {
                if insert && !set.contains(&at) {
                    index.insert(hash_of(at), at);
                    set.insert(at);
                } else if !insert {
                    index.remove(hash_of(at), at);
                    set.remove(&at);
                }
                prop_assert_eq!(index.len(), set.len());
            }
            for at in 0..400 {
                let found = index.find(hash_of(at), |other| other == at);
                prop_assert_eq!(found.is_some(), set.contains(&at));
            }
        }
    }

    #[test]
    fn grows() {
        let mut index = Index::new();
        (0..100_000u32).for_each(|at| index.insert(at.wrapping_mul(0x9e37_79b9), at));
        for at in 0..100_000u32 {
            assert_eq!(index.find(at.wrapping_mul(0x9e37_79b9), |other| other == at), Some(at));
        }
        assert_eq!(index.iter().count(), 100_000);
    }
}
