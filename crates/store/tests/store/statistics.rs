//! Every number of the statistics against a plain recount.

use crate::samples::Traffics;
use crate::{Place, wait};
use schema::ids::address;
use schema::{CaptureId, Prediction};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use store::{Count, HostCount, Reader, Share, Stats, StatsQuery, Store};

fn count(prediction: &Prediction) -> Count {
    let record = prediction.record.as_ref().expect("a record");
    let sides = [record.forward.as_ref(), record.backward.as_ref()];
    let sides = || sides.into_iter().flatten();
    Count {
        flows: 1,
        packets: sides().map(|side| side.packets).sum(),
        bytes: sides().map(|side| side.ip_bytes).sum(),
    }
}

fn sum<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Count {
    predictions.map(count).fold(Count::default(), |all, one| Count {
        flows: all.flows + one.flows,
        packets: all.packets + one.packets,
        bytes: all.bytes + one.bytes,
    })
}

fn group<K: Ord>(predictions: &[&Prediction], key: impl Fn(&Prediction) -> K) -> BTreeMap<K, Count> {
    let mut groups: BTreeMap<K, Vec<&Prediction>> = BTreeMap::new();
    for prediction in predictions {
        groups.entry(key(prediction)).or_default().push(prediction);
    }
    groups.into_iter().map(|(key, members)| (key, sum(members.into_iter()))).collect()
}

fn check_shares<K: Ord + Clone + std::fmt::Debug>(shares: &[Share<K>], expected: BTreeMap<K, Count>) {
    assert!(shares.is_sorted_by_key(|share| Reverse(share.count.flows)), "{shares:?}");
    let shares: BTreeMap<K, Count> = shares.iter().map(|share| (share.key.clone(), share.count)).collect();
    assert_eq!(shares, expected);
}

fn check_hosts(predictions: &[&Prediction], top: &store::TopHosts, side: impl Fn(&Prediction) -> Vec<u8>) {
    let hosts = group(predictions, |prediction| address(&side(prediction)).expect("an address"));
    let mut hosts: Vec<HostCount> =
        hosts.into_iter().map(|(address, count)| HostCount { address, count }).collect();
    hosts.sort_by_key(|host| (Reverse(host.count.flows), host.address));
    assert_eq!(top.by_flows, hosts[..hosts.len().min(10)]);
    hosts.sort_by_key(|host| (Reverse(host.count.bytes), host.address));
    assert_eq!(top.by_bytes, hosts[..hosts.len().min(10)]);
    assert_eq!((top.missed_flows_max, top.missed_bytes_max), (0, 0));
}

fn check_timeline(predictions: &[&Prediction], stats: &Stats) {
    let line = &stats.timeline;
    assert!(line.points.len() <= 512 && line.bucket_ns > 0);
    assert!(line.points.is_sorted_by_key(|point| point.start_ns));
    let sum = |number: fn(&Count) -> u64| line.points.iter().map(|point| number(&point.count)).sum::<u64>();
    assert_eq!(sum(|count| count.packets), stats.total.packets);
    assert_eq!(sum(|count| count.bytes), stats.total.bytes);
    let begun = group(predictions, |prediction| {
        prediction.record.as_ref().map(|record| record.start_ns.div_euclid(line.bucket_ns) * line.bucket_ns)
    });
    for point in &line.points {
        let begun = begun.get(&Some(point.start_ns)).map_or(0, |count| count.flows);
        assert_eq!(point.count.flows, begun, "at {}", point.start_ns);
    }
    let abnormal: u64 = line.points.iter().map(|point| point.abnormal).sum();
    assert_eq!(abnormal, stats.abnormal.flows);
}

