//! What queries and paths may say, read into the words of the store.

use crate::clock;
use crate::problem::{Kind, Problem};
use schema::{Id, ThreatCategory, TrafficClass};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use store::{PAGE_ITEMS_MAX, PredictionQuery, ThreatQuery};
use utoipa::IntoParams;

/// Longest cursor that is looked at.
const CURSOR_BYTES_MAX: usize = 512;

/// Which predictions. All that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PredictionFilter {
    /// Capture id, 32 hex digits.
    pub(crate) capture: Option<String>,
    /// Either end has this IP address.
    pub(crate) address: Option<String>,
    /// Either end has this port.
    pub(crate) port: Option<u16>,
    /// Traffic class: `Tor`, `VPN`, `NonVPN` or `Non-Tor`.
    pub(crate) class: Option<String>,
    /// Threat category, as in documents: `none`, `reconnaissance`, `dos`, ...
    pub(crate) category: Option<String>,
    /// Only attacks.
    pub(crate) attacks: Option<bool>,
    /// Only what the policy calls abnormal.
    pub(crate) abnormal: Option<bool>,
    /// Severity at least this, 0 to 100.
    pub(crate) severity_min: Option<u32>,
    /// First packet at or after: RFC 3339.
    pub(crate) from: Option<String>,
    /// First packet before: RFC 3339.
    pub(crate) to: Option<String>,
    /// Items a page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
}

/// Which threats. All that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThreatFilter {
    /// Capture id, 32 hex digits.
    pub(crate) capture: Option<String>,
    /// The subject (the attacker; for floods the victim) has this IP address.
    pub(crate) address: Option<String>,
    /// Threat category, as in documents.
    pub(crate) category: Option<String>,
    /// Severity at least this, 0 to 100.
    pub(crate) severity_min: Option<u32>,
    /// Began at or after: RFC 3339.
    pub(crate) from: Option<String>,
    /// Began before: RFC 3339.
    pub(crate) to: Option<String>,
    /// Items a page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
}

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryFilter {
    /// Entries, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// Only entries with a smaller id: the last one of the page before.
    pub(crate) before: Option<i64>,
}

/// How many jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobFilter {
    /// Jobs, 1 to 1000; 20 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
}

/// Of what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsFilter {
    /// Capture id, 32 hex digits; everything when absent.
    pub(crate) capture: Option<String>,
}

/// How much to say.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadyQuery {
    /// List each part; any value but `false` will do.
    pub(crate) verbose: Option<String>,
}

/// When to answer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// Answer only when the job has ended, with its result.
    #[serde(default)]
    pub(crate) wait: bool,
}

impl PredictionFilter {
    /// In the store's words.
    pub(crate) fn query(&self) -> Result<PredictionQuery, Problem> {
        let ends = PredictionQuery::default();
        Ok(PredictionQuery {
            capture: given("capture", self.capture.as_deref(), Id::from_hex, "32 hex digits")?,
            address: given("address", self.address.as_deref(), address, "an IP address")?,
            port: self.port,
            traffic_class: given("class", self.class.as_deref(), TrafficClass::from_name, CLASSES)?,
            threat_category: given(
                "category",
                self.category.as_deref(),
                ThreatCategory::from_name,
                CATEGORIES,
            )?,
            attacks_only: self.attacks.unwrap_or_default(),
            abnormal_only: self.abnormal.unwrap_or_default(),
            severity_min: self.severity_min,
            from_ns: given("from", self.from.as_deref(), clock::from_text, TIME)?,
            to_ns: given("to", self.to.as_deref(), clock::from_text, TIME)?,
            limit: limit(self.limit, ends.limit)?,
            cursor: cursor(self.cursor.as_ref())?,
        })
    }
}

impl ThreatFilter {
    /// In the store's words.
    pub(crate) fn query(&self) -> Result<ThreatQuery, Problem> {
        let ends = ThreatQuery::default();
        Ok(ThreatQuery {
            capture: given("capture", self.capture.as_deref(), Id::from_hex, "32 hex digits")?,
            subject: given("address", self.address.as_deref(), address, "an IP address")?,
            category: given("category", self.category.as_deref(), ThreatCategory::from_name, CATEGORIES)?,
            severity_min: self.severity_min,
            from_ns: given("from", self.from.as_deref(), clock::from_text, TIME)?,
            to_ns: given("to", self.to.as_deref(), clock::from_text, TIME)?,
            limit: limit(self.limit, ends.limit)?,
            cursor: cursor(self.cursor.as_ref())?,
        })
    }
}

const CLASSES: &str = "one of Tor, VPN, NonVPN, Non-Tor";
const CATEGORIES: &str = "none or one of reconnaissance, dos, ddos, brute_force, web_attack, exploit, malware_c2, \
                          botnet, exfiltration, tunnel, lateral_movement, cryptomining, network_attack, \
                          credential_exposure, policy_anonymiser";
const TIME: &str = "a time like 2026-11-22T21:41:03Z, between the years 1678 and 2262";

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A parameter's value, when there is one.
fn given<T>(
    name: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    wanted: &str,
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let refuse =
        || Problem::new(Kind::Malformed, format!("{name} must be {wanted}.")).with("parameter", name);
    read(text).map(Some).ok_or_else(refuse)
}

/// Items a page.
pub(crate) fn limit(asked: Option<usize>, otherwise: usize) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(otherwise);
    if (1..=PAGE_ITEMS_MAX).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("limit must be from 1 to {PAGE_ITEMS_MAX}.");
    Err(Problem::new(Kind::Malformed, detail).with("parameter", "limit"))
}

fn cursor(text: Option<&String>) -> Result<Option<String>, Problem> {
    given(
        "cursor",
        text.map(String::as_str),
        |text| (text.len() <= CURSOR_BYTES_MAX).then(|| text.to_owned()),
        "the `next` of a page",
    )
}

/// An id in a path.
pub(crate) fn id(text: &str, of: &str) -> Result<Id, Problem> {
    Id::from_hex(text)
        .ok_or_else(|| Problem::new(Kind::Malformed, format!("The id of {of} has 32 hex digits.")))
}
