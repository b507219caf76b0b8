//! The routes: what is asked for, by which plain function it is answered, and what the answer looks like.
//!
//! The types here are the API's own. They are made from the wire types and never are those.

mod assets;
mod documents;
mod health;
mod history;
mod jobs;
mod openapi;
mod parameters;
mod predict;
mod stats;
mod upload;

pub use health::Part;
pub(crate) use health::Parts;
pub(crate) use predict::Judges;

use crate::jobs::Jobs;
use crate::limits::GatewayLimits;
use crate::problem::{Kind, Problem};
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};
use service::Metrics;
use std::sync::Arc;
use store::Reader;

/// Path prefixes under which the API answers; the first is what links and documents name.
pub(crate) const PREFIXES: [&str; 2] = ["/api", "/api/v1"];

/// What the handlers share.
pub(crate) struct App {
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) jobs: Jobs,
    pub(crate) judges: Judges,
    pub(crate) parts: Parts,
    pub(crate) metrics: Metrics,
    pub(crate) limits: GatewayLimits,
}

/// Registers every route.
pub(crate) fn routes(config: &mut web::ServiceConfig, json_bytes_max: usize) {
    config
        .app_data(
            web::JsonConfig::default()
                .limit(json_bytes_max)
                .error_handler(move |error, _| json_problem(&error, json_bytes_max).into()),
        )
        .app_data(web::QueryConfig::default().error_handler(|error, _| query_problem(&error).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| path_problem(&error).into()));
    for prefix in PREFIXES.iter().rev() {
        config.service(web::scope(prefix).configure(api));
    }
    config
        .service(get("/livez", health::livez))
        .service(get("/readyz", health::readyz))
        .service(get("/metrics", health::metrics))
        .configure(assets::routes);
}

fn api(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/upload_pcap").route(web::post().to(upload::upload_pcap)))
        .service(get("/jobs", jobs::list))
        .service(get("/jobs/{id}", jobs::one))
        .service(web::resource("/predict").route(web::post().to(predict::predict)))
        .service(get("/history", history::history))
        .service(get("/predictions", documents::predictions))
        .service(get("/predictions/{id}", documents::prediction))
        .service(get("/threats", documents::threats))
        .service(get("/threats/{id}", documents::threat))
        .service(get("/stats", stats::stats))
        .service(get("/captures", stats::captures))
        .service(get("/openapi.json", openapi::openapi));
}

/// A route that is only read; HEAD is GET without the body.
fn get<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// A JSON body that is no JSON, with the place where it stops to be.
fn json_problem(error: &JsonPayloadError, max: usize) -> Problem {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => Problem::new(
            Kind::TooLarge,
            format!("The body has more than {max} bytes (json_bytes_max). Send fewer columns."),
        ),
        JsonPayloadError::ContentType => {
            Problem::new(Kind::UnsupportedType, "Send JSON, and say so: `Content-Type: application/json`.")
        }
        JsonPayloadError::Deserialize(error) => {
            Problem::new(Kind::Malformed, format!("The body is not the JSON object that is wanted: {error}."))
                .with("line", error.line())
                .with("column", error.column())
        }
        error => {
            Problem::new(Kind::Malformed, format!("The body could not be read: {error}. Send it again."))
        }
    }
}

fn query_problem(error: &QueryPayloadError) -> Problem {
    Problem::new(Kind::Malformed, format!("{error}. /api/openapi.json lists the parameters of each route."))
}

fn path_problem(error: &PathError) -> Problem {
    Problem::new(Kind::Malformed, format!("The path could not be read: {error}."))
}

/// A page's answer, with where the next one is.
fn page(next: Option<String>, body: &impl serde::Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((actix_web::http::header::LINK, format!("<{next}>; rel=\"next\"")));
    }
    response.json(body)
}
