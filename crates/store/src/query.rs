//! What can be asked of a store: filters, order, pages.

use schema::{CaptureId, ThreatCategory, TrafficClass};
use std::net::IpAddr;

/// Most items that one page holds; a larger `limit` is lowered to it.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// Items of a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// Which predictions, those whose flow began last first. Every `None` and `false` means "any"; all that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionQuery {
    /// Of this capture.
    pub capture: Option<CaptureId>,
    /// Either end has this address.
    pub address: Option<IpAddr>,
    /// Either end has this port.
    pub port: Option<u16>,
    /// Of this traffic class.
    pub traffic_class: Option<TrafficClass>,
    /// Of this threat category (`None` the option: any; `ThreatCategory::None`: those without a threat).
    pub threat_category: Option<ThreatCategory>,
    /// Only those whose category is an attack ([`ThreatCategory::is_attack`]).
    pub attacks_only: bool,
    /// Only those that the policy calls abnormal.
    pub abnormal_only: bool,
    /// Severity at least this, 0 to 100.
    pub severity_min: Option<u32>,
    /// First packet at or after, nanoseconds since 1970.
    pub from_ns: Option<i64>,
    /// First packet before, nanoseconds since 1970.
    pub to_ns: Option<i64>,
    /// Items a page, 1 to [`PAGE_ITEMS_MAX`].
    pub limit: usize,
    /// [`Page::next`] of the page before; of the same query, else `StoreError::BadQuery`.
    pub cursor: Option<String>,
}

impl Default for PredictionQuery {
    fn default() -> Self {
        Self {
            capture: None,
            address: None,
            port: None,
            traffic_class: None,
            threat_category: None,
            attacks_only: false,
            abnormal_only: false,
            severity_min: None,
            from_ns: None,
            to_ns: None,
            limit: PAGE_ITEMS_DEFAULT,
            cursor: None,
        }
    }
}

/// Which threats, those that began last first. Every `None` means "any"; all that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreatQuery {
    /// Of this capture.
    pub capture: Option<CaptureId>,
    /// The subject has this address.
    pub subject: Option<IpAddr>,
    /// Of this category.
    pub category: Option<ThreatCategory>,
    /// Severity at least this, 0 to 100.
    pub severity_min: Option<u32>,
    /// Began at or after, nanoseconds since 1970.
    pub from_ns: Option<i64>,
    /// Began before, nanoseconds since 1970.
    pub to_ns: Option<i64>,
    /// Items a page, 1 to [`PAGE_ITEMS_MAX`].
    pub limit: usize,
    /// [`Page::next`] of the page before; of the same query, else `StoreError::BadQuery`.
    pub cursor: Option<String>,
}

impl Default for ThreatQuery {
    fn default() -> Self {
        Self {
            capture: None,
            subject: None,
            category: None,
            severity_min: None,
            from_ns: None,
            to_ns: None,
            limit: PAGE_ITEMS_DEFAULT,
            cursor: None,
        }
    }
}

/// A page of an answer.
///
/// Following `next` to its end gives every item that was there when the first page was asked for exactly once,
/// however much is written meanwhile (what retention removed or a threat's newer version replaced excepted).
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one. Opaque; letters and digits only.
    pub next: Option<String>,
}

/// Of what the statistics are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsQuery {
    /// Of this capture; `None`: of everything in the store.
    pub capture: Option<CaptureId>,
}
