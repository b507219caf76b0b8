//! Nanoseconds since 1970 as RFC 3339 text.

use std::fmt;

const NS: i64 = 1_000_000_000;

/// Shows a time as `2026-11-25T12:34:56.000000001Z`. Years before 0000 and after 9999 are cut to these.
pub struct Rfc3339(i64);

/// The text of `time_ns`.
#[must_use]
pub fn rfc3339(time_ns: i64) -> Rfc3339 {
    Rfc3339(time_ns)
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = civil(self.0.div_euclid(NS));
        let ns = self.0.rem_euclid(NS);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ns:09}Z")
    }
}

/// Year, month, day, hour, minute and second in UTC of seconds since 1970.
pub(crate) fn civil(seconds: i64) -> [i64; 6] {
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    [year, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60]
}

/// Year, month and day of a day number since 1970 in the proleptic Gregorian calendar. The year is taken to begin in
/// March, so that the leap day is its last.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (time_ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400 * NS, "2000-02-29T00:00:00.000000000Z"),
            (1_709_251_199 * NS + 5, "2024-02-29T23:59:59.000000005Z"),
            (1_795_384_320 * NS, "2026-11-22T21:52:00.000000000Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ] {
            assert_eq!(rfc3339(time_ns).to_string(), text);
        }
    }
}
