//! Times as the API shows and reads them: RFC 3339 in UTC.

use schema::document::rfc3339;

/// Nanoseconds since 1970 as documents write them.
pub(crate) fn to_text(ns: i64) -> String {
    rfc3339(ns).to_string()
}

/// Reads RFC 3339, with `Z` or an offset, or a date alone. `None` when it is none or out of range.
pub(crate) fn from_text(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let is = |at: usize, wanted: &[u8]| text.as_bytes().get(at).is_some_and(|byte| wanted.contains(byte));
    let (year, month, date) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !is(4, b"-")
        || !is(7, b"-")
        || !(1..=12).contains(&month)
        || !(1..=month_days(year, month)).contains(&date)
    {
        return None;
    }
    let day = days(year, month, date);
    if text.len() == 10 {
        return day.checked_mul(86_400_000_000_000);
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !is(10, b"Tt ") || !is(13, b":") || !is(16, b":") || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ns, zone) = fraction(text.get(19..)?)?;
    let seconds = day * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction_ns)
}

/// Splits `.123Z` into its nanoseconds and what follows. Digits after the ninth are cut.
fn fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(digits) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let nine = digits[..end].bytes().chain(std::iter::repeat(b'0')).take(9);
    Some((nine.fold(0, |ns, digit| ns * 10 + i64::from(digit - b'0')), &digits[end..]))
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    // A `+` that nobody escaped arrives from a query as a space.
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' | b' ' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let part = |text: &str, most: i64| -> Option<i64> {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = is_two.then(|| text.parse().ok())??;
        (value <= most).then_some(value)
    };
    Some(sign * (part(hours, 23)? * 3600 + part(minutes, 59)? * 60))
}

/// Days since 1970 of a date of the Gregorian calendar (years begin in March, so that leap days come last).
fn days(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn month_days(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_any_zone_and_written_in_utc() {
        for (text, written) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000000Z"),
            ("2000-02-29", "2000-02-29T00:00:00.000000000Z"),
            ("2026-11-22T21:41:03.123456789Z", "2026-11-22T21:41:03.123456789Z"),
            ("2026-11-22 21:41:03.5z", "2026-11-22T21:41:03.500000000Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000000Z"),
            ("2026-01-01T00:30:00 01:00", "2025-12-31T23:30:00.000000000Z"),
            ("2026-01-01T00:30:00-00:45", "2026-01-01T01:15:00.000000000Z"),
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
            ("2026-11-22T21:41:03.1234567899Z", "2026-11-22T21:41:03.123456789Z"),
        ] {
            assert_eq!(to_text(from_text(text).expect(text)), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2025-02-29",
            "1900-02-29",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00é",
            "9999-01-01T00:00:00Z",
            "+026-01-01",
            "2026-01-0é",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