fn check(stats: &Stats, predictions: &[&Prediction]) {
    let record = |prediction: &Prediction| prediction.record.clone().expect("a record");
    assert_eq!(stats.total, sum(predictions.iter().copied()));
    assert_eq!(stats.first_ns, predictions.iter().map(|prediction| record(prediction).start_ns).min());
    assert_eq!(stats.last_ns, predictions.iter().map(|prediction| record(prediction).end_ns).max());
    check_shares(&stats.transports, group(predictions, |prediction| record(prediction).protocol as u8));
    check_shares(
        &stats.protocols,
        group(predictions, |prediction| record(prediction).application.unwrap_or_default().protocol),
    );
    check_shares(&stats.traffic_classes, group(predictions, Prediction::traffic_class));
    check_shares(&stats.threat_categories, group(predictions, Prediction::threat_category));
    assert_eq!(stats.abnormal, sum(predictions.iter().copied().filter(|prediction| prediction.is_abnormal)));
    assert_eq!(stats.uncertain, sum(predictions.iter().copied().filter(|prediction| prediction.uncertain)));
    check_hosts(predictions, &stats.sources, |prediction| record(prediction).source_ip);
    check_hosts(predictions, &stats.destinations, |prediction| record(prediction).destination_ip);
    check_timeline(predictions, stats);
}

fn stats(place: &Place, capture: Option<CaptureId>) -> Stats {
    wait(place.reader.stats(StatsQuery { capture })).expect("statistics")
}

#[test]
fn statistics_are_what_a_recount_gives() {
    let mut place = Place::new();
    assert_eq!(stats(&place, None), Stats::default());
    let traffics = [Traffics::new("a"), Traffics::new("b"), Traffics::new("c")];
    let batches: Vec<_> = traffics.iter().map(|traffic| traffic.batch(0, 1000)).collect();
    // Mixed within batches, some of it twice.
    for from in (0..1000).step_by(90) {
        let mixed: Vec<Arc<Prediction>> =
            batches.iter().flat_map(|batch| batch.iter().skip(from).take(120).cloned()).collect();
        place.store.write_predictions(&mixed).expect("written");
    }
    let everything: Vec<&Prediction> = batches.iter().flatten().map(|prediction| &**prediction).collect();
    check(&stats(&place, None), &everything);
    for (traffic, batch) in traffics.iter().zip(&batches) {
        let own: Vec<&Prediction> = batch.iter().map(|prediction| &**prediction).collect();
        check(&stats(&place, Some(traffic.capture)), &own);
        assert_eq!(wait(place.reader.count_of_capture(traffic.capture)).expect("count"), 1000);
    }
    assert_eq!(stats(&place, Some(CaptureId::default())), Stats::default());
    assert_eq!(wait(place.reader.count_of_capture(CaptureId::default())).expect("count"), 0);
}

#[test]
fn captures_are_listed_with_their_sums() {
    let mut place = Place::new();
    for name in ["a", "b"] {
        place.store.write_predictions(&Traffics::new(name).batch(0, 200)).expect("written");
    }
    let captures = wait(place.reader.captures()).expect("captures");
    assert_eq!(
        captures.iter().map(|capture| capture.sensor.as_str()).collect::<Vec<_>>(),
        ["b.pcap", "a.pcap"]
    );
    for capture in captures {
        let stats = stats(&place, Some(capture.id));
        assert_eq!(capture.total, stats.total);
        assert_eq!((Some(capture.first_ns), Some(capture.last_ns)), (stats.first_ns, stats.last_ns));
        assert_eq!(capture.abnormal, stats.abnormal.flows);
        let attacks = stats.threat_categories.iter().filter(|share| share.key.is_attack());
        assert_eq!(capture.attacks, attacks.map(|share| share.count.flows).sum::<u64>());
        assert!(capture.stored_ns > 0);
    }
}

#[test]
fn a_flood_from_forged_addresses_stays_bounded_and_says_how_exact_it_is() {
    let mut place = Place::new();
    let flood = Traffics { sources: 0, ..Traffics::new("flood") };
    for from in (0..20_000).step_by(5_000) {
        place.store.write_predictions(&flood.batch(from, from + 5_000)).expect("written");
    }
    let stats = stats(&place, None);
    assert_eq!(stats.total.flows, 20_000);
    let top = stats.sources;
    assert!(top.missed_flows_max > 0);
    // Each source has one flow, and none may be said to have more.
    assert!(top.by_flows.iter().all(|host| host.count.flows == 1));
    let largest = (0..20_000).map(|number| count(&flood.prediction(number)).bytes).max();
    assert_eq!(top.by_bytes.first().map(|host| host.count.bytes), largest);
    assert!(
        stats
            .destinations
            .by_flows
            .iter()
            .all(|host| !matches!(host.address, IpAddr::V4(v4) if v4.octets()[0] == 10))
    );
}
