use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use url::form_urlencoded;

use super::probes::{not_live, not_ready};
use crate::observe::{Catalogue, MetricsSnapshot, workers_json};

const PAGE: &str = include_str!("page.html");
/// It holds all that it needs, and asks nobody but us.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'",
);
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const EXPOSITION: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// `address`: the one that is listened on.
pub(super) fn answer(
    request: &Request<Incoming>,
    address: IpAddr,
    catalogue: Catalogue,
) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let named = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    if address.is_loopback() && !named.is_none_or(is_of_this_machine) {
        return text(
            StatusCode::FORBIDDEN,
            "this listens for its own machine only, and was asked for under another name; \
             set CONDUCTOR_FAST_METRICS_HOST to let others ask",
        );
    }
    match request.uri().path() {
        "/" => {
            let mut page = response(StatusCode::OK, HTML, PAGE);
            page.headers_mut().insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
            page
        }
        "/metrics" => metrics(request.uri().query().unwrap_or_default(), catalogue),
        "/workers.json" => response(StatusCode::OK, JSON, workers_json(&MetricsSnapshot::take())),
        "/health" => text(StatusCode::OK, "OK"),
        "/livez" => probe(not_live),
        "/readyz" => probe(not_ready),
        _ => text(StatusCode::NOT_FOUND, "there are /, /metrics, /workers.json, /health, /livez and /readyz"),
    }
}

fn metrics(query: &str, default: Catalogue) -> Response<Full<Bytes>> {
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "catalogue");
    match wanted.map_or(Ok(default), |(_, name)| Catalogue::from_name(&name)) {
        Ok(catalogue) => response(StatusCode::OK, EXPOSITION, catalogue.render(&MetricsSnapshot::take())),
        Err(error) => text(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn probe(problems: fn(&MetricsSnapshot) -> Vec<String>) -> Response<Full<Bytes>> {
    let problems = problems(&MetricsSnapshot::take());
    if problems.is_empty() {
        text(StatusCode::OK, "OK")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, problems.join("\n"))
    }
}

/// A page of the web that has its name point to this machine comes with that name: it must not read what a
/// browser here can reach.
fn is_of_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, TEXT, text)
}

fn response(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().extend([
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:2112", "127.0.0.1:2112", "[::1]:2112", "10.0.0.7"] {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in ["evil.example", "evil.example:2112", "localhost.evil.example", ""] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }
}
