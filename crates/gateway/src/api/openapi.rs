//! `GET /api/openapi.json`: the API's description, made from the handlers.

use super::{documents, health, history, jobs, predict, stats, upload};
use crate::problem::Body;
use actix_web::HttpResponse;
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToResponse};

macro_rules! problems {
    ($($name:ident: $description:literal,)*) => {$(
        #[doc = $description]
        #[derive(ToResponse)]
        #[response(description = $description, content_type = "application/problem+json")]
        #[allow(dead_code, reason = "describes a response in the OpenAPI document")]
        pub(crate) struct $name<'a>(Body<'a>);
    )*};
}

problems! {
    Malformed: "The request could not be read; `detail` says where",
    Unauthorized: "A token is needed",
    Forbidden: "Not from this host name or origin",
    NotFound: "There is no such thing",
    TimedOut: "The request stopped coming",
    Conflict: "The same upload is being received",
    TooLarge: "Larger than allowed; `detail` names the limit",
    UnsupportedType: "Not a type of content that is read here",
    Unprocessable: "Missing columns or wrong values, by name; or the awaited job failed",
    TooManyJobs: "The queue is full; Retry-After says when to come back",
    Unavailable: "A part of the service is not ready",
    DiskFull: "There is no room",
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flowcatcher",
        description = "Captures in, verdicts out. Every route under `/api` is also served under `/api/v1`. Every error is an RFC 9457 problem whose `detail` says what to do.",
    ),
    paths(
        upload::upload_pcap,
        jobs::list,
        jobs::one,
        predict::predict,
        history::history,
        documents::predictions,
        documents::prediction,
        documents::threats,
        documents::threat,
        stats::stats,
        stats::captures,
        openapi,
        health::livez,
        health::readyz,
        health::metrics,
    ),
    components(schemas(Body), responses(
        Malformed, Unauthorized, Forbidden, NotFound, TimedOut, Conflict, TooLarge, UnsupportedType, Unprocessable, TooManyJobs,
        Unavailable, DiskFull,
    )),
    modifiers(&Everywhere),
)]
struct Description;

/// What holds for every route: the token, and the two refusals of the door.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The setting `gateway.token`; not asked for where none is set."))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        for (path, item) in &mut openapi.paths.paths {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                operation.responses.responses.insert("403".to_owned(), response("Forbidden"));
                if path.starts_with("/api/") && path != "/api/openapi.json" {
                    operation.responses.responses.insert("401".to_owned(), response("Unauthorized"));
                    operation.security = Some(vec![
                        utoipa::openapi::SecurityRequirement::default(),
                        utoipa::openapi::SecurityRequirement::new("token", Vec::<String>::new()),
                    ]);
                }
            }
        }
    }
}

fn response(name: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Response> {
    utoipa::openapi::Ref::from_response_name(name).into()
}

static JSON: LazyLock<Result<String, String>> =
    LazyLock::new(|| Description::openapi().to_json().map_err(|error| error.to_string()));

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health", responses((status = 200, body = Object, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi() -> HttpResponse {
    match &*JSON {
        Ok(json) => {
            HttpResponse::Ok().insert_header(("content-type", "application/json")).body(json.as_str())
        }
        Err(error) => HttpResponse::InternalServerError().body(error.as_str()),
    }
}
