//! How many distinct values a sliding window saw: exact up to [`EXACT_MAX`], then a sketch.
//!
//! Each value (or, in the sketch, each of [`SLOTS`] hash slots) keeps the time when it was last seen; the window's
//! buckets count how many were last seen in each, so a window's count is a sum over its buckets. The sketch is linear counting
//! (Whang, Vander-Zanden and Taylor 1990): `−m ln(share of slots not seen)`. With m = 8,192 its standard error is
//! 0.9 % at 8,192 values, 2 % at 30,000 and 8 % at 65,000; it saturates at `m ln m` = 73,800.

use super::window::reach_ns;
use hashbrown::HashMap;

/// Values counted exactly.
pub(crate) const EXACT_MAX: usize = 1024;
const SLOTS: usize = 8192;

/// Distinct values of one host in one role, with the time when each was last seen.
#[derive(Debug, Clone)]
pub(crate) enum Distinct {
    Exact(HashMap<u64, i64>),
    /// Time last seen of each slot, `i64::MIN` for never.
    Sketch(Box<[i64]>),
}

/// What a value changes in the buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Never before, as far as is known.
    New,
    /// Last at this time.
    Last(i64),
    /// The sketch has begun: all must be counted anew from [`Distinct::last_seen`].
    Anew,
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(HashMap::new())
    }
}

impl Distinct {
    /// `value` is a hash, or a value whose bits are used as they are.
    pub(crate) fn add(&mut self, value: u64, ts_ns: i64) -> Seen {
        let anew = self.make_room(ts_ns);
        let before = match self {
            Self::Exact(map) => map.insert(value, ts_ns),
            Self::Sketch(slots) => {
                let before = std::mem::replace(&mut slots[slot(value)], ts_ns);
                (before != i64::MIN).then_some(before)
            }
        };
        if anew { Seen::Anew } else { before.map_or(Seen::New, Seen::Last) }
    }

    /// A full exact map first forgets what no window reaches, then becomes a sketch; whether it did.
    fn make_room(&mut self, ts_ns: i64) -> bool {
        let Self::Exact(map) = self else { return false };
        if map.len() < EXACT_MAX {
            return false;
        }
        map.retain(|_, last| *last >= ts_ns - reach_ns());
        if map.len() * 2 < EXACT_MAX {
            return false;
        }
        let mut slots = vec![i64::MIN; SLOTS].into_boxed_slice();
        for (value, last) in map {
            let held = &mut slots[slot(*value)];
            *held = (*held).max(*last);
        }
        *self = Self::Sketch(slots);
        true
    }

    /// When each value, or slot, was last seen.
    pub(crate) fn last_seen(&self) -> impl Iterator<Item = i64> {
        let (map, slots) = match self {
            Self::Exact(map) => (Some(map), None),
            Self::Sketch(slots) => (None, Some(slots)),
        };
        let of_slots = slots.into_iter().flat_map(|slots| slots.iter().copied());
        map.into_iter().flat_map(|map| map.values().copied()).chain(of_slots).filter(|last| *last != i64::MIN)
    }

    /// Distinct values where `seen` of the values, or slots, were last seen.
    pub(crate) fn count(&self, seen: u32) -> f64 {
        match self {
            Self::Exact(_) => f64::from(seen),
            Self::Sketch(_) => {
                let m = SLOTS as f64;
                // One slot is always taken as free: the sketch says at most m ln m.
                let free = (m - f64::from(seen)).max(1.0);
                (m * (m / free).ln()).round()
            }
        }
    }
}

/// The high bits of a multiplicative hash: fixed, so that every run counts alike.
fn slot(value: u64) -> usize {
    let mixed = (value ^ value >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 51) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    /// The errors that the module's head states, within three standard errors.
    #[test]
    fn the_sketch_keeps_its_promised_error() {
        for (values, error) in [(2_000_u64, 0.01), (8_192, 0.009), (30_000, 0.02), (65_000, 0.08)] {
            let mut distinct = Distinct::default();
            for value in 0..values {
                distinct.add(value.wrapping_mul(0x1234_5678_9abc_def1), 1000 * S);
            }
            let off =
                (distinct.count(distinct.last_seen().count() as u32) - values as f64).abs() / values as f64;
            assert!(off <= 3.0 * error, "{values}: {off}");
        }
    }

    #[test]
    fn a_host_that_sees_new_values_all_day_stays_exact_when_each_window_is_small() {
        let mut distinct = Distinct::default();
        for value in 0..20_000 {
            assert_eq!(distinct.add(value, value as i64 * 4 * S), Seen::New);
        }
        assert!(matches!(distinct, Distinct::Exact(_)));
        assert_eq!(distinct.add(19_999, 0), Seen::Last(19_999 * 4 * S));
    }
}
