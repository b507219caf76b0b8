//! `GET /api/history`: what `/api/predict` was asked and what it answered.

use super::parameters::{HistoryFilter, limit};
use super::{App, PREFIXES, page};
use crate::clock;
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Serialize;
use serde_json::value::RawValue;
use store::{HistoryEntry, PAGE_ITEMS_DEFAULT};
use utoipa::ToSchema;

/// One question and its answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryItem {
    /// Grows with every entry.
    id: i64,
    /// The columns that were sent.
    #[schema(value_type = Object)]
    input: Box<RawValue>,
    /// The answer.
    #[schema(value_type = Object)]
    result: Box<RawValue>,
    /// When, RFC 3339.
    timestamp: String,
}

impl From<HistoryEntry> for HistoryItem {
    fn from(entry: HistoryEntry) -> Self {
        // The gateway wrote both as JSON; whatever else may lie in an old store is shown as null.
        let raw = |text| RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let timestamp = clock::to_text(entry.time_ns);
        Self { id: entry.id, input: raw(entry.input), result: raw(entry.result), timestamp }
    }
}

/// What `/api/predict` was asked and what it answered, newest first.
#[utoipa::path(
    get, path = "/api/history", tag = "predict", params(HistoryFilter),
    responses(
        (status = 200, body = Vec<HistoryItem>, description = "Newest first", headers(("Link" = String, description = "The next page"))),
        (status = 400, response = super::openapi::Malformed),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn history(
    app: Data<App>,
    Query(filter): Query<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(filter.limit, PAGE_ITEMS_DEFAULT)?;
    let entries = app.reader.history(limit, filter.before).await?;
    let items: Vec<HistoryItem> = entries.into_iter().map(HistoryItem::from).collect();
    let last = items.last().filter(|_| items.len() == limit);
    let next = last.map(|item| format!("{}/history?limit={limit}&before={}", PREFIXES[0], item.id));
    Ok(page(next, &items))
}
