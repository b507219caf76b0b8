//! Which captures are held back together: a fold never parts a capture, and is the same in every run.

use detect::Source;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Folds of a cross-validation.
pub const FOLDS: usize = 5;

/// The fold of each capture. The captures of one folder are dealt out in turn, in the order of their names' hashes, so
/// that every kind is in as many folds as it has captures.
#[must_use]
pub fn folds(captures: &[Source]) -> Vec<usize> {
    let mut kinds: BTreeMap<&str, Vec<([u8; 32], usize)>> = BTreeMap::new();
    for (at, capture) in captures.iter().enumerate() {
        let kind = capture.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        kinds.entry(kind).or_default().push((Sha256::digest(&capture.name).into(), at));
    }
    let mut folds = vec![0; captures.len()];
    for (kind, mut members) in kinds {
        members.sort_unstable();
        // Kinds of few captures begin at different folds, so that the last folds are not the poor ones.
        let start = usize::from(Sha256::digest(kind)[0]);
        for (turn, (_, at)) in members.into_iter().enumerate() {
            folds[at] = (start + turn) % FOLDS;
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spread_and_order_does_not_matter() {
        let source =
            |kind: &str, n: usize| Source { name: format!("{kind}/{n}.pcap"), sha256: String::new() };
        let mut captures: Vec<Source> =
            (0..10).map(|n| source("web", n)).chain((0..3).map(|n| source("tor", n))).collect();
        let dealt = folds(&captures);
        for fold in 0..FOLDS {
            assert_eq!(dealt[..10].iter().filter(|&&of| of == fold).count(), 2);
        }
        let distinct: std::collections::HashSet<_> = dealt[10..].iter().collect();
        assert_eq!(distinct.len(), 3);
        captures.reverse();
        let mut backwards = folds(&captures);
        backwards.reverse();
        assert_eq!(dealt, backwards);
    }
}
