//! The inner listener: who may ask what, and its answers. The API of the same gateway, and its clients.

use std::net::SocketAddr;

use serde_json::{Value, json};
use throughline::KeyDigest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Running, within_patience};
use crate::reload::File;

/// Every route of the API with a body that is right, and its scope.
const ROUTES: [(&str, &str, &str, &str); 1] =
    [("POST", "/api/v1/publish", r#"{"channel":"room/1","data":1}"#, "publish")];

fn table(name: &str, scopes: &str, rest: &str) -> String {
    let digest = KeyDigest::of(&key(name));
    format!("[[key]]\nname = '{name}'\nsha256 = '{digest}'\nscopes = {scopes}\nchannels = ['room/{{room}}']\n{rest}\n")
}

fn key(name: &str) -> String {
    format!("tlk_{name}")
}

/// A gateway with an inner listener, and one key for each scope.
struct Gateway {
    running: Running,
    inner: SocketAddr,
    file: File,
}

fn configuration(more: &str) -> String {
    let keys = ["publish", "read", "manage"].map(|scope| table(scope, &format!("['{scope}']"), "")).concat();
    format!("[inner]\nlisten = '127.0.0.1:0'\n{more}\n{keys}{}", table("all", "['publish', 'read', 'manage']", ""))
}

impl Gateway {
    async fn start(more: &str) -> Self {
        let file = File::new(&configuration(more));
        let path = file.path();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
        let mut running = Running::logging(&arguments, "throughline=info").await;
        let second = running.next_line().await;
        let inner = second.trim_end().strip_prefix("the inner listener is on http://").expect(&second).parse().unwrap();
        Self { running, inner, file }
    }

    /// Sends a request to the inner listener. Returns the status, the head and the body.
    async fn ask_raw(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String, String) {
        let mut socket = TcpStream::connect(self.inner).await.unwrap();
        let authorization = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
            self.inner,
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within_patience(socket.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
    }

    async fn ask(&self, method: &str, path: &str, name: &str, body: &str) -> (u16, Value) {
        let (status, _, body) = self.ask_raw(method, path, Some(&key(name)), body).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    async fn post(&self, route: &str, body: &str) -> (u16, Value) {
        self.ask("POST", &format!("/api/v1/{route}"), "all", body).await
    }
}

#[tokio::test]
async fn each_route_is_refused_without_a_key_with_an_unknown_one_and_with_a_wrong_scope() {
    let gateway = Gateway::start("").await;
    for (method, path, body, scope) in ROUTES {
        for key in [None, Some("tlk_unknown"), Some("")] {
            let (status, head, said) = gateway.ask_raw(method, path, key, body).await;
            assert_eq!(status, 401, "{path} {key:?}: {said}");
            assert!(head.contains("www-authenticate: bearer") && said.contains("\"unauthorized\""), "{head} {said}");
        }
        for other in ["publish", "read", "manage"] {
            if other != scope {
                let (status, said) = gateway.ask(method, path, other, body).await;
                assert_eq!((status, &said["code"]), (403, &json!("forbidden")), "{path} {other}: {said}");
                assert!(said["message"].as_str().unwrap().contains(&format!("the scope {scope}")), "{said}");
            }
        }
        let (status, said) = gateway.ask("PUT", path, "all", body).await;
        assert_eq!((status, &said["code"]), (405, &json!("bad_frame")), "{path}: {said}");
        // The public port has none of it.
        let (status, said) = gateway.running.ask(method, path, body).await;
        assert!((status == 404 || status == 405) && !said.contains("tlk_"), "{path}: {status} {said}");
    }
    for path in ["/readyz", "/api/v1/openapi.json"] {
        assert_eq!(gateway.running.ask("GET", path, "").await.0, 404, "{path}");
    }
    let (status, said) = gateway.ask("GET", "/api/v1/nothing", "all", "").await;
    assert_eq!((status, &said["code"]), (404, &json!("not_found")));
    assert_eq!(gateway.ask_raw("GET", "/rt/control?nonce=n", None, "").await.0, 404);
}

#[tokio::test]
async fn a_publication_of_a_server_is_published_within_the_patterns_of_its_key() {
    let gateway = Gateway::start("").await;
    let (status, first) = gateway.post("publish", r#"{"channel":"room/1","data":{"a":[1,2]}}"#).await;
    assert_eq!((status, &first["at"]), (200, &json!(1)), "{first}");
    for (body, at) in [
        ("{\"channel\":\"room/1\",\"data\":{\n\"a\": 1\r\n}}", 2),
        (r#"{"channel":"room/1","data":null}"#, 3),
        (r#"{"channel":"room/1","b64":"AAEC","by":"ali"}"#, 4),
    ] {
        let (status, said) = gateway.post("publish", body).await;
        assert_eq!((status, &said["at"], &said["epoch"]), (200, &json!(at), &first["epoch"]), "{body}: {said}");
    }
    assert!(first["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()), "{first}");
    let long = format!(r#"{{"channel":"room/1","data":"{}"}}"#, "x".repeat(56_400));
    let longer = format!(r#"{{"channel":"room/1","data":"{}"}}"#, "x".repeat(70_000));
    let user = format!(r#"{{"channel":"room/1","data":1,"by":"{}"}}"#, "x".repeat(129));
    for (body, status, code, says) in [
        (r#"{"channel":"news","data":1}"#, 403, "forbidden", "no pattern of the key matches the channel \"news\""),
        (r#"{"channel":"@presence/room/1","data":1}"#, 403, "forbidden", "no pattern"),
        (r#"{"channel":"","data":1}"#, 404, "unknown_channel", ""),
        (r#"{"channel":"room/1"}"#, 400, "bad_frame", "data or b64 is missing"),
        (r#"{"channel":"room/1","data":1,"b64":"AA=="}"#, 400, "bad_frame", "exclude each other"),
        (r#"{"channel":"room/1","b64":"!"}"#, 400, "bad_frame", "not base64"),
        (r#"{"channel":"room/1","data":1,"ttl_ms":5}"#, 400, "bad_frame", "unknown field `ttl_ms`"),
        (r#"{"channel":"room/1","data":}"#, 400, "bad_frame", "the body: expected value at line 1"),
        (r#"{"data":1}"#, 400, "bad_frame", "missing field `channel`"),
        ("[1]", 400, "bad_frame", "the body: "),
        ("", 400, "bad_frame", "the body: EOF"),
        (&user, 400, "bad_frame", "a user's name has 1 to 128 bytes"),
        (&long, 413, "too_large", "56,320"),
        (&longer, 413, "too_large", "65536 bytes"),
    ] {
        let (came, said) = gateway.post("publish", body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!((came, &said["code"]), (status, &json!(code)), "{shown}: {said}");
        assert!(said["message"].as_str().unwrap().contains(says), "{says:?}: {said}");
    }
}

#[tokio::test]
async fn a_key_above_its_rate_is_told_when_to_come_back() {
    let gateway = Gateway::start(&table("slow", "['publish']", "rate = 1\nburst = 2")).await;
    let body = r#"{"channel":"room/1","data":1}"#;
    let mut refused = None;
    for _ in 0..4 {
        let (status, head, said) = gateway.ask_raw("POST", "/api/v1/publish", Some(&key("slow")), body).await;
        if status != 200 {
            refused = Some((status, head, said));
        }
    }
    let (status, head, said) = refused.expect("four calls at once are more than two");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &said["code"]), (429, &json!("rate_limited")), "{said}");
    assert!((1..=1_000).contains(&said["retry_after_ms"].as_u64().unwrap()), "{said}");
    assert!(head.contains("retry-after: 1"), "{head}");
    // Another key is not refused.
    assert_eq!(gateway.post("publish", body).await.0, 200);
}

#[tokio::test]
async fn a_hangup_reloads_the_keys() {
    let mut gateway = Gateway::start("").await;
    let body = r#"{"channel":"room/1","data":1}"#;
    assert_eq!(gateway.ask("POST", "/api/v1/publish", "publish", body).await.0, 200);
    assert_eq!(gateway.ask("POST", "/api/v1/publish", "fresh", body).await.0, 401);
    let text = configuration("").replace("'publish'\nsha256", "'gone'\nsha256");
    let text = text.replace(&KeyDigest::of(&key("publish")).to_string(), &KeyDigest::of(&key("fresh")).to_string());
    gateway.file.write(&text);
    gateway.running.signal("HUP").await;
    let told = gateway.running.logs("read again").await;
    assert!(told.contains("key publish = none (was {") && told.contains("key gone = {"), "{told}");
    assert_eq!(gateway.ask("POST", "/api/v1/publish", "publish", body).await.0, 401);
    assert_eq!(gateway.ask("POST", "/api/v1/publish", "fresh", body).await.0, 200);
}

#[tokio::test]
async fn metrics_need_a_key_that_reads_unless_this_machine_asks() {
    let gateway = Gateway::start("").await;
    let metrics = async |key: Option<&str>| gateway.ask_raw("GET", "/metrics", key, "").await;
    let (status, _, text) = metrics(None).await;
    assert!(status == 200 && text.contains("throughline_sessions"), "{status} {text}");
    assert_eq!(metrics(Some(&key("read"))).await.0, 200);
    assert_eq!(metrics(Some(&key("publish"))).await.0, 403);
    assert_eq!(metrics(Some("tlk_unknown")).await.0, 401);
    assert_eq!(gateway.ask_raw("GET", "/readyz", None, "").await.2, "ok");
    // Without a key a proxy is refused, because it may ask for anybody.
    let mut socket = TcpStream::connect(gateway.inner).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nVia: 1.1 a\r\nConnection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within_patience(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn without_its_table_there_is_no_inner_listener() {
    let file = File::new(&table("all", "['publish']", ""));
    let path = file.path();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    let mut running = Running::logging(&arguments, "throughline=info").await;
    for (method, path, body, _) in ROUTES {
        let (status, said) = running.ask(method, path, body).await;
        assert!(status == 404 || status == 405, "{path}: {status} {said}");
    }
    running.signal("TERM").await;
    assert_eq!(running.next_line().await, "");
}
