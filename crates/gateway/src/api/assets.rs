//! The page and its files, compiled in.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    path: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! asset {
    ($path:literal, $file:literal, $kind:literal) => {
        Asset { path: $path, kind: $kind, content: include_bytes!(concat!("../../../../web/", $file)) }
    };
}

const ASSETS: [Asset; 9] = [
    asset!("/", "index.html", "text/html; charset=utf-8"),
    asset!("/assets/app.css", "app.css", "text/css; charset=utf-8"),
    asset!("/assets/app.js", "app.js", "text/javascript; charset=utf-8"),
    asset!("/assets/api.js", "api.js", "text/javascript; charset=utf-8"),
    asset!("/assets/detail.js", "detail.js", "text/javascript; charset=utf-8"),
    asset!("/assets/jobs.js", "jobs.js", "text/javascript; charset=utf-8"),
    asset!("/assets/results.js", "results.js", "text/javascript; charset=utf-8"),
    asset!("/assets/text.js", "text.js", "text/javascript; charset=utf-8"),
    asset!("/assets/flowcatcher.svg", "flowcatcher.svg", "image/svg+xml"),
];

/// One tag for all: the files come from one build and change together.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.content);
    }
    format!("\"{}\"", hex::encode(&hash.finalize()[..12]))
});

/// Registers the files.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for asset in &ASSETS {
        config.route(
            asset.path,
            web::get().to(move |request: HttpRequest| async move { answer(asset, &request) }),
        );
    }
}

fn answer(asset: &Asset, request: &HttpRequest) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == *TAG));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // Kept, but asked for again each time: a new build's page never runs with an old build's script.
    response.insert_header((header::ETAG, TAG.as_str())).insert_header((header::CACHE_CONTROL, "no-cache"));
    if is_known {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, asset.kind)).body(asset.content)
}
