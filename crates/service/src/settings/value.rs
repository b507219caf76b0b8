//! What a setting can be: read from TOML or from text, shown to people.

use schema::TrafficClass;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Value as Toml;

/// The type of a setting. Environment and flags give text, files give TOML; every type reads both.
pub(super) trait Value: Sized {
    /// For the reference: `whole number`.
    const KIND: &'static str;

    /// Reads the value, or says what would do.
    fn read(value: &Toml) -> Result<Self, String>;

    /// As it would be written in a file, without quotes.
    fn show(&self) -> String;
}

fn text(value: &Toml) -> Option<&str> {
    value.as_str().map(str::trim)
}

fn expected<T>(what: &str, value: &Toml) -> Result<T, String> {
    Err(format!("{value} is not {what}"))
}

macro_rules! whole_number {
    ($($number:ty)*) => {$(
        impl Value for $number {
            const KIND: &'static str = "whole number";

            fn read(value: &Toml) -> Result<Self, String> {
                let number = match value {
                    Toml::Integer(number) => Self::try_from(*number).ok(),
                    other => text(other).and_then(|text| text.replace('_', "").parse().ok()),
                };
                let what = format!("a whole number from 0 to {}", Self::MAX);
                number.map_or_else(|| expected(&what, value), Ok)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
whole_number!(u32 u64 usize);

impl Value for bool {
    const KIND: &'static str = "true or false";

    fn read(value: &Toml) -> Result<Self, String> {
        let read = value.as_bool().or_else(|| text(value)?.parse().ok());
        read.map_or_else(|| expected("true or false", value), Ok)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const KIND: &'static str = "text";

    fn read(value: &Toml) -> Result<Self, String> {
        text(value).map_or_else(|| expected("text in quotes", value), |text| Ok(text.to_owned()))
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for Option<PathBuf> {
    const KIND: &'static str = "path";

    fn read(value: &Toml) -> Result<Self, String> {
        match text(value) {
            Some("") => Ok(None),
            Some(path) if path.starts_with('~') => {
                Err(format!("{path}: write the home folder out, ~ is not expanded"))
            }
            Some(path) => Ok(Some(PathBuf::from(path))),
            None => expected("a path in quotes", value),
        }
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "address:port";

    fn read(value: &Toml) -> Result<Self, String> {
        let named = text(value).map(|text| text.replace("localhost:", "127.0.0.1:"));
        let address = named.and_then(|text| text.parse().ok());
        address.map_or_else(|| expected("an address and port like 127.0.0.1:5000 or [::1]:5000", value), Ok)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Vec<TrafficClass> {
    const KIND: &'static str = "list";

    fn read(value: &Toml) -> Result<Self, String> {
        let names: Option<Vec<&str>> = match value {
            Toml::Array(items) => items.iter().map(text).collect(),
            other => text(other)
                .map(|text| text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()),
        };
        let classes = names.and_then(|names| names.into_iter().map(TrafficClass::from_name).collect());
        classes.map_or_else(|| expected("a list of Tor, VPN, NonVPN and Non-Tor", value), Ok)
    }

    fn show(&self) -> String {
        self.iter().map(|class| class.name()).collect::<Vec<_>>().join(",")
    }
}

/// A number of bytes, written as a number or with a unit: `2 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        match whole {
            Some((unit, bytes)) if *unit != "B" => write!(f, "{} {unit}", self.0 / bytes),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl Value for ByteSize {
    const KIND: &'static str = "bytes";

    fn read(value: &Toml) -> Result<Self, String> {
        let bytes = match value {
            Toml::Integer(number) => u64::try_from(*number).ok(),
            other => text(other).and_then(sized),
        };
        bytes.map_or_else(
            || expected("a number of bytes like 5000000, \"500 MB\" or \"2 GiB\"", value),
            |b| Ok(Self(b)),
        )
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

fn sized(text: &str) -> Option<u64> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let number: u64 = text[..digits_end].replace('_', "").parse().ok()?;
    let unit = text[digits_end..].trim();
    let (_, bytes) =
        UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(if unit.is_empty() { "B" } else { unit }))?;
    number.checked_mul(*bytes)
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    /// The text itself, for comparing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() { "(set)" } else { "(not set)" })
    }
}

impl Value for Secret {
    const KIND: &'static str = "secret text";

    fn read(value: &Toml) -> Result<Self, String> {
        // Not `expected`, which would show the value.
        text(value).map(|text| Self(text.to_owned())).ok_or_else(|| "is not text in quotes".into())
    }

    fn show(&self) -> String {
        if self.is_set() { "(set)".into() } else { String::new() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    const KIND: &'static str = "text or json";

    fn read(value: &Toml) -> Result<Self, String> {
        match text(value) {
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => expected("text or json", value),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Json => "json".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<V: Value>(written: &str, expected: Result<&str, &str>) {
        let value: toml::Table = toml::from_str(&format!("x = {written}")).expect("TOML");
        match (V::read(&value["x"]), expected) {
            (Ok(value), Ok(shown)) => assert_eq!(value.show(), shown, "{written}"),
            (Err(complaint), Err(part)) => assert!(complaint.contains(part), "{complaint}"),
            (got, _) => panic!("{written}: {:?}", got.map(|value| value.show())),
        }
    }

    #[test]
    fn numbers_come_from_toml_and_from_text() {
        check::<u32>("7", Ok("7"));
        check::<u64>("\" 1_000 \"", Ok("1000"));
        check::<u32>("-1", Err("-1 is not a whole number from 0 to 4294967295"));
        check::<usize>("1.5", Err("1.5 is not a whole number"));
        check::<u32>("\"many\"", Err("\"many\" is not a whole number"));
    }

    #[test]
    fn byte_sizes_have_units() {
        check::<ByteSize>("1024", Ok("1 KiB"));
        check::<ByteSize>("\"2 GiB\"", Ok("2 GiB"));
        check::<ByteSize>("\"500mb\"", Ok("500 MB"));
        check::<ByteSize>("0", Ok("0"));
        check::<ByteSize>("\"1001\"", Ok("1001"));
        check::<ByteSize>("\"2 lots\"", Err("like 5000000"));
        check::<ByteSize>("\"99999999999999 TiB\"", Err("like 5000000"));
        check::<ByteSize>("\"\"", Err("like 5000000"));
    }

    #[test]
    fn the_other_types_say_what_would_do() {
        check::<SocketAddr>("\"localhost:80\"", Ok("127.0.0.1:80"));
        check::<SocketAddr>("\"[::1]:80\"", Ok("[::1]:80"));
        check::<SocketAddr>("\"5000\"", Err("like 127.0.0.1:5000"));
        check::<Vec<TrafficClass>>("[\"Tor\", \"Non-Tor\"]", Ok("Tor,Non-Tor"));
        check::<Vec<TrafficClass>>("\"VPN, Tor\"", Ok("VPN,Tor"));
        check::<Vec<TrafficClass>>("\"\"", Ok(""));
        check::<Vec<TrafficClass>>("[\"tor\"]", Err("a list of Tor, VPN"));
        check::<Option<PathBuf>>("\"/x\"", Ok("/x"));
        check::<Option<PathBuf>>("\"~/x\"", Err("~ is not expanded"));
        check::<Secret>("\"abc\"", Ok("(set)"));
        check::<Secret>("5", Err("is not text"));
        check::<LogFormat>("\"xml\"", Err("\"xml\" is not text or json"));
    }
}
