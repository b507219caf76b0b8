//! Threats grow, are absorbed, and are never there twice.

use crate::samples::{Traffics, threat};
use crate::{Place, wait};
use schema::{Id, Threat, ThreatCategory, ThreatId};
use std::sync::Arc;
use store::{Reader, StatsQuery, Store, ThreatQuery, WriteVerdict};

use ThreatCategory::{Botnet, BruteForce, Dos};
use WriteVerdict::{AlreadyStored, Rejected, Stored};

fn write(place: &mut Place, threats: &[&Threat]) -> Vec<WriteVerdict> {
    let batch: Vec<_> = threats.iter().map(|threat| Arc::new((*threat).clone())).collect();
    place.store.write_threats(&batch).expect("written")
}

fn get(place: &Place, threat: &Threat) -> Option<Threat> {
    wait(place.reader.threat(ThreatId::from_slice(&threat.threat_id).expect("an id"))).expect("answer")
}

fn absorbed(threat: &Threat, by: &Threat) -> Threat {
    Threat { superseded_by: by.threat_id.clone(), ..threat.clone() }
}

#[test]
fn a_later_version_replaces_and_an_earlier_one_does_not() {
    let mut place = Place::new();
    let capture = Id::hash(&[b"a"]);
    let [v1, v3, v5] = [1, 3, 5].map(|flows| threat(capture, 1, Dos, flows));
    assert_eq!(write(&mut place, &[&v1, &v1, &v3]), [Stored, AlreadyStored, Stored]);
    assert_eq!(get(&place, &v1), Some(v3.clone()));
    assert_eq!(write(&mut place, &[&v1, &v5, &v3]), [AlreadyStored, Stored, AlreadyStored]);
    assert_eq!(get(&place, &v1), Some(v5.clone()));
    let reworded = Threat { reasons: vec!["other words".into()], ..v5.clone() };
    assert_eq!(write(&mut place, &[&reworded]), [Stored], "as many flows: not lower");
    assert_eq!(get(&place, &v1), Some(reworded));
}

#[test]
fn an_absorbed_threat_is_gone_for_good() {
    let mut place = Place::new();
    let capture = Id::hash(&[b"a"]);
    let (small, large) = (threat(capture, 1, Dos, 4), threat(capture, 2, Dos, 9));
    write(&mut place, &[&small, &large, &absorbed(&small, &large)]);
    assert_eq!(get(&place, &small), None);
    // A replay of the topic brings its older states again.
    let older = Threat { flows: 2, ..small.clone() };
    assert_eq!(write(&mut place, &[&older, &small, &absorbed(&small, &large)]), vec![AlreadyStored; 3]);
    assert_eq!(get(&place, &small), None);
    let page = wait(place.reader.threats(ThreatQuery::default())).expect("a page");
    assert_eq!(page.items, std::slice::from_ref(&large));
    let stats = wait(place.reader.stats(StatsQuery { capture: Some(capture) })).expect("statistics");
    assert_eq!(stats.threats, [(Dos, 1)]);
    // Out of order: absorbed before it was ever seen.
    let late = threat(capture, 3, Dos, 4);
    assert_eq!(write(&mut place, &[&absorbed(&late, &large), &late]), [Stored, AlreadyStored]);
    assert_eq!(get(&place, &late), None);
    // More evidence than the absorbed run ever had makes it one again.
    let grown = Threat { flows: 5, ..late.clone() };
    assert_eq!(write(&mut place, &[&grown]), [Stored]);
    assert_eq!(get(&place, &late), Some(grown));
}

#[test]
fn threats_are_found_in_pages() {
    let mut place = Place::new();
    let captures = [Id::hash(&[b"a"]), Id::hash(&[b"b"])];
    let threats: Vec<Threat> = (0..60)
        .map(|at| threat(captures[at as usize % 2], at, [Dos, Botnet, BruteForce][at as usize % 3], 1 + at))
        .collect();
    write(&mut place, &threats.iter().collect::<Vec<_>>());
    let check = |query: ThreatQuery, matches: &dyn Fn(&Threat) -> bool| {
        let mut query = ThreatQuery { limit: 7, ..query };
        let mut found = Vec::new();
        loop {
            let page = wait(place.reader.threats(query.clone())).expect("a page");
            found.extend(page.items);
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let mut expected: Vec<Threat> = threats.iter().filter(|threat| matches(threat)).cloned().collect();
        expected.reverse();
        assert_eq!(found, expected, "{query:?}");
    };
    let any = ThreatQuery::default;
    check(any(), &|_| true);
    check(ThreatQuery { capture: Some(captures[1]), ..any() }, &|threat| threat.capture_id == captures[1].0);
    check(ThreatQuery { category: Some(Botnet), ..any() }, &|threat| threat.category() == Botnet);
    check(ThreatQuery { subject: Some([10, 0, 0, 4].into()), ..any() }, &|threat| {
        threat.subject_ip == [10, 0, 0, 4]
    });
    check(ThreatQuery { severity_min: Some(75), ..any() }, &|threat| threat.severity >= 75);
    let middle = threats[30].start_ns;
    check(ThreatQuery { from_ns: Some(middle), ..any() }, &|threat| threat.start_ns >= middle);
    check(ThreatQuery { to_ns: Some(middle), ..any() }, &|threat| threat.start_ns < middle);
    let stats = wait(place.reader.stats(StatsQuery::default())).expect("statistics");
    assert_eq!(stats.threats, [(Dos, 20), (BruteForce, 20), (Botnet, 20)]);
}

#[test]
fn nonsense_is_rejected_with_a_reason() {
    let mut place = Place::new();
    let good = threat(Traffics::new("a").capture, 1, Dos, 1);
    let bad = [
        Threat { threat_id: vec![1], ..good.clone() },
        Threat { capture_id: Vec::new(), ..good.clone() },
        Threat { subject_ip: vec![1, 2, 3], ..good.clone() },
        Threat { category: 99, ..good.clone() },
        Threat { superseded_by: vec![0; 15], ..good.clone() },
    ];
    for threat in &bad {
        let verdicts = write(&mut place, &[threat, &good]);
        assert!(matches!(&verdicts[0], Rejected(reason) if !reason.is_empty()), "{verdicts:?}");
        assert!(!matches!(verdicts[1], Rejected(_)));
    }
}
