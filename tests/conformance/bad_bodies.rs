//! Bad bodies on each POST route: the gateway answers with a clear coded error, and other sessions are not affected.

use serde_json::{Value, json};
use throughline::protocol::Transport;

use crate::client::{Client, secret};
use crate::gateway::{Running, panics, within_patience};
use crate::http;

/// A session that has no part in the failure, and another one that publishes to it.
pub(crate) struct Bystander {
    reader: (Client, u32),
    writer: (Client, u32),
}

impl Bystander {
    pub(crate) async fn new(gateway: &Running, transport: Transport) -> Self {
        let mut reader = Client::online(gateway, transport).await;
        reader.0.subscribe(reader.1, "bystander").await;
        let writer = Client::online(gateway, Transport::WebSocket).await;
        Self { reader, writer }
    }

    /// Checks that the reader receives a new publication, and nothing else.
    pub(crate) async fn is_well(&mut self, after: &str) {
        let (writer, leg) = &mut self.writer;
        let at = writer.publish(*leg, "bystander", "1").await;
        let (reader, leg) = &mut self.reader;
        let publication = reader.next(*leg).await.value();
        assert_eq!((&publication["pub"], &publication["at"]), (&"bystander".into(), &at.into()), "after {after}");
        assert_eq!(panics(), 0, "after {after}");
    }
}

/// A bad body, and the expected answer: a status, a code, and whether it echoes the hello's nonce.
struct Bad {
    what: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    has_nonce: bool,
}

fn bad(what: &'static str, body: impl Into<Vec<u8>>) -> Bad {
    Bad { what, body: body.into(), status: 400, code: "bad_frame", has_nonce: false }
}

impl Bad {
    const fn after_hello(mut self) -> Self {
        self.has_nonce = true;
        self
    }

    const fn too_large(mut self) -> Self {
        self.status = 413;
        self.code = "too_large";
        self
    }
}

pub(crate) fn hello(change: impl FnOnce(&mut Value)) -> String {
    let mut hello = json!({ "v": 1, "session": secret(), "leg": 1, "received": 0, "next": 1, "nonce": "N" });
    change(&mut hello);
    json!({ "hello": hello }).to_string()
}

/// A hello that every route and the socket refuse.
pub(crate) struct BadHello {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    pub(crate) code: &'static str,
    /// Its nonce is readable, so the refusal echoes it.
    pub(crate) has_nonce: bool,
}

/// Returns one hello of each bad kind.
pub(crate) fn bad_hellos() -> Vec<BadHello> {
    let of = |code, has_nonce, hellos: Vec<(&'static str, String)>| {
        hellos.into_iter().map(move |(what, text)| BadHello { what, text, code, has_nonce })
    };
    let with = |key: &'static str, value: Value| hello(|hello| hello[key] = value);
    let without = |key: &str| hello(|hello| drop(hello.as_object_mut().unwrap().remove(key)));
    let others = vec![
        ("another version", with("v", 2.into())),
        ("no version", without("v")),
        ("no secret", without("session")),
        ("a short secret", with("session", "a".repeat(21).into())),
        ("a long secret", with("session", "a".repeat(65).into())),
        ("a secret with other characters", with("session", format!("{}!", "a".repeat(24)).into())),
        ("a secret that is no text", with("session", 7.into())),
        ("leg 0", with("leg", 0.into())),
        ("leg 2^31", with("leg", (1u64 << 31).into())),
        ("leg -1", with("leg", (-1).into())),
        ("no leg", without("leg")),
        ("turn 0", with("turn", 0.into())),
        ("turn 2^31", with("turn", (1u64 << 31).into())),
        ("turn 2^53", with("turn", (1u64 << 53).into())),
        ("next 0", with("next", 0.into())),
        ("next 2^53", with("next", (1u64 << 53).into())),
        ("next 1.5", with("next", 1.5.into())),
        ("received 2^53", with("received", (1u64 << 53).into())),
        ("received without an id", with("received", 1.into())),
        ("received as text", with("received", "0".into())),
        ("an empty id", with("id", "".into())),
        ("a long id", with("id", "i".repeat(65).into())),
        ("a long report", with("client", "c".repeat(600).into())),
    ];
    let nameless = vec![
        ("an empty nonce", with("nonce", "".into())),
        ("a long nonce", with("nonce", "n".repeat(65).into())),
        ("a nonce with a newline", with("nonce", "a\nb".into())),
        ("no nonce", without("nonce")),
        ("a hello that is a list", "{\"hello\":[1]}".into()),
    ];
    let long = vec![("a long token", with("token", "t".repeat(8 * 1024 + 1).into()))];
    let tokens = vec![
        ("a token that is a number", with("token", 5.into())),
        ("a token that is an object", with("token", json!({ "token": "x" }))),
        ("a token that is no text", with("token", "T".into()).replace("\"T\"", "\"\\ud800\"")),
    ];
    let all = of("bad_frame", true, others).chain(of("bad_frame", false, nameless));
    all.chain(of("unauthorized", true, tokens)).chain(of("too_large", true, long)).collect()
}

