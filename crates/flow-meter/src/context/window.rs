//! Time windows that move in aligned steps of a tenth of their length.
//!
//! A value that belongs to time `t` lies in bucket `t / step`. A window of length W read for a flow that began at `t0`
//! covers the buckets from that of `t0 − W` on; what lies later is there only as far as it is known at the reading.

use schema::features::WINDOWS_S;

/// How many windows there are.
pub(crate) const WINDOWS: usize = WINDOWS_S.len();
const STEPS: i64 = 10;
const NS: i64 = 1_000_000_000;

/// Step of window `w`, nanoseconds.
pub(crate) fn step_ns(w: usize) -> i64 {
    i64::from(WINDOWS_S[w]) * NS / STEPS
}

/// The bucket that holds `ts_ns` in window `w`.
pub(crate) fn bucket(w: usize, ts_ns: i64) -> i64 {
    ts_ns.div_euclid(step_ns(w))
}

/// First bucket of window `w` for a flow that began at `start_ns`.
pub(crate) fn first_bucket(w: usize, start_ns: i64) -> i64 {
    bucket(w, start_ns - i64::from(WINDOWS_S[w]) * NS)
}

/// Longest time that any window reaches back from a flow's start, nanoseconds, steps included.
pub(crate) fn reach_ns() -> i64 {
    (0..WINDOWS).map(|w| i64::from(WINDOWS_S[w]) * NS + step_ns(w)).max().unwrap_or(0)
}

/// Buckets of every window, each with its own ring; what falls out of a ring is forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Rings<T> {
    rings: [Vec<(i64, T)>; WINDOWS],
}

impl<T: Copy + Default> Rings<T> {
    /// Rings that hold a window and the look-ahead after it.
    pub(crate) fn new(look_ahead_ns: i64) -> Self {
        let length = |w: usize| (STEPS + look_ahead_ns / step_ns(w) + 3) as usize;
        Self { rings: std::array::from_fn(|w| vec![(i64::MIN, T::default()); length(w)]) }
    }

    /// Changes the bucket of `ts_ns` in each window, making it when it is newer than what its place holds.
    #[inline]
    pub(crate) fn update(&mut self, ts_ns: i64, mut change: impl FnMut(&mut T)) {
        (0..WINDOWS).for_each(|w| self.update_one(w, ts_ns, &mut change));
    }

    /// Changes the bucket of `ts_ns` in each window that still has it.
    #[inline]
    pub(crate) fn amend(&mut self, ts_ns: i64, mut change: impl FnMut(&mut T)) {
        (0..WINDOWS).for_each(|w| self.amend_one(w, ts_ns, &mut change));
    }

    /// Every bucket of window `w` from that of the window's begin on.
    #[inline]
    pub(crate) fn each(&self, w: usize, start_ns: i64) -> impl Iterator<Item = &T> {
        let from = first_bucket(w, start_ns);
        self.rings[w].iter().filter(move |(number, _)| *number >= from).map(|(_, value)| value)
    }

    /// Changes the bucket of `ts_ns` in window `w`, making it when it is newer than what its place holds.
    #[inline]
    pub(crate) fn update_one(&mut self, w: usize, ts_ns: i64, change: impl FnOnce(&mut T)) {
        let number = bucket(w, ts_ns);
        let ring = &mut self.rings[w];
        let place = number.rem_euclid(ring.len() as i64) as usize;
        let (held, value) = &mut ring[place];
        if *held < number {
            (*held, *value) = (number, T::default());
        }
        // A bucket that has fallen out stays out.
        if *held == number {
            change(value);
        }
    }

    /// Changes the bucket of `ts_ns` in window `w` if it is still there.
    #[inline]
    pub(crate) fn amend_one(&mut self, w: usize, ts_ns: i64, change: impl FnOnce(&mut T)) {
        let number = bucket(w, ts_ns);
        let ring = &mut self.rings[w];
        let place = number.rem_euclid(ring.len() as i64) as usize;
        let (held, value) = &mut ring[place];
        if *held == number {
            change(value);
        }
    }

    /// Forgets every bucket.
    pub(crate) fn clear(&mut self) {
        for slot in self.rings.iter_mut().flatten() {
            *slot = (i64::MIN, T::default());
        }
    }
}
