//! Time windows that move in aligned steps of a tenth of their length.
//!
//! A value that belongs to time `t` lies in bucket `t / step`. A window of length W read for a flow that began at `t0`
//! covers the buckets from that of `t0 − W` on; what lies later is there only as far as it is known at the reading.

use crate::prefetch;
use schema::features::WINDOWS_S;

/// How many windows there are.
pub(crate) const WINDOWS: usize = WINDOWS_S.len();
const STEPS: i64 = 10;
const NS: i64 = 1_000_000_000;
/// A longer look-ahead sees no more than this.
const LOOK_AHEAD_MAX_NS: i64 = 3600 * NS;

/// Step of window `w` in steps of the shortest, by which the others can be told from it without a division by a variable.
const MULTIPLES: [i64; WINDOWS] = {
    let mut multiples = [1; WINDOWS];
    let mut w = 0;
    while w < WINDOWS {
        assert!(WINDOWS_S[w].is_multiple_of(WINDOWS_S[0]), "every window is a multiple of the shortest");
        multiples[w] = (WINDOWS_S[w] / WINDOWS_S[0]) as i64;
        w += 1;
    }
    multiples
};
const SHORTEST_STEP_NS: i64 = WINDOWS_S[0] as i64 * NS / STEPS;

/// Step of window `w`, nanoseconds.
pub(crate) const fn step_ns(w: usize) -> i64 {
    SHORTEST_STEP_NS * MULTIPLES[w]
}

/// The buckets of one time, one in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Buckets(pub(crate) [i64; WINDOWS]);

impl Buckets {
    #[inline]
    pub(crate) fn at(ts_ns: i64) -> Self {
        let shortest = ts_ns.div_euclid(SHORTEST_STEP_NS);
        // Unrolled, each divisor is a constant.
        Self([
            shortest,
            shortest.div_euclid(const { MULTIPLES[1] }),
            shortest.div_euclid(const { MULTIPLES[2] }),
        ])
    }

    /// First bucket of window `w` for a flow that began in these: a window is a whole number of steps.
    #[inline]
    pub(crate) fn first(&self, w: usize) -> i64 {
        self.0[w] - STEPS
    }
}

/// Longest time that any window reaches back from a flow's start, nanoseconds, steps included.
pub(crate) fn reach_ns() -> i64 {
    (0..WINDOWS).map(|w| i64::from(WINDOWS_S[w]) * NS + step_ns(w)).max().unwrap_or(0)
}

/// What a bucket holds: numbers that can be added up, and taken out again.
pub(crate) trait Amount: Copy + Default {
    fn add(&mut self, other: &Self);
    fn subtract(&mut self, other: &Self);
}

impl Amount for u32 {
    #[inline]
    fn add(&mut self, other: &Self) {
        *self = self.wrapping_add(*other);
    }

    #[inline]
    fn subtract(&mut self, other: &Self) {
        *self = self.wrapping_sub(*other);
    }
}

/// Which bucket a place holds, and how many flows began in it.
#[derive(Debug, Clone, Copy)]
struct Held {
    number: i64,
    flows: u32,
}

impl Held {
    /// No bucket.
    const NONE: Self = Self { number: i64::MIN, flows: 0 };
}

/// The latest buckets of every window, a ring each, and the sum of each ring. What falls out of a ring is forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Rings<T> {
    /// One ring behind the other.
    held: Box<[Held]>,
    values: Box<[T]>,
    sums: [T; WINDOWS],
    windows: [Ring; WINDOWS],
}

/// Where a ring lies. It has as many places as a power of two.
#[derive(Debug, Clone, Copy, Default)]
struct Ring {
    from: u16,
    length: u16,
}

impl Ring {
    #[inline]
    fn place(self, number: i64) -> usize {
        usize::from(self.from) + (number as usize & (usize::from(self.length) - 1))
    }

    fn places(self) -> std::ops::Range<usize> {
        usize::from(self.from)..usize::from(self.from) + usize::from(self.length)
    }
}

