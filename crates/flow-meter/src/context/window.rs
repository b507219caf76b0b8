//! Time windows that move in aligned steps of a tenth of their length.
//!
//! A value that belongs to time `t` lies in bucket `t / step`. A window of length W read for a flow that began at `t0`
//! covers the buckets from that of `t0 − W` on; what lies later is there only as far as it is known at the reading.

use schema::features::WINDOWS_S;

/// How many windows there are.
pub(crate) const WINDOWS: usize = WINDOWS_S.len();
const STEPS: i64 = 10;
const NS: i64 = 1_000_000_000;

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

/// The latest buckets of one window, and their sum; what falls out of the ring is forgotten.
#[derive(Debug, Clone)]
struct Ring<T> {
    /// Which bucket each place holds. As many as a power of two.
    numbers: Box<[i64]>,
    values: Box<[T]>,
    /// Of all buckets that the ring has.
    sum: T,
}

impl<T: Amount> Ring<T> {
    fn new(length: usize) -> Self {
        let length = length.next_power_of_two();
        Self {
            numbers: vec![i64::MIN; length].into_boxed_slice(),
            values: vec![T::default(); length].into_boxed_slice(),
            sum: T::default(),
        }
    }

    #[inline]
    fn place(&self, number: i64) -> usize {
        number as usize & (self.numbers.len() - 1)
    }

    /// Adds to a bucket, making it when it is newer than what its place holds. A bucket that has fallen out stays out.
    #[inline]
    fn update(&mut self, number: i64, amount: &T) {
        let at = self.place(number);
        if self.numbers[at] < number {
            self.numbers[at] = number;
            self.sum.subtract(&self.values[at]);
            self.values[at] = T::default();
        }
        if self.numbers[at] == number {
            self.values[at].add(amount);
            self.sum.add(amount);
        }
    }

    /// Changes a bucket if it is still there, and the sum alike: `change` adds and takes away, nothing else.
    #[inline]
    fn amend(&mut self, number: i64, mut change: impl FnMut(&mut T)) {
        let at = self.place(number);
        if self.numbers[at] == number {
            change(&mut self.values[at]);
            change(&mut self.sum);
        }
    }

    /// Sum of the buckets from `first` on: all but the few older ones that the ring still has.
    #[inline]
    fn since(&self, first: i64) -> T {
        let mut sum = self.sum;
        for (number, value) in self.numbers.iter().zip(&self.values) {
            if *number < first && *number != i64::MIN {
                sum.subtract(value);
            }
        }
        sum
    }

    #[inline]
    fn each(&self, first: i64) -> impl Iterator<Item = &T> {
        let held = self.numbers.iter().zip(&self.values);
        held.filter(move |(number, _)| **number >= first).map(|(_, value)| value)
    }
}

/// Buckets of every window.
#[derive(Debug, Clone)]
pub(crate) struct Rings<T> {
    rings: [Ring<T>; WINDOWS],
}

impl<T: Amount> Rings<T> {
    /// Rings that hold a window and the look-ahead after it.
    pub(crate) fn new(look_ahead_ns: i64) -> Self {
        let length = |w: usize| (STEPS + look_ahead_ns / step_ns(w) + 3) as usize;
        Self { rings: std::array::from_fn(|w| Ring::new(length(w))) }
    }

    /// Adds to the bucket of each window, making it when it is newer than what its place holds.
    #[inline]
    pub(crate) fn update(&mut self, at: Buckets, amount: &T) {
        for (ring, number) in self.rings.iter_mut().zip(at.0) {
            ring.update(number, amount);
        }
    }

    /// Changes the bucket of each window that still has it.
    #[inline]
    pub(crate) fn amend(&mut self, at: Buckets, mut change: impl FnMut(&mut T)) {
        for (ring, number) in self.rings.iter_mut().zip(at.0) {
            ring.amend(number, &mut change);
        }
    }

    /// As [`Self::amend`], in window `w` only.
    #[inline]
    pub(crate) fn amend_one(&mut self, w: usize, at: Buckets, change: impl FnMut(&mut T)) {
        self.rings[w].amend(at.0[w], change);
    }

    /// Window `w` of a flow that began in `start`.
    #[inline]
    pub(crate) fn since(&self, w: usize, start: Buckets) -> T {
        self.rings[w].since(start.first(w))
    }

    /// Every bucket of window `w` from that of the window's begin on.
    #[inline]
    pub(crate) fn each(&self, w: usize, start: Buckets) -> impl Iterator<Item = &T> {
        self.rings[w].each(start.first(w))
    }

    /// Changes every bucket, and the sums alike.
    pub(crate) fn change_all(&mut self, mut change: impl FnMut(&mut T)) {
        for ring in &mut self.rings {
            ring.values.iter_mut().for_each(&mut change);
            change(&mut ring.sum);
        }
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
                    prop_assert_eq!(rings.since(w, at), rings.each(w, at).sum::<u32>());
                }
            }
        }
    }
}
