//! Every filter against a plain one, and pages that neither repeat nor leave out.

use crate::samples::Traffics;
use crate::{Place, id_of, wait};
use schema::ids::{address, address_bytes};
use schema::{FlowId, Prediction, ThreatCategory, TrafficClass};
use std::sync::Arc;
use store::{PredictionQuery, Reader, Store, StoreError};

fn ids(place: &Place, query: &PredictionQuery) -> Vec<FlowId> {
    let mut query = query.clone();
    let mut ids = Vec::new();
    loop {
        let page = wait(place.reader.predictions(query.clone())).expect("a page");
        assert!(page.items.len() <= query.limit);
        ids.extend(page.items.iter().map(id_of));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return ids;
        }
    }
}

/// What a query means, in plain words.
fn matches(query: &PredictionQuery, prediction: &Prediction) -> bool {
    let record = prediction.record.as_ref().expect("a record");
    let category = prediction.threat_category();
    query.capture.is_none_or(|capture| capture.0 == *record.capture_id)
        && query.address.is_none_or(|address| {
            let address = address_bytes(address);
            record.source_ip == address || record.destination_ip == address
        })
        && query.port.is_none_or(|port| {
            record.source_port == u32::from(port) || record.destination_port == u32::from(port)
        })
        && query.traffic_class.is_none_or(|class| prediction.traffic_class() == class)
        && query.threat_category.is_none_or(|wanted| category == wanted)
        && (!query.attacks_only || category.is_attack())
        && (!query.abnormal_only || prediction.is_abnormal)
        && query.severity_min.is_none_or(|severity| prediction.severity >= severity)
        && query.from_ns.is_none_or(|from| record.start_ns >= from)
        && query.to_ns.is_none_or(|to| record.start_ns < to)
}

fn expected(batches: &[Vec<Arc<Prediction>>], query: &PredictionQuery) -> Vec<FlowId> {
    let mut found: Vec<_> =
        batches.iter().flatten().filter(|prediction| matches(query, prediction)).collect();
    let start = |prediction: &Prediction| prediction.record.as_ref().map(|record| record.start_ns);
    found.sort_by_key(|prediction| std::cmp::Reverse((start(prediction), id_of(prediction))));
    found.into_iter().map(|prediction| id_of(prediction)).collect()
}

#[test]
fn every_filter_finds_what_it_says() {
    let mut place = Place::new();
    let traffics = [Traffics::new("a"), Traffics::new("b")];
    let batches: Vec<_> = traffics.iter().map(|traffic| traffic.batch(0, 1500)).collect();
    for batch in &batches {
        place.store.write_predictions(batch).expect("written");
    }
    let any = PredictionQuery { limit: 1000, ..Default::default() };
    let record = batches[0][77].record.clone().expect("a record");
    let (source, destination) = (address(&record.source_ip), address(&record.destination_ip));
    let middle = traffics[0].start_ns + 700_000_000;
    let cases = [
        any.clone(),
        PredictionQuery {
            limit: 1,
            capture: Some(traffics[0].capture),
            from_ns: Some(middle + 700_000_000),
            ..any.clone()
        },
        PredictionQuery { capture: Some(traffics[1].capture), ..any.clone() },
        PredictionQuery { capture: Some(FlowId::default()), ..any.clone() },
        PredictionQuery { address: source, ..any.clone() },
        PredictionQuery { address: destination, limit: 2, ..any.clone() },
        PredictionQuery { address: Some([1, 2, 3, 4].into()), ..any.clone() },
        PredictionQuery { port: Some(3389), limit: 100, ..any.clone() },
        PredictionQuery { port: u16::try_from(record.source_port).ok(), ..any.clone() },
        PredictionQuery { traffic_class: Some(TrafficClass::Tor), ..any.clone() },
        PredictionQuery { threat_category: Some(ThreatCategory::None), ..any.clone() },
        PredictionQuery { threat_category: Some(ThreatCategory::Botnet), limit: 3, ..any.clone() },
        PredictionQuery { attacks_only: true, limit: 7, ..any.clone() },
        PredictionQuery { abnormal_only: true, ..any.clone() },
        PredictionQuery {
            abnormal_only: true,
            attacks_only: true,
            capture: Some(traffics[0].capture),
            ..any.clone()
        },
        PredictionQuery { severity_min: Some(80), ..any.clone() },
        PredictionQuery { from_ns: Some(middle), ..any.clone() },
        PredictionQuery { to_ns: Some(middle), attacks_only: true, ..any.clone() },
        PredictionQuery { from_ns: Some(middle), to_ns: Some(middle), ..any.clone() },
    ];
    for query in cases {
        assert_eq!(ids(&place, &query), expected(&batches, &query), "{query:?}");
    }
}

#[test]
fn pages_show_what_was_there_at_first_however_much_is_written() {
    let mut place = Place::new();
    let traffic = Traffics::new("a");
    // Every other one, so that later ones come before, between and after those of a page.
    let (even, odd): (Vec<_>, Vec<_>) =
        traffic.batch(0, 600).into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let strip = |numbered: Vec<(usize, Arc<Prediction>)>| -> Vec<_> {
        numbered.into_iter().map(|(_, item)| item).collect()
    };
    let (even, odd) = (strip(even), strip(odd));
    place.store.write_predictions(&even).expect("written");
    let mut query = PredictionQuery { limit: 20, ..Default::default() };
    let first_pages = expected(std::slice::from_ref(&even), &query);
    let mut seen = Vec::new();
    for later in odd.chunks(20) {
        let page = wait(place.reader.predictions(query.clone())).expect("a page");
        seen.extend(page.items.iter().map(id_of));
        query.cursor = page.next;
        place.store.write_predictions(later).expect("written");
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, first_pages);
    assert_eq!(ids(&place, &PredictionQuery { cursor: None, ..query }).len(), 600);
}

#[test]
fn limits_and_cursors_are_checked() {
    let mut place = Place::new();
    place.store.write_predictions(&Traffics::new("a").batch(0, 1200)).expect("written");
    let page = |query| wait(place.reader.predictions(query));
    assert_eq!(
        page(PredictionQuery { limit: usize::MAX, ..Default::default() }).expect("a page").items.len(),
        1000
    );
    let one = page(PredictionQuery { limit: 0, ..Default::default() }).expect("a page");
    assert_eq!(one.items.len(), 1);
    // The number of items may change from page to page, the filters may not.
    let cursor = one.next;
    assert!(page(PredictionQuery { limit: 5, cursor: cursor.clone(), ..Default::default() }).is_ok());
    let other = page(PredictionQuery { port: Some(1), cursor, ..Default::default() });
    assert!(matches!(other, Err(StoreError::BadQuery(_))), "{other:?}");
    let nonsense = page(PredictionQuery { cursor: Some("' OR 1=1 --".into()), ..Default::default() });
    assert!(matches!(nonsense, Err(StoreError::BadQuery(_))), "{nonsense:?}");
}

#[test]
fn ids_are_found_in_every_generation() {
    let mut place = Place::new();
    let traffic = Traffics::new("a");
    // More than two generations of 32,768 rows.
    for from in (0..70_000).step_by(10_000) {
        place.store.write_predictions(&traffic.batch(from, from + 10_000)).expect("written");
    }
    for number in [0, 32_766, 32_767, 32_768, 65_535, 65_536, 69_999] {
        let id = id_of(&traffic.prediction(number));
        let found = wait(place.reader.prediction(id)).expect("answer").expect("found");
        assert_eq!(id_of(&found), id);
    }
    assert_eq!(wait(place.reader.prediction(FlowId::hash(&[b"no"]))).expect("answer"), None);
}
