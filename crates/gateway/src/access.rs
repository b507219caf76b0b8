//! Who may ask: rules over the headers of a request, without any state.
//!
//! On a loopback address there is no login, so a page of another site in the user's browser must be kept out: the
//! `Host` has to be a loopback name (a name of another site that resolves to 127.0.0.1 is not), and a state change
//! may not come from another origin. With a token, the token decides and any host name is served.

use crate::problem::{Kind, Problem};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, Uri};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// How requests are let in.
#[derive(Clone)]
pub(crate) enum Access {
    /// Bound to a loopback address: no login, but the host name is checked.
    Loopback,
    /// Every request for captured data or a change needs this token; kept as its hash.
    Token([u8; 32]),
}

impl Access {
    /// Access by `token`, as the caller will send it after `Bearer`.
    pub(crate) fn token(token: &str) -> Self {
        Self::Token(Sha256::digest(token).into())
    }

    /// Lets the request pass or says why not.
    pub(crate) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let host = authority(uri, headers);
        if matches!(self, Self::Loopback) && !host.is_some_and(is_loopback) {
            return Err(Problem::new(
                Kind::ForbiddenHost,
                "Only localhost, 127.0.0.1 and [::1] are served on a loopback address. Use one of them, or bind \
                 another address with a token (gateway.listen, gateway.token).",
            ));
        }
        if !method.is_safe() {
            same_origin(host, headers)?;
        }
        match self {
            Self::Token(wanted) if !is_open(uri.path()) => bearer(wanted, headers),
            _ => Ok(()),
        }
    }
}

/// The host that was asked for. Forwarding headers are never believed.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    // HTTP/2 has no Host header but an authority in the request target.
    uri.authority()
        .map(actix_web::http::uri::Authority::as_str)
        .or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Splits `host:port`; an IPv6 host keeps no brackets.
fn split(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').unwrap_or_default();
        return (host, port.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

fn is_loopback(authority: &str) -> bool {
    let (host, port) = split(authority);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A browser says where a state change comes from; programs say nothing and are let through.
fn same_origin(host: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let same = match headers.get(header::ORIGIN).map(text) {
        Some(origin) => host.is_some_and(|host| is_same(&origin, host)),
        None => headers
            .get("sec-fetch-site")
            .map(text)
            .is_none_or(|site| matches!(&*site, "same-origin" | "none")),
    };
    if same {
        return Ok(());
    }
    Err(Problem::new(
        Kind::ForbiddenOrigin,
        "The Origin header names another site than the Host header. Use this service's own page, or a program that \
         sends no Origin.",
    ))
}

fn is_same(origin: &str, host: &str) -> bool {
    let (scheme, theirs) = origin.split_once("://").unwrap_or(("", ""));
    let default = match scheme {
        "http" => "80",
        "https" => "443",
        _ => return false,
    };
    let (their_host, their_port) = split(theirs);
    let (our_host, our_port) = split(host);
    their_host.eq_ignore_ascii_case(our_host) && their_port.unwrap_or(default) == our_port.unwrap_or(default)
}

/// What holds no captured data and changes nothing: the page's own files, health and the API's description.
fn is_open(path: &str) -> bool {
    matches!(path, "/" | "/livez" | "/readyz" | "/metrics" | "/api/openapi.json" | "/api/v1/openapi.json")
        || path.starts_with("/assets/")
}

fn bearer(wanted: &[u8; 32], headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    // Hashes are compared, and every byte of them: how long it takes tells nothing about the token.
    let given: [u8; 32] = Sha256::digest(token.unwrap_or_default()).into();
    let differing = wanted.iter().zip(given).fold(0, |bits, (want, have)| bits | (want ^ have));
    if token.is_some() && differing == 0 {
        return Ok(());
    }
    let problem = Problem::new(
        Kind::Unauthorized,
        "Send the header `Authorization: Bearer TOKEN` with the token of the setting gateway.token.",
    );
    Err(problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"flowcatcher\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::StatusCode;

    fn check(access: &Access, method: &Method, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let answer = access.check(method, &path.parse().unwrap(), &map);
        answer.err().map_or(StatusCode::OK, |problem| problem.status()).as_u16()
    }

    #[test]
    fn on_loopback_only_loopback_names_are_served() {
        for (host, status) in [
            ("localhost", 200),
            ("LOCALHOST:5000", 200),
            ("localhost.:5000", 200),
            ("127.0.0.1:5000", 200),
            ("127.8.8.8", 200),
            ("[::1]:5000", 200),
            ("[::1]", 200),
            ("evil.example", 403),
            ("localhost.evil.example:5000", 403),
            ("127.0.0.1.evil.example", 403),
            ("192.168.0.1:5000", 403),
            ("localhost:port", 403),
            ("[::1", 403),
            ("[::2]:5000", 403),
            ("", 403),
        ] {
            assert_eq!(
                check(&Access::Loopback, &Method::GET, "/api/stats", &[("host", host)]),
                status,
                "{host}"
            );
        }
        assert_eq!(check(&Access::Loopback, &Method::GET, "/", &[]), 403);
        assert_eq!(
            check(&Access::Loopback, &Method::GET, "http://evil.example/", &[("host", "localhost")]),
            403
        );
    }

    #[test]
    fn a_state_change_comes_from_the_same_origin_or_from_a_program() {
        for (origin, status) in [
            ("http://localhost:5000", 200),
            ("https://LOCALHOST:5000", 200),
            ("http://localhost:5001", 403),
            ("http://localhost", 403),
            ("http://evil.example", 403),
            ("null", 403),
            ("file://localhost:5000", 403),
        ] {
            let headers = [("host", "localhost:5000"), ("origin", origin)];
            assert_eq!(check(&Access::Loopback, &Method::POST, "/api/predict", &headers), status, "{origin}");
            assert_eq!(check(&Access::Loopback, &Method::GET, "/api/stats", &headers), 200, "{origin}");
        }
        for (site, status) in [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(check(&Access::Loopback, &Method::POST, "/api/predict", &headers), status, "{site}");
        }
        let default_port = [("host", "localhost:80"), ("origin", "http://localhost")];
        assert_eq!(check(&Access::Loopback, &Method::POST, "/api/predict", &default_port), 200);
    }

    #[test]
    fn a_token_is_needed_for_data_and_changes_and_for_nothing_else() {
        let access = Access::token("secret");
        for (path, value, status) in [
            ("/api/stats", "Bearer secret", 200),
            ("/api/stats", "bearer  secret ", 200),
            ("/api/stats", "Bearer secre", 401),
            ("/api/stats", "Bearer ", 401),
            ("/api/stats", "Basic secret", 401),
            ("/api/stats", "secret", 401),
            ("/api/v1/history", "", 401),
            ("/assetsx", "", 401),
            ("/", "", 200),
            ("/assets/app.js", "", 200),
            ("/livez", "", 200),
            ("/metrics", "", 200),
            ("/api/openapi.json", "", 200),
        ] {
            let headers = [("host", "example.org"), ("authorization", value)];
            assert_eq!(check(&access, &Method::GET, path, &headers), status, "{path} {value}");
        }
        assert_eq!(check(&Access::token(""), &Method::GET, "/api/stats", &[("host", "a")]), 401);
    }
}
