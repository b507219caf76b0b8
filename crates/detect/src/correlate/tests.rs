//! Correlation on made-up evidence: gaps, order, repetition, limits.

use super::*;
use proptest::prelude::*;
use schema::{FlowRecord, Id, ThreatCategory};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000_000;

/// A flow of `category` from 10.0.0.`source` to 10.0.1.`target`, begun at `start_s` and `length_s` long.
fn evidence(category: ThreatCategory, source: u8, target: u8, start_s: i64, length_s: i64) -> Prediction {
    let what = [category as u8, source, target];
    let flow = Id::hash(&[&what, &start_s.to_le_bytes(), &length_s.to_le_bytes()]);
    let record = FlowRecord {
        flow_id: flow.0.to_vec(),
        capture_id: vec![7; 16],
        source_ip: vec![10, 0, 0, source],
        destination_ip: vec![10, 0, 1, target],
        start_ns: start_s * SECOND,
        end_ns: (start_s + length_s) * SECOND,
        sensor: "test".into(),
        ..FlowRecord::default()
    };
    Prediction {
        record: Some(record),
        threat_category: category.into(),
        threat_score: 0.5 + f32::from(target % 5) / 10.0,
        severity: u32::from(target),
        reasons: vec![format!("because of {}", target % 9)],
        ..Prediction::default()
    }
}

/// What a store holds after these threats: the last state of each, without the superseded.
fn store(threats: Vec<Threat>) -> BTreeMap<Vec<u8>, Threat> {
    let mut documents = BTreeMap::new();
    for threat in threats {
        if threat.superseded_by.is_empty() {
            documents.insert(threat.threat_id.clone(), threat);
        } else {
            documents.remove(&threat.threat_id);
        }
    }
    documents
}

fn run(batches: &[&[Prediction]], config: &CorrelateConfig) -> (Correlator, Vec<Threat>) {
    let mut correlator = Correlator::new(config.clone());
    let mut threats = Vec::new();
    for batch in batches {
        correlator.correlate(batch, &mut threats);
    }
    (correlator, threats)
}

fn flows(documents: &BTreeMap<Vec<u8>, Threat>) -> Vec<u64> {
    let mut flows: Vec<u64> = documents.values().map(|threat| threat.flows).collect();
    flows.sort_unstable();
    flows
}

#[test]
fn a_long_scan_is_one_threat_and_is_published_once_a_batch() {
    let recon = ThreatCategory::Reconnaissance;
    let probes: Vec<Prediction> = (0..10_000)
        .map(|n| evidence(recon, 1, (n % 250) as u8, i64::from(n / 100), i64::from(n % 7)))
        .collect();
    let distinct: BTreeSet<&Vec<u8>> =
        probes.iter().filter_map(|probe| probe.record.as_ref().map(|record| &record.flow_id)).collect();
    let batches: Vec<&[Prediction]> = probes.chunks(1000).collect();
    let (correlator, threats) = run(&batches, &CorrelateConfig::default());
    assert_eq!((threats.len(), correlator.open_runs()), (10, 1));
    let last = threats.last().expect("one");
    assert_eq!(last.flows, distinct.len() as u64);
    assert_eq!((last.related_ips.len(), last.related_ips_total), (251, 251));
    assert_eq!(last.related_ips[0], [10, 0, 0, 1]);
    assert_eq!(last.subject_ip, [10, 0, 0, 1]);
    assert_eq!(last.reasons.len(), REASONS_MAX);
    assert_eq!((last.severity, last.start_ns), (249, 0));
}

#[test]
fn a_gap_of_five_minutes_joins_and_a_longer_one_parts() {
    let at = |start_s| evidence(ThreatCategory::BruteForce, 1, 2, start_s, 10);
    let config = CorrelateConfig::default();
    let (_, threats) = run(&[&[at(0), at(310)]], &config);
    assert_eq!(flows(&store(threats)), [2]);
    let (_, threats) = run(&[&[at(0), at(311)]], &config);
    assert_eq!(flows(&store(threats)), [1, 1]);
    // What lies between joins them, and the later one's document goes.
    let (correlator, threats) = run(&[&[at(0), at(400)], &[at(200)]], &config);
    let gone: Vec<&Threat> = threats.iter().filter(|threat| !threat.superseded_by.is_empty()).collect();
    assert_eq!((threats.len(), gone.len(), correlator.open_runs()), (4, 1, 1));
    assert_eq!((&gone[0].superseded_by, &gone[0].threat_id), (&threats[0].threat_id, &threats[1].threat_id));
    assert_eq!(flows(&store(threats)), [3]);
}

