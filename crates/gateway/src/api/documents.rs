//! `GET /api/predictions` and `/api/threats`: ECS documents exactly as every other door writes them.

use super::parameters::{PredictionFilter, ThreatFilter, id};
use super::{App, PREFIXES, page};
use crate::problem::{Kind, Problem};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use schema::document::{prediction_json, threat_json};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A page of ECS documents.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentPage {
    /// The documents, newest first.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<RawValue>>,
    /// Cursor of the next page; null on the last one. The Link header has its whole address.
    next: Option<String>,
}

/// Predictions, one for each flow.
#[utoipa::path(
    get, path = "/api/predictions", tag = "results", params(PredictionFilter),
    responses(
        (status = 200, body = DocumentPage, description = "Newest first", headers(("Link" = String, description = "The next page"))),
        (status = 400, response = super::openapi::Malformed),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn predictions(
    app: Data<App>,
    Query(filter): Query<PredictionFilter>,
) -> Result<HttpResponse, Problem> {
    let found = app.reader.predictions(filter.query()?).await?;
    let items = found.items.iter().map(|prediction| raw(prediction_json(prediction)));
    let body = DocumentPage { items: items.collect::<Result<_, _>>()?, next: found.next };
    let link =
        body.next.clone().map(|next| link("predictions", &PredictionFilter { cursor: Some(next), ..filter }));
    Ok(page(link.transpose()?, &body))
}

/// One prediction.
#[utoipa::path(
    get, path = "/api/predictions/{id}", tag = "results",
    params(("id" = String, Path, description = "Flow id, 32 hex digits")),
    responses(
        (status = 200, body = Object, description = "An ECS document"),
        (status = 400, response = super::openapi::Malformed),
        (status = 404, response = super::openapi::NotFound),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn prediction(app: Data<App>, path: Path<String>) -> Result<HttpResponse, Problem> {
    let found = app.reader.prediction(id(&path, "a prediction")?).await?;
    let found = found.ok_or_else(|| absent("prediction", &path))?;
    Ok(HttpResponse::Ok().json(raw(prediction_json(&found))?))
}

/// Threats: runs of evidence rolled up.
#[utoipa::path(
    get, path = "/api/threats", tag = "results", params(ThreatFilter),
    responses(
        (status = 200, body = DocumentPage, description = "Newest first", headers(("Link" = String, description = "The next page"))),
        (status = 400, response = super::openapi::Malformed),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn threats(
    app: Data<App>,
    Query(filter): Query<ThreatFilter>,
) -> Result<HttpResponse, Problem> {
    let found = app.reader.threats(filter.query()?).await?;
    let items = found.items.iter().map(|threat| raw(threat_json(threat)));
    let body = DocumentPage { items: items.collect::<Result<_, _>>()?, next: found.next };
    let link = body.next.clone().map(|next| link("threats", &ThreatFilter { cursor: Some(next), ..filter }));
    Ok(page(link.transpose()?, &body))
}

/// One threat.
#[utoipa::path(
    get, path = "/api/threats/{id}", tag = "results",
    params(("id" = String, Path, description = "Threat id, 32 hex digits")),
    responses(
        (status = 200, body = Object, description = "An ECS document"),
        (status = 400, response = super::openapi::Malformed),
        (status = 404, response = super::openapi::NotFound),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn threat(app: Data<App>, path: Path<String>) -> Result<HttpResponse, Problem> {
    let found = app.reader.threat(id(&path, "a threat")?).await?;
    let found = found.ok_or_else(|| absent("threat", &path))?;
    Ok(HttpResponse::Ok().json(raw(threat_json(&found))?))
}

/// A document is written once, by `schema`; here it is only carried.
fn raw(document: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(document).map_err(|error| {
        tracing::error!(%error, "a document is not JSON");
        Problem::new(
            Kind::Internal,
            "A document could not be written. The service's log says more; please report it.",
        )
    })
}

fn absent(what: &str, id: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("There is no {what} {id}. It may have been removed by retention."))
}

/// Where the next page is, with the same filters.
fn link(route: &str, filter: &impl Serialize) -> Result<String, Problem> {
    let query = serde_urlencoded::to_string(filter)
        .map_err(|error| Problem::new(Kind::Internal, format!("The next page has no address: {error}.")))?;
    Ok(format!("{}/{route}?{query}", PREFIXES[0]))
}
