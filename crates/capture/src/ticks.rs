//! Timestamps of pcapng interfaces: a count of ticks, a resolution (`if_tsresol`) and an offset (`if_tsoffset`).

const NS_PER_S: u64 = 1_000_000_000;

/// How long a tick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticks {
    /// So many nanoseconds.
    Coarse(u64),
    /// So many ticks to a nanosecond.
    Fine(u64),
    /// 2^-n seconds.
    Binary(u32),
    /// More than 2^64 ticks to a nanosecond: no count of 64 bits reaches one.
    Vanishing,
}

impl Ticks {
    /// What holds where an interface does not say: microseconds.
    pub(crate) const MICROSECONDS: Self = Self::Coarse(1000);

    /// From the option's one byte: the highest bit tells 2^-n from 10^-n, the others are n.
    pub(crate) fn from_resolution(resolution: u8) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        if exponent <= 9 {
            return Self::Coarse(10_u64.pow(9 - exponent));
        }
        10_u64.checked_pow(exponent - 9).map_or(Self::Vanishing, Self::Fine)
    }

    /// `count` ticks in nanoseconds, cut to the whole one below, at most `i64::MAX` (the year 2262).
    #[inline]
    pub(crate) fn to_ns(self, count: u64) -> i64 {
        let ns = match self {
            Self::Coarse(ns_per_tick) => count.saturating_mul(ns_per_tick),
            Self::Fine(ticks_per_ns) => count / ticks_per_ns,
            Self::Binary(shift) => {
                u64::try_from((u128::from(count) * u128::from(NS_PER_S)) >> shift).unwrap_or(u64::MAX)
            }
            Self::Vanishing => 0,
        };
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_becomes_nanoseconds() {
        let check = |resolution: u8, count: u64, ns: i64| {
            assert_eq!(Ticks::from_resolution(resolution).to_ns(count), ns, "{resolution:#x} {count}");
        };
        check(0, 7, 7_000_000_000);
        check(3, 7, 7_000_000);
        check(6, 1_700_000_000_123_456, 1_700_000_000_123_456_000);
        check(9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789);
        check(12, 1_999, 1);
        check(28, u64::MAX, 1);
        check(29, u64::MAX, 0);
        check(127, u64::MAX, 0);
        check(0x80, 3, 3_000_000_000);
        check(0x8a, 1536, 1_500_000_000);
        check(0xa0, 1 << 31, 500_000_000);
        check(0xff, u64::MAX, 0);
        check(6, u64::MAX, i64::MAX);
        check(0x80, u64::MAX, i64::MAX);
    }
}