#[test]
fn an_earlier_flow_renames_the_run() {
    let at = |start_s| evidence(ThreatCategory::MalwareC2, 1, 2, start_s, 1);
    let (_, threats) = run(&[&[at(100)], &[at(50)]], &CorrelateConfig::default());
    assert_eq!(threats.len(), 3);
    assert_eq!(threats[1].threat_id, threats[0].threat_id);
    assert_eq!(threats[1].superseded_by, threats[2].threat_id);
    assert_eq!(threats[2].start_ns, 50 * SECOND);
}

#[test]
fn floods_are_held_against_the_victim_and_policy_is_a_threat_too() {
    let flood: Vec<Prediction> = (0..50).map(|n| evidence(ThreatCategory::Ddos, n, 9, 0, 1)).collect();
    let (_, threats) = run(&[&flood], &CorrelateConfig::default());
    assert_eq!((threats.len(), threats[0].flows, threats[0].subject_is_victim), (1, 50, true));
    assert_eq!(threats[0].subject_ip, [10, 0, 1, 9]);
    let policy = evidence(ThreatCategory::PolicyAnonymiser, 1, 2, 0, 1);
    let none = evidence(ThreatCategory::None, 1, 2, 0, 1);
    let (correlator, threats) = run(&[&[policy, none]], &CorrelateConfig::default());
    assert_eq!((threats.len(), correlator.counters().evidence), (1, 1));
}

#[test]
fn what_has_no_readable_record_is_counted() {
    let mut broken = evidence(ThreatCategory::Exploit, 1, 2, 0, 1);
    broken.record.as_mut().expect("record").source_ip = vec![1, 2, 3];
    let bare = Prediction { record: None, ..broken.clone() };
    let (correlator, threats) = run(&[&[broken, bare]], &CorrelateConfig::default());
    assert!(threats.is_empty());
    assert_eq!(correlator.counters().unreadable, 2);
}

#[test]
fn too_many_runs_are_forgotten_oldest_first_and_counted() {
    let config = CorrelateConfig { runs_max: 64, ..CorrelateConfig::default() };
    let batches: Vec<Prediction> = (0..200).map(|n| evidence(ThreatCategory::Botnet, n, 1, 0, 1)).collect();
    let (mut correlator, threats) = run(&[&batches], &config);
    assert_eq!(threats.len(), 200);
    assert!(correlator.open_runs() <= 64);
    assert_eq!(correlator.counters().runs_evicted as usize, 200 - correlator.open_runs());
    let mut again = Vec::new();
    correlator.correlate(&[evidence(ThreatCategory::Botnet, 199, 1, 1, 1)], &mut again);
    assert_eq!(again[0].flows, 2);
}

#[test]
fn beyond_the_limit_flows_are_estimated_and_never_fall() {
    let config = CorrelateConfig { ids_max: 2000, ..CorrelateConfig::default() };
    let mut correlator = Correlator::new(config);
    let mut last = 0;
    for n in 0..20_000_i64 {
        let mut threats = Vec::new();
        correlator.correlate(&[evidence(ThreatCategory::Dos, 1, 1, 0, n)], &mut threats);
        assert!(threats[0].flows >= last && (n >= 2000 || threats[0].flows == n as u64 + 1));
        last = threats[0].flows;
    }
    assert!((18_000..22_000).contains(&last), "{last}");
}

prop_compose! {
    fn any_evidence()(
        category in prop::sample::select(vec![ThreatCategory::Reconnaissance, ThreatCategory::Ddos]),
        source in 0..3_u8,
        target in 0..3_u8,
        start_s in 0..3000_i64,
        length_s in 0..200_i64,
    ) -> Prediction {
        evidence(category, source, target, start_s, length_s)
    }
}

proptest! {
    #[test]
    fn order_batches_and_repetition_do_not_show(
        (ordered, shuffled) in prop::collection::vec(any_evidence(), 1..80).prop_flat_map(|ordered| {
            let twice: Vec<Prediction> = ordered.iter().chain(&ordered).cloned().collect();
            (Just(ordered), Just(twice).prop_shuffle())
        }),
        size in 1..40_usize,
    ) {
        let config = CorrelateConfig::default();
        let (_, once) = run(&[&ordered], &config);
        let batches: Vec<&[Prediction]> = shuffled.chunks(size).collect();
        let (correlator, many) = run(&batches, &config);
        let wanted = store(once);
        prop_assert_eq!(correlator.open_runs(), wanted.len());
        prop_assert_eq!(store(many), wanted);
    }
}