fn bad_bodies() -> Vec<Bad> {
    let good = || hello(|_| {});
    let long = |bytes: usize| {
        let hello = good();
        format!("{hello}{}", " ".repeat(bytes - hello.len()))
    };
    let lines = |line: &str, many: usize| format!("{}\n{}", good(), format!("{line}\n").repeat(many));
    let mut all: Vec<Bad> = bad_hellos()
        .into_iter()
        .map(|BadHello { what, text, code, has_nonce }| {
            let status = match code {
                "unauthorized" => 401,
                "too_large" => 413,
                _ => 400,
            };
            Bad { what, body: text.into(), status, code, has_nonce }
        })
        .collect();
    all.extend([
        bad("an empty body", ""),
        bad("newlines alone", "\n\n\n"),
        bad("not JSON", "hello"),
        bad("half a hello", "{\"hello\":{\"v\":1"),
        bad("a list", "[]"),
        bad("an empty object", "{}"),
        bad("a first line that is no hello", "{\"ping\":1}\n"),
        bad("an unknown verb first", "{\"welcome\":{}}\n"),
        bad("invalid UTF-8", b"{\"hello\":\"\xff\xfe\"}".as_slice()),
        bad("nothing but zeros", [0u8; 100].as_slice()),
        bad("CR LF for a newline", format!("{}\r\n", good())).after_hello(),
        bad("a line behind a bad hello", format!("{}\n{{\"ping\":1}}\n", hello(|hello| hello["v"] = 2.into()))),
        bad("a hello over two lines", good().replace("\"v\"", "\n\"v\"")),
        bad("deep nesting", format!("{{\"hello\":{}", "[".repeat(60_000))),
        bad("a second hello", format!("{0}\n{0}\n", good())).after_hello(),
        bad("an empty line", format!("{}\n\n{{\"ping\":1}}\n", good())).after_hello(),
        bad("an unknown verb", lines("{\"nope\":1}", 1)).after_hello(),
        bad("a ping that is no number", lines("{\"ping\":\"x\"}", 1)).after_hello(),
        bad("ack with next 0", lines("{\"ack\":0,\"next\":0}", 1)).after_hello(),
        bad("an id of 2^53", lines("{\"sub\":\"c\",\"id\":9007199254740992}", 1)).after_hello(),
        bad("a key twice", lines("{\"pub\":\"bystander\",\"data\":1,\"data\":2}", 1)).after_hello(),
        bad("a raw CR in a line", lines("{\"pub\":\"bystander\",\r\"data\":1}", 1)).after_hello(),
        bad("too many lines", lines("{\"ping\":1}", 513)).after_hello().too_large(),
        bad("64 KB and one byte", long(65_537)).too_large(),
        bad("a megabyte", long(1 << 20)).too_large(),
    ]);
    all
}

async fn rule(route: &str, transport: Transport) {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, transport).await;
    for Bad { what, body, status, code, has_nonce } in bad_bodies() {
        let answer = http::post(gateway.address, route, body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        answer.is_error(status, code);
        let nonce = serde_json::from_str::<Value>(&answer.body).unwrap()["nonce"].clone();
        assert_eq!(nonce, if has_nonce { "N".into() } else { Value::Null }, "{what}");
        bystander.is_well(what).await;
    }
    // None of these bodies made a session.
    assert_eq!(gateway.figure("sessions").await, 2);
}

#[tokio::test]
async fn a_bad_body_on_the_stream_is_a_coded_error() {
    within_patience(rule("/rt/stream", Transport::Sse)).await;
}

#[tokio::test]
async fn a_bad_body_on_a_poll_is_a_coded_error() {
    within_patience(rule("/rt/poll", Transport::Poll)).await;
}

#[tokio::test]
async fn a_bad_body_on_a_send_is_a_coded_error() {
    within_patience(rule("/rt/send", Transport::WebSocket)).await;
}

#[tokio::test]
async fn a_body_of_exactly_64_kb_is_accepted() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::Sse).await;
    let line = |bytes: usize| format!("{{\"pub\":\"c\",\"data\":\"{}\"}}\n", "x".repeat(bytes - 22));
    let head = format!("{}\n{}", client.hello(leg, None), line(50_000));
    let body = format!("{head}{}", line(65_536 - head.len()));
    assert_eq!(body.len(), 65_536);
    let answer = http::post(gateway.address, "/rt/send", body).await;
    assert_eq!(answer.lines()[0]["received"], 2);
}

#[tokio::test]
async fn a_refused_body_leaves_the_session_it_names_as_it_was() {
    let gateway = Running::start().await;
    for transport in Transport::ALL {
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        for route in ["/rt/stream", "/rt/poll", "/rt/send"] {
            // The gateway does not accept the good line before the bad one either.
            let hello = client.hello(leg + 1, Some(99));
            let body = format!("{hello}\n{{\"pub\":\"c\",\"data\":\"never\"}}\n{{\"nope\":1}}\n");
            http::post(gateway.address, route, body).await.is_error(400, "bad_frame");
            let mut beyond = client.hello(leg + 1, Some(99));
            beyond["hello"]["received"] = 1000.into();
            http::post(gateway.address, route, beyond.to_string()).await.is_error(400, "bad_frame");
        }
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
    }
}

#[tokio::test]
async fn an_unknown_session_is_gone_on_every_route_and_never_made_by_a_send() {
    let gateway = Running::start().await;
    let unknown = hello(|hello| hello["id"] = "nobody".into());
    for route in ["/rt/poll", "/rt/send"] {
        let answer = http::post(gateway.address, route, unknown.clone()).await;
        let end = &answer.lines()[0]["end"];
        assert_eq!((&end["code"], &end["nonce"], &end["v"]), (&"gone".into(), &"N".into(), &1.into()));
        assert_eq!(answer.lines().len(), 1);
    }
    let answer = http::post(gateway.address, "/rt/stream", unknown).await;
    assert!(answer.body.contains("\"code\":\"gone\""), "{answer:?}");
    let first = http::post(gateway.address, "/rt/send", hello(|_| {})).await;
    assert_eq!(first.lines()[0]["end"]["code"], "gone");
    assert_eq!(gateway.figure("sessions").await, 0);
}
