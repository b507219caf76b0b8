//! What every request passes: who may ask, the headers that every answer carries, one shape for every error.

use crate::access::Access;
use crate::problem::Problem;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};

/// Scripts, styles and pictures only from here, none inline; nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The outermost layer around all routes.
pub(crate) async fn door(
    access: web::Data<Access>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let path = request.path().to_owned();
    let method = request.method().clone();
    let mut response = match access.check(&method, request.uri(), request.headers()) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => request.into_response(problem.response(&path)),
    };
    if let Some(problem) = refusal(&response, method.as_str()) {
        tracing::debug!(%method, path, status = problem.status().as_u16(), %problem, "refused");
        response = with_problem(response, &problem, &path);
    }
    complete(response.headers_mut());
    Ok(response)
}

/// The problem that a response tells of, when it is an error that has no instance yet.
fn refusal(response: &ServiceResponse<BoxBody>, method: &str) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    if let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>()) {
        return Some(problem.clone());
    }
    // The framework's own refusals have no body or a line of text; what is JSON is an answer of ours.
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let done = kind.is_some_and(|kind| kind.starts_with("application/"));
    (!done).then(|| Problem::of_status(status, method))
}

fn with_problem(
    response: ServiceResponse<BoxBody>,
    problem: &Problem,
    path: &str,
) -> ServiceResponse<BoxBody> {
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut shaped = response.into_response(problem.response(path));
    if let Some(allow) = allow {
        shaped.headers_mut().insert(header::ALLOW, allow);
    }
    shaped
}

fn complete(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Captured data belongs in no cache; the page's own files say otherwise themselves.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
