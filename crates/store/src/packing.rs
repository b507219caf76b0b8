//! A prediction as it lies in the store: its protobuf bytes with the feature array made small, bit for bit restorable.
//!
//! Of some 220 features of a short flow most are absent, zero, or the same number again (the first 10, 20 and 30 packets
//! of a flow of nine). Two bits a value tell those apart, which halves a row for a third of a microsecond; a general
//! compressor saves little more and takes ten times as long.

use prost::Message;
use schema::Prediction;
use std::ops::Range;

/// First byte of a body: the protobuf bytes as they are.
const PLAIN: u8 = 0;
/// First byte of a body: feature array apart.
const PACKED: u8 = 1;

/// Field numbers in `prediction.proto` and `flow.proto`.
const RECORD_FIELD: u64 = 1;
const FEATURES_FIELD: u64 = 21;

/// The two bits of a value.
const ZERO: u8 = 0;
const ABSENT: u8 = 1;
const AGAIN: u8 = 2;
const LITERAL: u8 = 3;

const NAN_BITS: u32 = f32::NAN.to_bits();

/// A prediction's body; `scratch` is only there to be used again.
pub(crate) fn pack(prediction: &Prediction, scratch: &mut Vec<u8>) -> Vec<u8> {
    scratch.clear();
    prediction.encode_raw(scratch);
    // Two bytes of head, and what the values take before it is known how little that is.
    let mut body = Vec::with_capacity(scratch.len() + scratch.len() / 8 + 32);
    match features_range(scratch) {
        Some(range) if range.len().is_multiple_of(4) => {
            body.push(PACKED);
            push_varint(&mut body, range.start as u64);
            push_varint(&mut body, range.len() as u64 / 4);
            pack_values(&scratch[range.clone()], &mut body);
            body.extend_from_slice(&scratch[..range.start]);
            body.extend_from_slice(&scratch[range.end..]);
        }
        _ => {
            body.push(PLAIN);
            body.extend_from_slice(scratch);
        }
    }
    body
}

/// Reads a body; `None` when it is damaged.
pub(crate) fn unpack(body: &[u8]) -> Option<Prediction> {
    match body.split_first()? {
        (&PLAIN, rest) => Prediction::decode(rest).ok(),
        (&PACKED, mut rest) => {
            let head = usize::try_from(take_varint(&mut rest)?).ok()?;
            let values = usize::try_from(take_varint(&mut rest)?).ok()?;
            let features = unpack_values(&mut rest, values)?;
            let (before, after) = rest.split_at_checked(head)?;
            Prediction::decode([before, &features, after].concat().as_slice()).ok()
        }
        _ => None,
    }
}

/// Where in a prediction's protobuf bytes its feature array lies.
fn features_range(bytes: &[u8]) -> Option<Range<usize>> {
    let record = field_range(bytes, RECORD_FIELD)?;
    let features = field_range(&bytes[record.clone()], FEATURES_FIELD)?;
    Some(record.start + features.start..record.start + features.end)
}

/// Where the content of the first length-delimited field with this number lies.
fn field_range(bytes: &[u8], number: u64) -> Option<Range<usize>> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let tag = take_varint(&mut rest)?;
        let skip = match tag & 7 {
            0 => {
                take_varint(&mut rest)?;
                0
            }
            1 => 8,
            2 => usize::try_from(take_varint(&mut rest)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let start = bytes.len() - rest.len();
        rest = rest.get(skip..)?;
        if tag == number << 3 | 2 {
            return Some(start..start + skip);
        }
    }
    None
}

/// Tags of all values, four a byte, then what the tags call for: one byte an `AGAIN`, four a `LITERAL`.
///
/// Without branches on the values, which nothing can foresee: four bytes are always written, and those that were not
/// called for are written over.
fn pack_values(bytes: &[u8], body: &mut Vec<u8>) {
    let tags_at = body.len();
    let mut end = tags_at + (bytes.len() / 4).div_ceil(4);
    body.resize(end + bytes.len(), 0);
    let mut literals = Literals::new();
    for (at, sixteen) in bytes.chunks(16).enumerate() {
        let mut tags = 0;
        for (place, four) in sixteen.as_chunks::<4>().0.iter().enumerate() {
            let (tag, word) = literals.tag(u32::from_le_bytes(*four));
            body[end..end + 4].copy_from_slice(&word.to_le_bytes());
            end += [0, 0, 1, 4][usize::from(tag)];
            tags |= tag << (place * 2);
        }
        body[tags_at + at] = tags;
    }
    body.truncate(end);
}

