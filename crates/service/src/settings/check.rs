//! What settings must be together and one by one, said so that the reader knows what to change.

use super::Settings;
use crate::logs;

/// Threads that one capture may be spread over. More cost memory and gain nothing.
const THREADS_MAX: usize = 64;

/// A token that can be guessed protects nothing.
const TOKEN_CHARS_MIN: usize = 16;

/// Every complaint about the settings.
pub(super) fn complaints(settings: &Settings) -> Vec<String> {
    let mut complaints = Vec::new();
    door(settings, &mut complaints);
    let (meter, gateway) = (&settings.meter, &settings.gateway);
    let at_least_one = [
        ("gateway.upload_bytes_max", gateway.upload_bytes_max.0),
        ("gateway.expanded_bytes_max", gateway.expanded_bytes_max.0),
        ("gateway.zip_entries_max", gateway.zip_entries_max.into()),
        ("meter.idle_unanswered_s", meter.idle_unanswered_s.into()),
        ("meter.idle_tcp_s", meter.idle_tcp_s.into()),
        ("meter.idle_udp_s", meter.idle_udp_s.into()),
        ("meter.idle_other_s", meter.idle_other_s.into()),
        ("meter.active_s", meter.active_s.into()),
        ("meter.flows_max", meter.flows_max as u64),
        ("meter.hosts_max", meter.hosts_max as u64),
        ("meter.pairs_max", meter.pairs_max as u64),
        ("predictor.batch_max", settings.predictor.batch_max as u64),
        ("bus.capacity", settings.bus.capacity as u64),
    ];
    for (key, _) in at_least_one.iter().filter(|(_, value)| *value == 0) {
        complaints.push(format!("{key} is 0; set it to 1 or more"));
    }
    if meter.threads > THREADS_MAX {
        complaints.push(format!(
            "meter.threads is {}, at most {THREADS_MAX} are started; 0 takes as many as there are processors",
            meter.threads
        ));
    }
    if settings.detect.scan_threshold < 2 {
        complaints.push("detect.scan_threshold is below 2; one port or host is no scan, 100 is usual".into());
    }
    complaints.extend(logs::filter(&settings.log.level).err());
    complaints
}

fn door(settings: &Settings, complaints: &mut Vec<String>) {
    let (listen, token) = (settings.gateway.listen, settings.gateway.token.expose());
    let make_one = "for example what `openssl rand -hex 32` prints";
    if token.is_empty() && !listen.ip().is_loopback() {
        complaints.push(format!(
            "gateway.listen is {listen}, which others can reach: set gateway.token to a secret, {make_one}, or listen on \
             127.0.0.1"
        ));
    } else if !token.is_empty() && token.chars().count() < TOKEN_CHARS_MIN {
        complaints.push(format!(
            "gateway.token has fewer than {TOKEN_CHARS_MIN} characters; set it to a longer secret, {make_one}"
        ));
    }
}
