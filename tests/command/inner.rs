//! The inner listener: the keys, the routes of the API, and the effects on clients.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use throughline::KeyDigest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Running, within_patience};
use crate::reload::File;

/// Every route of the API with a body that is right, and its scope.
const ROUTES: [(&str, &str, &str, &str); 7] = [
    ("POST", "/api/v1/publish", r#"{"channel":"room/1","data":1}"#, "publish"),
    ("POST", "/api/v1/publish/batch", r#"{"publications":[]}"#, "publish"),
    ("POST", "/api/v1/token", r#"{"user":"ali"}"#, "manage"),
    ("POST", "/api/v1/revoke", r#"{"user":"ali"}"#, "manage"),
    ("GET", "/api/v1/sessions", "", "read"),
    ("POST", "/api/v1/disconnect", r#"{"user":"ali"}"#, "manage"),
    ("POST", "/api/v1/transports", "{}", "manage"),
];

const AUTH: &str = "[auth]\nsecret = '0123456789abcdef0123456789abcdef'\naudience = 'shop'";

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
        (r#" ["room/1",1,null,null]"#, 400, "bad_frame", "it must be an object, and it is a list"),
        ("1", 400, "bad_frame", "the body: invalid type"),
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

#[tokio::test]
async fn each_publication_of_a_batch_is_answered_separately_and_in_order() {
    let gateway = Gateway::start("[[channel]]\npattern = 'room/{room}'\n[[channel]]\npattern = 'news'").await;
    let (status, said) = gateway
        .post(
            "publish/batch",
            r#"{"publications":[{"channel":"room/1","data":1},{"channel":"news","data":2},["room/1",1],
                {"channel":"room/1","data":3},{"channel":"room/2","ttl_ms":1},{"channel":"room/2","b64":"AA=="}]}"#,
        )
        .await;
    assert_eq!(status, 200, "{said}");
    let results = said["results"].as_array().unwrap();
    let short: Vec<Value> =
        results.iter().map(|one| if one["at"].is_u64() { one["at"].clone() } else { one["code"].clone() }).collect();
    assert_eq!(json!(short), json!([1, "forbidden", "bad_frame", 2, "bad_frame", 1]), "{said}");
    let of = |count: usize| {
        let one = r#"{"channel":"room/3","data":1}"#;
        format!(r#"{{"publications":[{}]}}"#, vec![one; count].join(","))
    };
    let (status, said) = gateway.post("publish/batch", &of(1_000)).await;
    assert_eq!((status, &said["results"][999]["at"]), (200, &json!(1_000)));
    let (status, said) = gateway.post("publish/batch", &of(1_001)).await;
    assert_eq!((status, &said["code"]), (413, &json!("too_large")), "{said}");
    let (status, said) =
        gateway.post("publish/batch", &format!(r#"{{"publications":["{}"]}}"#, "x".repeat(1 << 20))).await;
    assert_eq!((status, &said["code"]), (413, &json!("too_large")), "{said}");
    assert_eq!(gateway.post("publish/batch", "[]").await.0, 400);
}

#[tokio::test]
async fn a_channel_without_a_rule_is_unknown_to_servers_too() {
    let gateway = Gateway::start("[[channel]]\npattern = 'news'").await;
    let (status, said) = gateway.post("publish", r#"{"channel":"room/1","data":1}"#).await;
    assert_eq!((status, &said["code"]), (404, &json!("unknown_channel")), "{said}");
}

/// A client of the gateway that polls.
struct Client {
    secret: String,
    id: Option<String>,
    token: Option<String>,
}

impl Client {
    fn new(token: Option<&str>) -> Self {
        Self { secret: uuid::Uuid::new_v4().simple().to_string(), id: None, token: token.map(str::to_owned) }
    }

    /// Polls once. Returns the status and the first line.
    async fn poll(&mut self, running: &Running) -> (u16, Value) {
        let Self { secret, id, token } = self;
        let mut hello = json!({ "v": 1, "session": secret, "leg": 1, "received": 0, "next": 1, "nonce": "n" });
        match &id {
            Some(id) => hello["id"] = json!(id),
            None => hello["turn"] = json!(1),
        }
        if let Some(token) = token {
            hello["token"] = json!(token);
        }
        let (status, body) = running.ask("POST", "/rt/poll", &json!({ "hello": hello }).to_string()).await;
        let first: Value = serde_json::from_str(body.lines().next().unwrap()).unwrap();
        if let Some(id) = first["welcome"]["id"].as_str() {
            self.id = Some(id.to_owned());
        }
        (status, first)
    }
}

/// An event stream of a client: a leg that lasts.
struct Stream {
    socket: TcpStream,
    id: String,
}

impl Stream {
    async fn open(running: &Running, token: &str) -> Self {
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let mut hello =
            json!({ "v": 1, "session": secret, "leg": 1, "turn": 1, "received": 0, "next": 1, "nonce": "n" });
        hello["token"] = json!(token);
        let body = json!({ "hello": hello }).to_string();
        let mut socket = TcpStream::connect(running.address).await.unwrap();
        let head = format!("POST /rt/stream HTTP/1.1\r\nHost: {}\r\nContent-Length: {}", running.address, body.len());
        socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut stream = Self { socket, id: String::new() };
        stream.id = stream.event("welcome").await["id"].as_str().unwrap().to_owned();
        stream
    }

    /// Reads up to an event with this frame.
    async fn event(&mut self, verb: &str) -> Value {
        let (mut came, begin) = (String::new(), format!("data: {{\"{verb}\":"));
        loop {
            let line = came.lines().find(|line| line.starts_with(&begin)).filter(|_| came.ends_with('\n'));
            if let Some(line) = line {
                return serde_json::from_str::<Value>(&line["data: ".len()..]).unwrap()[verb].take();
            }
            let mut bytes = [0; 1024];
            let count = within_patience(self.socket.read(&mut bytes)).await.unwrap();
            assert!(count > 0, "the stream ended: {came}");
            came += &String::from_utf8_lossy(&bytes[..count]);
        }
    }
}

async fn token(gateway: &Gateway, user: &str) -> String {
    let (status, said) = gateway.post("token", &json!({ "user": user }).to_string()).await;
    assert_eq!(status, 200, "{said}");
    said["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_of_the_api_opens_a_session_of_its_user_and_grants_what_the_key_has() {
    let gateway = Gateway::start(AUTH).await;
    let made = token(&gateway, "ali").await;
    let (status, first) = Client::new(Some(&made)).poll(&gateway.running).await;
    assert_eq!((status, &first["welcome"]["user"]), (200, &json!("ali")), "{first}");
    let room = r#"{"user":"ali","ttl_s":60,"channels":[{"pattern":"room/{room}","allow":["publish"]}]}"#;
    assert_eq!(gateway.post("token", room).await.0, 200);
    let many = json!({ "user": "ali", "channels": vec![json!({ "pattern": "room/1", "allow": [] }); 65] }).to_string();
    for (body, status, says) in [
        (r#"{"user":"ali","channels":[{"pattern":"news","allow":["publish"]}]}"#, 403, "pattern \"news\""),
        (r#"{"user":"ali","channels":[{"pattern":"room/{*all}","allow":["publish"]}]}"#, 403, "room/{*all}"),
        (r#"{"user":"ali","channels":[{"pattern":"room/{","allow":[]}]}"#, 400, "room/{"),
        (r#"{"user":"ali","channels":[{"pattern":"room/1","allow":["rule"]}]}"#, 400, "rule"),
        (r#"{"user":""}"#, 400, "1 to 128 bytes"),
        (r#"{"user":"ali","ttl_s":0}"#, 400, "`ttl_s` must be 1 to 31622400"),
        (r#"{"user":"ali","ttl_s":31622401}"#, 400, "`ttl_s`"),
        (r#"{"user":"ali","admin":true}"#, 400, "unknown field `admin`"),
        (&many, 400, "the limit is 64"),
    ] {
        let (came, said) = gateway.post("token", body).await;
        assert!(came == status && said["message"].as_str().unwrap().contains(says), "{status} {says}: {came} {said}");
    }
    let open = Gateway::start("").await;
    for route in ["token", "revoke"] {
        let (status, said) = open.post(route, r#"{"user":"ali"}"#).await;
        assert_eq!((status, &said["code"]), (404, &json!("not_found")), "{said}");
    }
}

#[tokio::test]
async fn a_revoked_user_loses_its_legs_at_once_and_comes_back_with_a_fresh_token() {
    let mut gateway = Gateway::start(AUTH).await;
    let (old, other) = (token(&gateway, "ali").await, token(&gateway, "bea").await);
    let mut ali = Stream::open(&gateway.running, &old).await;
    let bea = Stream::open(&gateway.running, &other).await;
    let mut polling = Client::new(Some(&old));
    assert_eq!(polling.poll(&gateway.running).await.0, 200);
    let (status, said) = gateway.post("revoke", r#"{"user":"ali"}"#).await;
    assert_eq!((status, &said["sessions"]), (200, &json!(2)), "{said}");
    assert_eq!(ali.event("end").await["code"], "unauthorized");
    assert!(gateway.running.logs("a call of the API").await.contains("key=\"all\""));
    for mut client in [Client::new(Some(&old)), polling] {
        let (status, said) = client.poll(&gateway.running).await;
        assert_eq!((status, &said["code"]), (401, &json!("unauthorized")), "{said}");
        assert!(said["message"].as_str().unwrap().contains("it was revoked"), "{said}");
    }
    assert_eq!(Client::new(Some(&other)).poll(&gateway.running).await.0, 200);
    let (_, kept) = gateway.ask("GET", "/api/v1/sessions?user=bea&limit=1", "read", "").await;
    assert_eq!(kept["sessions"][0], json!({ "session": bea.id, "user": "bea", "channels": 0, "connected": true }));
    // A token counts whole seconds, so one of this second may be refused as well.
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let revoked = second();
    while second() == revoked {
        tokio::task::yield_now().await;
    }
    assert_eq!(Client::new(Some(&token(&gateway, "ali").await)).poll(&gateway.running).await.0, 200);
    for (body, status) in [
        (r#"{"user":"ali","issued_before":1}"#, 200),
        (r#"{"user":"ali","issued_before":1796000000000}"#, 400),
        (r#"{"user":"ali","issued_before":-1}"#, 400),
        (r#"{"user":""}"#, 400),
    ] {
        assert_eq!(gateway.post("revoke", body).await.0, status, "{body}");
    }
}

#[tokio::test]
async fn sessions_are_listed_in_parts_and_ended_by_their_id_or_their_user() {
    let gateway = Gateway::start(AUTH).await;
    let list = async |query: &str| gateway.ask("GET", &format!("/api/v1/sessions{query}"), "read", "").await;
    let mut streams = Vec::new();
    for user in ["ali", "ali", "bea"] {
        streams.push(Stream::open(&gateway.running, &token(&gateway, user).await).await);
    }
    let (status, all) = list("").await;
    assert_eq!((status, all["sessions"].as_array().unwrap().len(), &all["cursor"]), (200, 3, &Value::Null), "{all}");
    let first = json!({ "session": streams[0].id, "user": "ali", "channels": 0, "connected": true });
    assert_eq!(all["sessions"][0], first);
    let (_, one) = list("?user=ali&limit=1").await;
    let (_, two) = list(&format!("?user=ali&limit=1&cursor={}", one["cursor"].as_str().unwrap())).await;
    let ids = [&one, &two].map(|part| part["sessions"][0]["session"].clone());
    assert_eq!((ids, &two["cursor"]), ([json!(streams[0].id), json!(streams[1].id)], &Value::Null));
    for bad in ["?limit=0", "?limit=1001", "?limit=x", "?cursor=x", "?users=ali", "?user=a&user=b", "?user=%zz"] {
        let (status, said) = list(bad).await;
        assert_eq!((status, &said["code"]), (400, &json!("bad_frame")), "{bad}: {said}");
    }

    let one = json!({ "session": streams[2].id }).to_string();
    assert_eq!(gateway.post("disconnect", &one).await, (200, json!({ "sessions": 1 })));
    assert_eq!(streams[2].event("end").await["code"], "gone");
    assert_eq!(gateway.post("disconnect", &one).await.1, json!({ "sessions": 0 }));
    let fresh = r#"{"user":"ali","code":"unauthorized"}"#;
    assert_eq!(gateway.post("disconnect", fresh).await.1, json!({ "sessions": 2 }));
    for stream in &mut streams[..2] {
        assert_eq!(stream.event("end").await["code"], "unauthorized");
    }
    assert_eq!(list("").await.1["sessions"].as_array().unwrap().len(), 2, "these sessions go on");
    assert_eq!(gateway.post("disconnect", r#"{"user":"ali"}"#).await.1, json!({ "sessions": 2 }));
    assert_eq!(list("").await.1["sessions"], json!([]));
    for bad in ["{}", r#"{"user":"a","session":"b"}"#, r#"{"user":"a","code":"full"}"#, r#"{"session":""}"#] {
        assert_eq!(gateway.post("disconnect", bad).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_transport_is_withdrawn_and_offered_again() {
    let gateway = Gateway::start("").await;
    for (body, status, now) in [
        (r#"{"websocket":false}"#, 200, json!(["sse", "poll"])),
        ("{}", 200, json!(["sse", "poll"])),
        (r#"{"sse":false,"poll":false}"#, 400, Value::Null),
        (r#"{"sse":{"share":0.5}}"#, 400, Value::Null),
        (r#"{"pigeon":true}"#, 400, Value::Null),
        ("[null,null,null]", 400, Value::Null),
    ] {
        let (came, said) = gateway.post("transports", body).await;
        assert_eq!((came, &said["transports"]), (status, &now), "{body}: {said}");
    }
    let (_, welcome) = Client::new(None).poll(&gateway.running).await;
    assert_eq!(welcome["welcome"]["transports"], json!(["sse", "poll"]), "{welcome}");
    assert_eq!(
        gateway.post("transports", r#"{"websocket":true}"#).await.1["transports"],
        json!(["websocket", "sse", "poll"])
    );
}

#[tokio::test]
async fn the_description_names_every_route_and_its_scope() {
    let gateway = Gateway::start("").await;
    assert_eq!(gateway.ask_raw("GET", "/api/v1/openapi.json", None, "").await.0, 401);
    let (status, described) = gateway.ask("GET", "/api/v1/openapi.json", "publish", "").await;
    assert!(status == 200 && described["openapi"].as_str().unwrap().starts_with("3.1"), "{described}");
    for (method, path, _, scope) in ROUTES {
        let route = &described["paths"][path][method.to_ascii_lowercase()];
        assert_eq!(route["security"], json!([{ "key": [scope] }]), "{path}: {route}");
        assert!(route["responses"]["401"]["content"]["application/json"]["schema"].is_object(), "{path}: {route}");
    }
    assert_eq!(described["paths"].as_object().unwrap().len(), ROUTES.len() + 1);
    assert!(described["components"]["schemas"]["Problem"].is_object(), "{described}");
}

#[tokio::test]
async fn the_examples_of_the_document_work() {
    let gateway = Gateway::start(AUTH).await;
    let document = include_str!("../../docs/API.md");
    let examples = document.lines().filter(|line| line.starts_with("curl "));
    assert_eq!(examples.clone().count(), ROUTES.len() + 1, "each route has one");
    for example in examples {
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", example]).env("API", format!("http://{}/api/v1", gateway.inner)).env("KEY", key("all"));
        let output = within_patience(shell.output()).await.unwrap();
        let answer = serde_json::from_slice::<Value>(&output.stdout);
        assert!(
            output.status.success() && answer.is_ok_and(|answer| answer["code"].is_null()),
            "{example}: {output:?}"
        );
    }
}
