//! Each document once, whatever the batches.

use crate::samples::Traffics;
use crate::{Place, id_of, open, wait};
use schema::{FlowId, Prediction};
use std::sync::Arc;
use store::{Page, PredictionQuery, Reader, StatsQuery, Store, WriteVerdict};

use WriteVerdict::{AlreadyStored, Rejected, Stored};

fn record(prediction: &mut Prediction) -> &mut schema::FlowRecord {
    prediction.record.as_mut().expect("a record")
}

fn all(place: &Place) -> Vec<Prediction> {
    let mut query = PredictionQuery { limit: 1000, ..Default::default() };
    let mut items = Vec::new();
    loop {
        let Page { items: more, next } = wait(place.reader.predictions(query.clone())).expect("a page");
        items.extend(more);
        match next {
            Some(_) => query.cursor = next,
            None => return items,
        }
    }
}

#[test]
fn a_prediction_comes_back_as_it_was() {
    let mut place = Place::new();
    let batch = Traffics::new("a").batch(0, 300);
    assert_eq!(place.store.write_predictions(&batch).expect("written"), vec![Stored; 300]);
    for prediction in &batch {
        let there = wait(place.reader.prediction(id_of(prediction))).expect("answer").expect("found");
        // Features hold NaN, which is not equal to itself: compare bytes.
        assert_eq!(format!("{there:?}"), format!("{:?}", **prediction));
    }
    assert_eq!(wait(place.reader.prediction(FlowId::default())).expect("answer"), None);
}

#[test]
fn written_again_in_any_batches_changes_nothing() {
    let traffic = Traffics::new("a");
    let mut once = Place::new();
    once.store.write_predictions(&traffic.batch(0, 1000)).expect("written");
    let mut often = Place::new();
    for size in [1, 7, 100, 999, 1000] {
        for from in (0..1000).step_by(size) {
            let batch = traffic.batch(from, (from + size as u64).min(1000));
            let verdicts = often.store.write_predictions(&batch).expect("written");
            let expected = if size == 1 { Stored } else { AlreadyStored };
            assert_eq!(verdicts, vec![expected; batch.len()], "batch of {size} from {from}");
        }
    }
    assert_eq!(format!("{:?}", all(&once)), format!("{:?}", all(&often)));
    let stats = |place: &Place| wait(place.reader.stats(StatsQuery::default())).expect("statistics");
    assert_eq!(stats(&once), stats(&often));
}

#[test]
fn each_item_has_its_own_verdict() {
    let mut place = Place::new();
    let traffic = Traffics::new("a");
    place.store.write_predictions(&traffic.batch(10, 20)).expect("written");
    // Old ones, new ones, and one new one twice.
    let mut batch = traffic.batch(0, 30);
    batch.push(Arc::clone(&batch[25]));
    let verdicts = place.store.write_predictions(&batch).expect("written");
    for (number, verdict) in verdicts.iter().enumerate() {
        let expected = if (10..20).contains(&number) || number == 30 { AlreadyStored } else { Stored };
        assert_eq!(*verdict, expected, "item {number}");
    }
    assert_eq!(wait(place.reader.count_of_capture(traffic.capture)).expect("count"), 30);
}

#[test]
fn the_verdict_of_another_bundle_does_not_replace_the_first() {
    let mut place = Place::new();
    let first = Traffics::new("a").prediction(1);
    let second = Prediction { severity: 99, traffic_class: 3, ..first.clone() };
    place.store.write_predictions(&[Arc::new(first.clone())]).expect("written");
    assert_eq!(place.store.write_predictions(&[Arc::new(second)]).expect("written"), [AlreadyStored]);
    let there = wait(place.reader.prediction(id_of(&first))).expect("answer").expect("found");
    assert_eq!(there.severity, first.severity);
}

