//! The HTTP surface: routes, headers, and the origins that may call.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Method;
use throughline::protocol::Transport;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::http::{self, Answer};

async fn with_header(gateway: &Running, path: &str, name: &'static str, value: &str) -> Answer {
    let mut request = http::request(Method::GET, path, Bytes::new());
    request.headers_mut().insert(name, value.parse().unwrap());
    http::exchange(gateway.address, request).await
}

/// The `Cache-Control` and `X-Accel-Buffering` headers: first of streamed answers, then of answers to polls and sends.
const OPEN: [&str; 2] = ["no-store, no-transform", "no"];
const WHOLE: [&str; 2] = ["no-store", ""];

#[tokio::test]
async fn no_answer_of_a_session_route_is_stored_and_no_stream_transformed_or_buffered() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let mut hello = |leg| client.hello(leg, None).to_string();
    let post = |path, body: String| http::request(Method::POST, path, body);
    let get = |path| http::request(Method::GET, path, Bytes::new());
    let requests = [
        (post("/rt/stream", hello(leg + 1)), "text/event-stream", OPEN),
        (post("/rt/poll", hello(leg + 2)), "text/plain", WHOLE),
        (post("/rt/send", hello(leg)), "text/plain", WHOLE),
        (get("/rt/stream?channel=c"), "text/event-stream", OPEN),
        (get("/rt/control?nonce=n"), "application/json", OPEN),
        (post("/rt/poll", String::new()), "application/json", WHOLE),
        (get("/rt/poll"), "application/json", OPEN),
        (get("/rt/ws"), "application/json", OPEN),
    ];
    for (request, kind, [cache_control, buffering]) in requests {
        let what = format!("{} {}", request.method(), request.uri());
        let opened = within_patience(http::open(gateway.address, request)).await;
        let header =
            |name: &str| opened.response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(header("cache-control"), cache_control, "{what}");
        assert_eq!(header("x-accel-buffering"), buffering, "{what}");
        assert_eq!(header("content-type"), kind, "{what}");
    }
}

#[tokio::test]
async fn the_first_byte_of_a_stream_comes_at_once() {
    let gateway = Running::start().await;
    let hello = Client::new(&gateway).hello(1, None).to_string();
    for request in [
        http::request(Method::POST, "/rt/stream", hello),
        http::request(Method::GET, "/rt/stream?channel=c", Bytes::new()),
    ] {
        let mut opened = http::open(gateway.address, request).await;
        let first = within_patience(opened.response.frame()).await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), ":\n\n");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_calls_without_a_preflight_and_reads_the_answer() {
    let gateway = Running::with(|config| config.server.origins.push("https://example.org".parse().unwrap())).await;
    for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "https://example.org"] {
        let mut request = http::request(Method::POST, "/rt/poll", Client::new(&gateway).hello(1, None).to_string());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = http::exchange(gateway.address, request).await;
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(answer.header("vary").to_ascii_lowercase().contains("origin"), "{answer:?}");
        // Only pages of listed origins may send cookies.
        let may_send_cookies = if origin == "https://example.org" { "true" } else { "" };
        assert_eq!(answer.header("access-control-allow-credentials"), may_send_cookies);
    }
    // The page can read errors too, with the time to wait.
    let answer = with_header(&gateway, "/rt/poll", "origin", "http://localhost:3000").await;
    answer.is_error(405, "bad_frame");
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    assert!(answer.header("access-control-expose-headers").contains("retry-after"), "{answer:?}");
}

#[tokio::test]
async fn a_foreign_origin_or_host_is_refused_on_every_route_but_the_one_of_health() {
    let gateway = Running::start().await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost.evil.example"),
        ("host", "rebound.example"),
        ("host", "127.0.0.1.evil.example:8080"),
    ];
    for path in ["/", "/rt/control", "/rt/ws", "/rt/stream?channel=c", "/rt/client/index.js", "/nothing"] {
        for (name, value) in foreign {
            let answer = with_header(&gateway, path, name, value).await;
            answer.is_error(403, "forbidden");
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path} {value}");
        }
    }
    for (name, value) in foreign {
        let health = with_header(&gateway, "/healthz", name, value).await;
        assert_eq!((health.status, &*health.body), (200, "ok"), "a monitor may use any address");
        assert_eq!(health.header("access-control-allow-origin"), "", "no page reads it");
    }
}

