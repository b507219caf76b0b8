//! `/livez`, `/readyz` and `/metrics`: whether the service lives, can do its work, and has done it. No captured data.

use super::App;
use super::parameters::ReadyQuery;
use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Query};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether one part of the service can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `models`, `bus`, ...
    pub name: &'static str,
    /// Whether it can.
    pub ready: bool,
    /// Why not, and what to do; empty when all is well.
    pub reason: String,
}

/// Asked at every look: how the parts are that the gateway does not know itself.
pub(crate) type Parts = Arc<dyn Fn() -> Vec<Part> + Send + Sync>;

/// Whether the service can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready` or `not ready`.
    status: &'static str,
    /// Each part, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartView>>,
}

/// A part of the service.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartView {
    name: String,
    ready: bool,
    /// Why not, and what to do.
    reason: String,
}

impl From<Part> for PartView {
    fn from(part: Part) -> Self {
        Self { name: part.name.to_owned(), ready: part.ready, reason: part.reason }
    }
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = String, description = "`ok`")))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Every part can do its work.
#[utoipa::path(
    get, path = "/readyz", tag = "health", params(ReadyQuery),
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "Some part cannot"))
)]
pub(crate) async fn readyz(app: Data<App>, Query(query): Query<ReadyQuery>) -> HttpResponse {
    let store = app.reader.readiness().await;
    let mut parts = vec![Part { name: "store", ready: store.reads && store.writes, reason: store.reason }];
    parts.extend((app.parts)());
    let ready = parts.iter().all(|part| part.ready);
    let verbose = query.verbose.is_some_and(|verbose| verbose != "false");
    let body = Ready {
        status: if ready { "ready" } else { "not ready" },
        parts: verbose.then(|| parts.into_iter().map(PartView::from).collect()),
    };
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(body)
}

/// Counters for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain", description = "Prometheus text format"))
)]
pub(crate) async fn metrics(app: Data<App>) -> HttpResponse {
    match app.metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .insert_header(("content-type", "text/plain; version=0.0.4; charset=utf-8"))
            .body(text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            HttpResponse::InternalServerError()
                .insert_header(ContentType::plaintext())
                .body(error.to_string())
        }
    }
}
