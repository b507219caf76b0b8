//! A map with a bound: when it is full, the entry that was idle longest among a few looked at makes room.

use crate::index::Index;
use crate::prefetch;
use crate::slab::Slab;

/// Entries looked at to find one to evict.
const LOOKED_AT: usize = 16;

/// An entry's place, which may have been given to another since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ref {
    index: u32,
    generation: u32,
}

impl Default for Ref {
    /// A place that nothing is at.
    fn default() -> Self {
        Self { index: u32::MAX, generation: 0 }
    }
}

struct Slot<K, V> {
    value: V,
    key: K,
    hash: u32,
    generation: u32,
}

/// At most `max` entries. Whoever asks for a key brings its hash along.
pub(crate) struct Bounded<K, V> {
    index: Index,
    slots: Slab<Slot<K, V>>,
    max: usize,
    hand: usize,
    /// Place of the entry asked for last: the two ends of a flow must not push each other out.
    latest: usize,
    evicted: u64,
    /// Generation that new slots begin with, so that places from before a clear stay invalid.
    epoch: u32,
}

impl<K: Copy + Eq, V: Default> Bounded<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            index: Index::new(),
            slots: Slab::new(),
            max,
            hand: 0,
            latest: usize::MAX,
            evicted: 0,
            epoch: 0,
        }
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Forgets every entry; places given out before find nothing.
    pub(crate) fn clear(&mut self) {
        self.index = Index::new();
        self.slots.clear();
        self.hand = 0;
        self.latest = usize::MAX;
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Has the cell fetched where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch_cell(&self, hash: u32) {
        self.index.prefetch(hash);
    }

    /// Has the entry fetched that a search for `hash` most likely finds.
    #[inline]
    pub(crate) fn prefetch_likely(&self, hash: u32) {
        if let Some(slot) = self.index.likely(hash).and_then(|at| self.slots.find(at)) {
            prefetch::value(slot);
        }
    }

    /// Has an entry fetched.
    #[inline]
    pub(crate) fn prefetch(&self, place: Ref) {
        if let Some(slot) = self.slots.find(place.index) {
            prefetch::value(slot);
        }
    }

    fn at(&self, key: &K, hash: u32) -> Option<u32> {
        self.index.find(hash, |at| self.slots.get(at).key == *key)
    }

    /// The entry of `key`, made when it is not there. `last_ns` says when an entry was last used.
    pub(crate) fn entry(&mut self, key: K, hash: u32, last_ns: impl Fn(&V) -> i64) -> (Ref, &mut V) {
        let at = match self.at(&key, hash) {
            Some(at) => at,
            None => self.insert(key, hash, last_ns),
        };
        self.latest = at as usize;
        let slot = self.slots.get_mut(at);
        (Ref { index: at, generation: slot.generation }, &mut slot.value)
    }

    /// The place of `key`, if it has one.
    pub(crate) fn find(&self, key: &K, hash: u32) -> Option<Ref> {
        let at = self.at(key, hash)?;
        Some(Ref { index: at, generation: self.slots.get(at).generation })
    }

    fn insert(&mut self, key: K, hash: u32, last_ns: impl Fn(&V) -> i64) -> u32 {
        let at = if self.slots.len() < self.max {
            self.slots.push(Slot { key, value: V::default(), hash, generation: self.epoch << 16 })
        } else {
            let at = self.oldest(last_ns);
            let slot = self.slots.get_mut(at);
            self.index.remove(slot.hash, at);
            *slot = Slot { key, value: V::default(), hash, generation: slot.generation.wrapping_add(1) };
            self.evicted += 1;
            at
        };
        self.index.insert(hash, at);
        at
    }

    /// Looks at the next few entries in turn, however many share one time: a flood at a single instant must not cost a walk
    /// through the table a packet.
    fn oldest(&mut self, last_ns: impl Fn(&V) -> i64) -> u32 {
        let count = self.slots.len();
        let places = (0..LOOKED_AT.min(count)).map(|step| (self.hand + step) % count);
        let oldest = places
            .filter(|at| *at != self.latest)
            .min_by_key(|at| last_ns(&self.slots.get(*at as u32).value));
        self.hand = (self.hand + LOOKED_AT) % count;
        oldest.unwrap_or(0) as u32
    }

    pub(crate) fn get(&self, place: Ref) -> Option<&V> {
        let slot = self.slots.find(place.index)?;
        (slot.generation == place.generation).then_some(&slot.value)
    }

    pub(crate) fn get_with_key(&self, place: Ref) -> Option<(&K, &V)> {
        let slot = self.slots.find(place.index)?;
        (slot.generation == place.generation).then_some((&slot.key, &slot.value))
    }

    pub(crate) fn get_mut(&mut self, place: Ref) -> Option<&mut V> {
        let slot = self.slots.find_mut(place.index)?;
        (slot.generation == place.generation).then_some(&mut slot.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_the_oldest_goes() {
        let mut table = Bounded::<u32, i64>::new(3);
        let mut places = Vec::new();
        for key in 0..3 {
            let (place, value) = table.entry(key, key * 7, |last| *last);
            *value = i64::from(key);
            places.push(place);
        }
        let (_, value) = table.entry(9, 63, |last| *last);
        *value = 9;
        assert_eq!((table.evicted(), table.slots.len(), table.index.len()), (1, 3, 3));
        assert_eq!(table.get(places[0]), None);
        assert_eq!(table.get(places[1]), Some(&1));
    }
}