/// A client may have the wrong path or a foreign origin. It then asks the control resource below its path. It must be
/// able to distinguish the gateway's refusal from a portal's page.
#[tokio::test]
async fn a_refusal_on_any_path_echoes_the_nonce_of_the_query_and_any_page_may_read_it() {
    let gateway = Running::start().await;
    let here = ("x-nothing", "here");
    for (path, (name, value), status, code) in [
        ("/rt/control?nonce=N-1", ("origin", "https://foreign.example"), 403, "forbidden"),
        ("/rt/control?nonce=N-1", ("origin", "null"), 403, "forbidden"),
        ("/rt/control?nonce=N-1", ("host", "public.example"), 403, "forbidden"),
        ("/control?nonce=N-1", ("host", "public.example"), 403, "forbidden"),
        ("/control?nonce=N-1", here, 404, "not_found"),
        ("/control?nonce=N-1", ("origin", "http://localhost:3000"), 404, "not_found"),
        ("/rt/ws/control?nonce=N-1", here, 404, "not_found"),
        ("/rt//control?nonce=N-1", here, 404, "not_found"),
        ("/rt/client/control?nonce=N-1", here, 404, "not_found"),
        ("/doctor/control?nonce=N-1", here, 404, "not_found"),
        ("/rt/ws?nonce=N-1", here, 400, "bad_frame"),
        ("/rt/poll?nonce=N-1", here, 405, "bad_frame"),
        ("/rt/stream?channel=&nonce=N-1", here, 404, "unknown_channel"),
    ] {
        let answer = with_header(&gateway, path, name, value).await;
        answer.is_error(status, code);
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["nonce"], "N-1", "{path} {value}");
        let read = ["access-control-allow-origin", "x-content-type-options", "access-control-allow-credentials"];
        assert_eq!(read.map(|name| answer.header(name).to_owned()), ["*", "nosniff", ""], "{path} {value}");
        assert!(answer.header("cache-control").starts_with("no-store"), "{path} {value}");
    }
    let script = with_header(&gateway, "/nothing?nonce=%3Cscript%3E%22", here.0, here.1).await;
    script.is_error(404, "not_found");
    assert!(script.body.contains(r#""nonce":"<script>\"""#), "{script:?}");
    let long = format!("/nothing?nonce={}", "n".repeat(65));
    for bad in ["/nothing?nonce=", "/nothing?nonce=%0a", "/nothing?nonce=a&nonce=b", "/nothing?other=N-1", &long] {
        let answer = http::get(gateway.address, bad).await;
        answer.is_error(404, "not_found");
        assert!(answer.body.contains("\"nonce\":null"), "{answer:?}");
    }
    // An answer that is not a refusal does not change.
    assert!(http::get(gateway.address, "/?nonce=N-1").await.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn control_answers_exactly_this() {
    let gateway = Running::start().await;
    let answer = http::get(gateway.address, "/rt/control?nonce=N-1_x").await;
    assert_eq!((answer.status, &*answer.body), (200, "{\"v\":1,\"nonce\":\"N-1_x\",\"control\":true}"));
    let long = format!("/rt/control?nonce={}", "n".repeat(65));
    for bad in [
        "/rt/control",
        "/rt/control?nonce=",
        "/rt/control?nonce=%0a",
        "/rt/control?nonce=%ff",
        "/rt/control?nonce=a&nonce=b",
        &long,
    ] {
        http::get(gateway.address, bad).await.is_error(400, "bad_frame");
    }
}

#[tokio::test]
async fn the_pages_are_there() {
    let gateway = Running::start().await;
    let health = http::get(gateway.address, "/healthz").await;
    assert_eq!((health.status, &*health.body), (200, "ok"));
    let start = http::get(gateway.address, "/").await;
    assert_eq!(start.status, 200);
    assert!(start.header("content-type").starts_with("text/html"));
    let client = http::get(gateway.address, "/rt/client/index.js").await;
    assert_eq!(client.status, 200);
    assert!(client.header("content-type").starts_with("text/javascript"));
    assert!(client.body.contains("export"));
    let types = http::get(gateway.address, "/rt/client/types.d.ts").await;
    assert_eq!((types.status, types.header("content-type")), (200, "text/plain; charset=utf-8"));
    let metrics = http::get(gateway.inner, "/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    for figure in ["throughline_sessions 0", "throughline_attaches_total{transport=\"sse\"} 0"] {
        assert!(metrics.body.lines().any(|line| line == figure), "{figure} in {}", metrics.body);
    }
}

#[tokio::test]
async fn figures_are_refused_to_requests_through_a_proxy_and_on_the_public_port() {
    let gateway = Running::with(|config| config.server.trusted_proxies.push("127.0.0.1".parse().unwrap())).await;
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        let mut request = http::request(Method::GET, "/metrics", Bytes::new());
        request.headers_mut().insert(name, value.parse().unwrap());
        let answer = http::exchange(gateway.inner, request).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(!answer.body.contains("throughline_"), "{answer:?}");
    }
    http::get(gateway.address, "/metrics").await.is_error(404, "not_found");
    let mut request = http::request(Method::GET, "/metrics", Bytes::new());
    request.headers_mut().insert("accept", "application/openmetrics-text;version=1.0.0".parse().unwrap());
    let open = http::exchange(gateway.inner, request).await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text"), "{open:?}");
    assert!(open.body.ends_with("# EOF\n"), "{open:?}");
}

#[tokio::test]
async fn an_unknown_path_is_404_and_another_method_405() {
    let gateway = Running::start().await;
    for path in [
        "/nothing",
        "/rt",
        "/rt/nothing",
        "/rt/client/nothing.js",
        "/rt/client/../../Cargo.toml",
        "/rt/client/%2e%2e/x",
        "/demo/fronts",
        "/demo/transports",
    ] {
        http::get(gateway.address, path).await.is_error(404, "not_found");
    }
    for (method, path) in [
        (Method::GET, "/rt/send"),
        (Method::GET, "/rt/poll"),
        (Method::PUT, "/rt/stream"),
        (Method::DELETE, "/rt/poll"),
        (Method::POST, "/rt/ws"),
        (Method::POST, "/rt/control"),
        (Method::POST, "/healthz"),
    ] {
        let answer = http::exchange(gateway.address, http::request(method, path, "x")).await;
        answer.is_error(405, "bad_frame");
        assert_ne!(answer.header("allow"), "");
    }
}
