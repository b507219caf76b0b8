//! The first payload bytes of each direction: how random, how readable.

use super::Row;
use std::sync::LazyLock;

/// Bytes looked at a direction.
pub(crate) const KEPT: usize = 256;
const FEATURES: usize = 6;

/// First payload bytes of one direction: none for most floods and scans, then the bytes, and once they are [`KEPT`]
/// and nobody wants them, only what they say.
#[derive(Debug, Clone, Default)]
pub(crate) enum Head {
    #[default]
    Empty,
    Bytes(Box<[u8]>),
    Said(Said),
}

/// What bytes say: their entropy, and the shares of printable, high and zero ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    entropy: f32,
    printable: f32,
    high: f32,
    zero: f32,
}

impl Head {
    /// Takes what is still missing of the first bytes. `keep` holds on to them after the last is there.
    #[inline]
    pub(crate) fn update(&mut self, payload: &[u8], keep: bool) {
        if !self.is_full() && !payload.is_empty() {
            self.take(payload, keep);
        }
    }

    fn take(&mut self, payload: &[u8], keep: bool) {
        let held = self.kept();
        let payload = &payload[..payload.len().min(KEPT - held.len())];
        if held.is_empty() && (payload.len() < KEPT || keep) {
            *self = Self::Bytes(payload.into());
            return;
        }
        let mut all = [0; KEPT];
        let (front, rest) = all.split_at_mut(held.len());
        front.copy_from_slice(held);
        rest[..payload.len()].copy_from_slice(payload);
        let all = &all[..held.len() + payload.len()];
        *self = if all.len() == KEPT && !keep {
            Self::Said(Said::of(all, entropy_bits(all)))
        } else {
            Self::Bytes(all.into())
        };
    }

    /// Whether later payload changes nothing.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Said(_) => true,
            Self::Bytes(bytes) => bytes.len() == KEPT,
            Self::Empty => false,
        }
    }

    /// The bytes, as far as they are still here.
    pub(crate) fn kept(&self) -> &[u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    pub(crate) fn write(&self, row: &mut Row<'_>) {
        match self {
            Self::Empty => row.0.extend_from_slice(&ABSENT),
            Self::Bytes(bytes) => {
                let entropy = entropy_bits(bytes);
                Said::of(bytes, entropy).write(entropy, bytes.len(), row);
            }
            // An eighth of it is as exact as it is itself.
            Self::Said(said) => said.write(f64::from(said.entropy), KEPT, row),
        }
    }
}

/// No bytes have no entropy and no classes, and are 0 in number.
const ABSENT: [f32; FEATURES] = [f32::NAN, f32::NAN, f32::NAN, f32::NAN, 0.0, f32::NAN];

impl Said {
    /// Of at least one byte, and at most [`KEPT`].
    fn of(bytes: &[u8], entropy: f64) -> Self {
        let n = bytes.len() as f64;
        let share = |count: u16| (f64::from(count) / n) as f32;
        Self {
            entropy: entropy as f32,
            printable: share(count(bytes, |byte| byte.wrapping_sub(32) < 95)),
            high: share(count(bytes, |byte| byte >= 128)),
            zero: share(count(bytes, |byte| byte == 0)),
        }
    }

    /// Entropy, the three shares, the number of bytes, and the entropy over the most that so many can have.
    #[inline]
    fn write(&self, entropy: f64, bytes: usize, row: &mut Row<'_>) {
        let n = bytes as f64;
        let fill = if bytes > 1 { entropy / n.log2() } else { f64::NAN };
        let Self { entropy, printable, high, zero } = *self;
        row.0.extend_from_slice(&[entropy, printable, high, zero, n as f32, fill as f32]);
    }
}

/// In sixteen bits, which the compiler counts many at a time.
#[inline]
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> u16 {
    bytes.iter().map(|byte| u16::from(is(*byte))).sum()
}

/// Shannon entropy per byte of at most [`KEPT`] bytes: `log2 n − Σ c log2 c / n` over the counts c.
///
/// The sum grows with each byte by the step of `c log2 c`, in whole numbers: one pass, no second one over the counts.
fn entropy_bits(bytes: &[u8]) -> f64 {
    let steps: &[u32; 256] = &STEPS;
    // The 256th of one value would make 0 of its count, but then no byte follows.
    let mut counts = [0u8; 256];
    let mut sum = 0u32;
    for byte in bytes {
        let count = &mut counts[usize::from(*byte)];
        sum = sum.wrapping_add(steps[usize::from(*count)]);
        *count = count.wrapping_add(1);
    }
    let n = bytes.len() as f64;
    n.log2() - f64::from(sum) / UNIT / n
}

/// Units of [`STEPS`]: 256 × 8 of them fit in 32 bits.
const UNIT: f64 = (1 << 20) as f64;

/// By how much `c log2 c` grows from c to c + 1.
static STEPS: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let whole = |c: usize| if c > 1 { (c as f64 * (c as f64).log2() * UNIT).round() as u32 } else { 0 };
    std::array::from_fn(|c| whole(c + 1) - whole(c))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payloads: &[&[u8]], keep: bool) -> Vec<f32> {
        let mut head = Head::default();
        payloads.iter().for_each(|payload| head.update(payload, keep));
        let mut out = Vec::new();
        head.write(&mut Row(&mut out));
        out
    }

    #[test]
    fn entropy_and_classes() {
        let all: Vec<u8> = (0..=255).collect();
        for keep in [false, true] {
            let out = written(&[&all[..100], &all[100..], b"ignored"], keep);
            assert_eq!(out[0], 8.0);
            assert_eq!(out[1..4], [95.0 / 256.0, 0.5, 1.0 / 256.0]);
            assert_eq!(out[4..], [256.0, 1.0]);
        }
        assert_eq!(written(&[b"aaaa"], false), [0.0, 1.0, 0.0, 0.0, 4.0, 0.0]);
        assert_eq!(written(&[&[7; 300]], false), [0.0, 0.0, 0.0, 0.0, 256.0, 0.0]);
        let out = written(&[b"aabc"], false);
        assert!((out[0] - 1.5).abs() < 1e-5, "{out:?}");
        let out = written(&[], false);
        assert!(out[0].is_nan() && out[4] == 0.0);
    }
}