#[test]
fn nonsense_is_rejected_with_a_reason_and_stops_nothing() {
    let mut place = Place::new();
    let traffic = Traffics::new("a");
    let changed = |number: u64, change: &dyn Fn(&mut Prediction)| {
        let mut prediction = traffic.prediction(number);
        change(&mut prediction);
        Arc::new(prediction)
    };
    let batch = [
        changed(0, &|_| {}),
        changed(1, &|prediction| prediction.record = None),
        changed(2, &|prediction| record(prediction).flow_id.clear()),
        changed(3, &|prediction| record(prediction).capture_id.push(1)),
        changed(4, &|prediction| record(prediction).source_ip.clear()),
        changed(5, &|prediction| record(prediction).protocol = 256),
        changed(6, &|prediction| prediction.traffic_class = 9),
        changed(7, &|prediction| prediction.threat_category = -1),
        changed(8, &|prediction| {
            record(prediction).forward = None;
            record(prediction).backward = None;
            record(prediction).features = vec![1, 2, 3];
            record(prediction).application = None;
            (record(prediction).start_ns, record(prediction).end_ns) = (i64::MAX, i64::MIN);
        }),
    ];
    let verdicts = place.store.write_predictions(&batch).expect("written");
    for (number, verdict) in verdicts.iter().enumerate() {
        let is_good = [0, 8].contains(&number);
        assert_eq!(*verdict == Stored, is_good, "item {number}: {verdict:?}");
        assert!(is_good || matches!(verdict, Rejected(reason) if !reason.is_empty()));
    }
    assert_eq!(all(&place).len(), 2);
    let query = PredictionQuery { capture: Some(traffic.capture), ..Default::default() };
    assert_eq!(wait(place.reader.predictions(query)).expect("a page").items.len(), 2);
    assert_eq!(place.store.write_predictions(&[]).expect("nothing"), []);
}

#[test]
fn two_processes_can_write_into_one_store() {
    let mut one = Place::new();
    let mut other = open(one.folder.path());
    let traffic = Traffics::new("a");
    for round in 0..10 {
        let batch = traffic.batch(round * 100, round * 100 + 150);
        let (first, second) =
            if round % 2 == 0 { (&mut one.store, &mut other) } else { (&mut other, &mut one.store) };
        first.write_predictions(&batch).expect("written");
        assert_eq!(second.write_predictions(&batch).expect("written"), vec![AlreadyStored; 150]);
    }
    let stats = wait(one.reader.stats(StatsQuery::default())).expect("statistics");
    assert_eq!(stats.total.flows, 1050);
    assert_eq!(all(&one).len(), 1050);
}

#[test]
fn threads_take_turns_and_readers_go_on() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let mut store = place.store.clone();
            scope.spawn(move || {
                let traffic = Traffics::new(&format!("capture {writer}"));
                for from in (0..2000).step_by(100) {
                    store.write_predictions(&traffic.batch(from, from + 100)).expect("written");
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0;
                while seen < 6000 {
                    let stats = wait(place.reader.stats(StatsQuery::default())).expect("statistics");
                    assert!(stats.total.flows >= seen, "the count went back");
                    assert_eq!(
                        stats.traffic_classes.iter().map(|share| share.count.flows).sum::<u64>(),
                        stats.total.flows
                    );
                    seen = stats.total.flows;
                    wait(place.reader.predictions(PredictionQuery::default())).expect("a page");
                }
            });
        }
    });
}

#[test]
fn history_and_jobs_are_remembered() {
    let place = Place::new();
    let reader = &place.reader;
    for number in 1..=25 {
        let id = wait(reader.insert_history(format!("{{\"len\":{number}}}"), "{}".into(), number));
        assert_eq!(id.expect("an id"), number);
    }
    let newest = wait(reader.history(10, None)).expect("entries");
    assert_eq!(newest.iter().map(|entry| entry.id).collect::<Vec<_>>(), (16..=25).rev().collect::<Vec<_>>());
    assert_eq!((newest[0].input.as_str(), newest[0].time_ns), ("{\"len\":25}", 25));
    let older = wait(reader.history(100, Some(16))).expect("entries");
    assert_eq!(older.len(), 15);

    let job = |name: &str, flows| schema::JobEvent { job_id: name.into(), flows, ..Default::default() };
    for (name, flows) in [("a", 1), ("b", 1), ("a", 5)] {
        wait(reader.put_job(job(name, flows))).expect("kept");
    }
    assert_eq!(wait(reader.job("a".into())).expect("answer"), Some(job("a", 5)));
    assert_eq!(wait(reader.job("c".into())).expect("answer"), None);
    assert_eq!(wait(reader.jobs(9)).expect("jobs"), [job("b", 1), job("a", 5)]);
    assert_eq!(wait(reader.jobs(1)).expect("jobs"), [job("b", 1)]);
}
