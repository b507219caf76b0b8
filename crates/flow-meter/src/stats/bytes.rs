//! The first payload bytes of each direction: how random, how readable.

use super::Row;

/// Bytes kept a direction.
pub(crate) const KEPT: usize = 256;

/// First payload bytes of one direction. Allocated with the first byte, for most floods and scans have none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head(Option<Box<Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    bytes: [u8; KEPT],
    count: u16,
}

impl Head {
    #[inline]
    pub(crate) fn update(&mut self, payload: &[u8]) {
        if payload.is_empty() || self.0.as_ref().is_some_and(|kept| usize::from(kept.count) == KEPT) {
            return;
        }
        let kept = self.0.get_or_insert_with(|| Box::new(Kept { bytes: [0; KEPT], count: 0 }));
        let from = usize::from(kept.count);
        let take = payload.len().min(KEPT - from);
        kept.bytes[from..from + take].copy_from_slice(&payload[..take]);
        kept.count += take as u16;
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |kept| &kept.bytes[..usize::from(kept.count)])
    }

    pub(crate) fn write(&self, row: &mut Row<'_>) {
        let bytes = self.bytes();
        if bytes.is_empty() {
            row.absent(4);
            row.push(0.0);
            row.absent(1);
            return;
        }
        let mut histogram = [0u16; 256];
        for byte in bytes {
            histogram[usize::from(*byte)] += 1;
        }
        let n = bytes.len() as f64;
        let seen = |from: usize, to: usize| histogram[from..to].iter().map(|c| f64::from(*c)).sum::<f64>();
        let entropy = entropy_bits(&histogram, bytes.len());
        row.push(entropy);
        row.push(seen(32, 127) / n);
        row.push(seen(128, 256) / n);
        row.push(f64::from(histogram[0]) / n);
        row.push(n);
        row.optional((bytes.len() > 1).then(|| entropy / n.log2()));
    }
}

/// Shannon entropy per byte. `-p log2 p` of each count comes from a table, for there are only 256 × 256 of them.
fn entropy_bits(histogram: &[u16; 256], total: usize) -> f64 {
    let n = total as f64;
    let sum: f64 =
        histogram.iter().filter(|count| **count > 1).map(|count| COUNT_LOG[usize::from(*count)]).sum();
    n.log2() - sum / n
}

/// `c log2 c`.
static COUNT_LOG: std::sync::LazyLock<[f64; KEPT + 1]> = std::sync::LazyLock::new(|| {
    std::array::from_fn(|c| if c > 1 { c as f64 * (c as f64).log2() } else { 0.0 })
});

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payloads: &[&[u8]]) -> Vec<f32> {
        let mut head = Head::default();
        payloads.iter().for_each(|payload| head.update(payload));
        let mut out = Vec::new();
        head.write(&mut Row(&mut out));
        out
    }

    #[test]
    fn entropy_and_classes() {
        let all: Vec<u8> = (0..=255).collect();
        let out = written(&[&all[..100], &all[100..], b"ignored"]);
        assert_eq!(out[0], 8.0);
        assert_eq!(out[1..4], [95.0 / 256.0, 0.5, 1.0 / 256.0]);
        assert_eq!(out[4..], [256.0, 1.0]);
        let out = written(&[b"aaaa"]);
        assert_eq!(out, [0.0, 1.0, 0.0, 0.0, 4.0, 0.0]);
        let out = written(&[]);
        assert!(out[0].is_nan() && out[4] == 0.0);
    }
}