fn unpack_values(rest: &mut &[u8], values: usize) -> Option<Vec<u8>> {
    let (tags, mut stream) = rest.split_at_checked(values.div_ceil(4))?;
    let mut bytes = Vec::with_capacity(values * 4);
    let mut literals: Vec<[u8; 4]> = Vec::with_capacity(Literals::MAX);
    for at in 0..values {
        let four = match tags[at / 4] >> (at % 4 * 2) & 3 {
            ZERO => [0; 4],
            ABSENT => NAN_BITS.to_le_bytes(),
            AGAIN => {
                let (&earlier, after) = stream.split_first()?;
                stream = after;
                *literals.get(usize::from(earlier))?
            }
            _ => {
                let (&four, after) = stream.split_first_chunk::<4>()?;
                stream = after;
                literals.push(four);
                four
            }
        };
        bytes.extend_from_slice(&four);
    }
    *rest = stream;
    Some(bytes)
}

/// The literals of one array so far. Only the first [`Literals::MAX`] can be referred to, and of two that fall into the
/// same slot the later one: that costs bytes, never correctness.
struct Literals {
    /// From 1 on; 0 stands for none and is no literal's value.
    bits: [u32; Self::MAX + 2],
    /// Position in `bits`, by hash.
    slots: [u8; 512],
    count: usize,
}

impl Literals {
    const MAX: usize = 255;

    fn new() -> Self {
        Self { bits: [0; Self::MAX + 2], slots: [0; 512], count: 0 }
    }

    /// The tag of a value, and the bytes that go with it. Remembers literals.
    fn tag(&mut self, bits: u32) -> (u8, u32) {
        let slot = (bits.wrapping_mul(0x9E37_79B1) >> 23) as usize;
        let earlier = self.slots[slot];
        let is_again = self.bits[usize::from(earlier)] == bits;
        let tag = match bits {
            0 => ZERO,
            NAN_BITS => ABSENT,
            _ => [LITERAL, AGAIN][usize::from(is_again)],
        };
        let is_new = tag == LITERAL && self.count < Self::MAX;
        self.count += usize::from(is_new);
        // The place behind the last is rubbish until it is taken.
        self.bits[self.count + usize::from(!is_new)] = bits;
        self.slots[slot] = if is_new { self.count as u8 } else { earlier };
        (tag, if tag == AGAIN { u32::from(earlier).wrapping_sub(1) } else { bits })
    }
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::{FeatureVector, FlowRecord};

    fn check(features: Vec<u8>) -> usize {
        let record = FlowRecord { flow_id: vec![1; 16], features, sensor: "a".into(), ..Default::default() };
        let prediction =
            Prediction { record: Some(record), reasons: vec!["because".into()], ..Default::default() };
        let body = pack(&prediction, &mut Vec::new());
        let again = unpack(&body).expect("readable");
        assert_eq!(again.encode_to_vec(), prediction.encode_to_vec());
        for cut in 0..body.len() {
            // Whatever is cut off, an answer without a panic; a shorter message may still be a valid one.
            let _cut = unpack(&body[..cut]);
        }
        body.len()
    }

    #[test]
    fn every_array_comes_back_bit_for_bit() {
        check(Vec::new());
        check(vec![1, 2, 3]);
        check(FeatureVector::pack(&[
            0.0,
            -0.0,
            f32::NAN,
            -f32::NAN,
            1.5,
            1.5,
            f32::INFINITY,
            f32::MIN_POSITIVE,
        ]));
        check(f32::from_bits(0x7fc0_0001).to_le_bytes().to_vec());
        let many: Vec<f32> = (0..1000).map(|at| (at % 600) as f32).collect();
        check(FeatureVector::pack(&many));
        let absent = check(FeatureVector::pack(&[f32::NAN; 220]));
        assert!(absent < 110, "{absent} bytes for an array of nothing");
    }

    #[test]
    fn a_prediction_without_record_and_damage_are_no_panic() {
        let body = pack(&Prediction::default(), &mut Vec::new());
        assert_eq!(unpack(&body), Some(Prediction::default()));
        assert_eq!(unpack(&[]), None);
        assert_eq!(unpack(&[7]), None);
        assert_eq!(unpack(&[PACKED, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), None);
    }
}