impl<T: Amount> Rings<T> {
    /// Rings that hold a window and the look-ahead after it.
    pub(crate) fn new(look_ahead_ns: i64) -> Self {
        let mut windows = [Ring::default(); WINDOWS];
        let mut all = 0;
        for (w, ring) in windows.iter_mut().enumerate() {
            let buckets = STEPS + look_ahead_ns.clamp(0, LOOK_AHEAD_MAX_NS) / step_ns(w) + 3;
            let length = (buckets as u16).next_power_of_two();
            *ring = Ring { from: all, length };
            all += length;
        }
        let all = usize::from(all);
        let values = vec![T::default(); all].into_boxed_slice();
        Self { held: vec![Held::NONE; all].into_boxed_slice(), values, sums: Default::default(), windows }
    }

    /// Adds a flow to the bucket of each window, making it when it is newer than what its place holds. A bucket that has
    /// fallen out stays out.
    #[inline]
    pub(crate) fn update(&mut self, at: Buckets, amount: &T) {
        for (w, number) in at.0.into_iter().enumerate() {
            let place = self.windows[w].place(number);
            let (held, value) = (&mut self.held[place], &mut self.values[place]);
            if held.number < number {
                *held = Held { number, flows: 0 };
                self.sums[w].subtract(value);
                *value = T::default();
            }
            if held.number == number {
                held.flows += 1;
                value.add(amount);
                self.sums[w].add(amount);
            }
        }
    }

    /// Changes the bucket of each window that still has it: `change` adds and takes away, nothing else.
    #[inline]
    pub(crate) fn amend(&mut self, at: Buckets, mut change: impl FnMut(&mut T)) {
        (0..WINDOWS).for_each(|w| self.amend_one(w, at, &mut change));
    }

    /// As [`Self::amend`], in window `w` only.
    #[inline]
    pub(crate) fn amend_one(&mut self, w: usize, at: Buckets, mut change: impl FnMut(&mut T)) {
        let place = self.windows[w].place(at.0[w]);
        if self.held[place].number == at.0[w] {
            change(&mut self.values[place]);
            change(&mut self.sums[w]);
        }
    }

    /// Window `w` of a flow that began in `start`, and the flows of its busiest bucket: all that the ring has but the few
    /// buckets that are older.
    #[inline]
    pub(crate) fn since(&self, w: usize, start: Buckets) -> (T, u32) {
        let first = start.first(w);
        let places = self.windows[w].places();
        let mut sum = self.sums[w];
        let mut busiest = 0;
        for (held, value) in self.held[places.clone()].iter().zip(&self.values[places]) {
            if held.number >= first {
                busiest = busiest.max(held.flows);
            } else if held.number != i64::MIN {
                sum.subtract(value);
            }
        }
        (sum, busiest)
    }

    /// Changes every bucket, and the sums alike.
    pub(crate) fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.values.iter_mut().chain(&mut self.sums).for_each(change);
    }

    /// Has its buckets of the shortest window fetched.
    #[inline]
    pub(crate) fn prefetch(&self) {
        prefetch::slice(&self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_those_of_each_step() {
        for ts_ns in [0, 1, -1, 59_999_999_999, 60_000_000_000, 1_795_384_320_910_712_000, -61_000_000_001] {
            let at = Buckets::at(ts_ns);
            for (w, seconds) in WINDOWS_S.iter().enumerate() {
                assert_eq!(at.0[w], ts_ns.div_euclid(step_ns(w)), "{ts_ns} {w}");
                let window_ns = i64::from(*seconds) * NS;
                assert_eq!(at.first(w), (ts_ns - window_ns).div_euclid(step_ns(w)), "{ts_ns} {w}");
            }
        }
    }

    proptest! {
        /// The sum that is kept and the sum of the buckets are the same.
        #[test]
        fn sums_hold(steps in prop::collection::vec((0i64..9_000, 1u32..9, any::<bool>()), 1..200)) {
            let mut rings = Rings::<u32>::new(5 * NS);
            let (mut now, mut last) = (1_000 * NS, Buckets::default());
            for (gap_ms, amount, amend) in steps {
                now += gap_ms * 1_000_000;
                let at = Buckets::at(now);
                rings.update(at, &amount);
                if amend {
                    rings.amend(last, |value| *value += 1);
                }
                last = at;
                for w in 0..WINDOWS {
                    let places = rings.windows[w].places();
                    let held = rings.held[places.clone()].iter().zip(&rings.values[places]);
                    let sum: u32 =
                        held.filter(|(held, _)| held.number >= at.first(w)).map(|(_, value)| value).sum();
                    prop_assert_eq!(rings.since(w, at).0, sum);
                }
            }
        }
    }
}
