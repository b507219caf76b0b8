//! What holds for any frames that are metered.

use flow_meter::{Frame, LinkType, Meter, MeterConfig};
use schema::{CaptureId, FEATURES, FlowLayer, FlowRecord};

const MS: i64 = 1_000_000;

/// Meters frames, each a length of one byte and so many bytes of Ethernet, 1 ms apart, alone and together.
pub(crate) fn check(bytes: &[u8]) {
    let frames = frames(bytes);
    let (mut alone, mut together) = (Meter::new(config()), Meter::new(config()));
    let (mut out, mut out_together): (Vec<FlowRecord>, Vec<FlowRecord>) = (Vec::new(), Vec::new());
    for frame in &frames {
        alone.push(frame, &mut out);
        assert!(alone.open_flows() <= config().flows.flows_max, "flows_max");
    }
    alone.drain(&mut out);
    together.push_all(frames.iter().copied(), &mut out_together);
    together.drain(&mut out_together);
    // Features are bytes here, so that a NaN equals itself.
    assert_eq!(out, out_together, "one at a time or together");
    let counters = alone.counters();
    assert_eq!(counters, together.counters());
    let skipped: u64 = counters.skipped.iter().sum();
    let ended: u64 = counters.ended.iter().sum();
    let inner = out.iter().filter(|flow| flow.layer() == FlowLayer::Inner);
    let in_flows: u64 =
        inner.flat_map(|flow| [&flow.forward, &flow.backward]).flatten().map(|way| way.packets).sum();
    assert_eq!(counters.packets, frames.len() as u64);
    assert_eq!(skipped + in_flows, counters.packets, "each packet is in one flow or skipped");
    assert_eq!((alone.open_flows(), ended), (0, out.len() as u64), "each flow ends in a record");
    assert!(out.iter().all(|flow| flow.features.len() == FEATURES.len() * 4));
}

/// Small limits, so that a short input can meet each of them.
fn config() -> MeterConfig {
    let mut config = MeterConfig::new(CaptureId::default(), "input");
    config.flows.idle_unanswered_ns = 8 * MS;
    config.flows.idle_tcp_ns = 30 * MS;
    config.flows.idle_udp_ns = 20 * MS;
    config.flows.idle_other_ns = 10 * MS;
    config.flows.active_ns = 25 * MS;
    config.flows.closed_linger_ns = 3 * MS;
    config.flows.flows_max = 8;
    config.flows.keep_first_payload = true;
    config.context.look_ahead_ns = 5 * MS;
    config.context.hosts_max = 8;
    config.context.pairs_max = 8;
    config
}

fn frames(mut bytes: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (bytes_of_frame, after) = rest.split_at(usize::from(*length).min(rest.len()));
        frames.push(Frame {
            ts_ns: frames.len() as i64 * MS,
            link_type: LinkType::ETHERNET,
            wire_len: u32::from(*length),
            bytes: bytes_of_frame,
        });
        bytes = after;
    }
    frames
}
