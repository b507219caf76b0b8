//! A packet described by its length and its two ports.

use super::{InputError, PacketInput, Row};
use serde_json::Value;

/// All three are required.
pub(crate) const COLUMNS: [&str; 3] = ["len", "source_port", "dest_port"];
/// Longest packet that a capture may hold, bytes.
const LEN_MAX: u64 = 256 << 10;

pub(crate) fn read(row: &Row) -> Result<PacketInput, InputError> {
    let missing: Vec<String> = COLUMNS
        .iter()
        .filter(|column| !row.contains_key(**column))
        .map(|column| (*column).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(InputError::Missing(missing));
    }
    let mut invalid = Vec::new();
    let mut number = |column: &str, most: u64, wanted: &'static str| {
        let value = row.get(column).and_then(whole).filter(|value| *value <= most);
        value.unwrap_or_else(|| {
            invalid.push((column.to_owned(), wanted));
            0
        })
    };
    let len = number("len", LEN_MAX, "a whole number of bytes from 0 to 262144") as u32;
    let source_port = number("source_port", u64::from(u16::MAX), "a whole number from 0 to 65535") as u16;
    let dest_port = number("dest_port", u64::from(u16::MAX), "a whole number from 0 to 65535") as u16;
    if invalid.is_empty() {
        Ok(PacketInput { len, source_port, dest_port })
    } else {
        Err(InputError::Invalid(invalid))
    }
}

/// A whole number, also when it was written as `60.0`.
fn whole(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e9).contains(float));
    value.as_u64().or_else(|| float().map(|float| float as u64))
}
