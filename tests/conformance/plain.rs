//! The plain stream for EventSource and curl: `GET /rt/stream?channel=…`.

use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::Value;
use throughline::Config;
use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::http::{self, Opened};
use crate::wire::{Events, Frame};

/// A reader that behaves as EventSource does.
pub(crate) struct Reader {
    opened: Opened,
    events: Events,
}

impl Reader {
    pub(crate) async fn open(gateway: &Running, channel: &str, last: Option<&str>) -> Self {
        let mut request = http::request(Method::GET, &format!("/rt/stream?channel={channel}"), "");
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.parse().unwrap());
        }
        let opened = http::open(gateway.address, request).await;
        assert_eq!(opened.response.status(), 200);
        assert_eq!(opened.response.headers()["content-type"], "text/event-stream");
        Self { opened, events: Events::default() }
    }

    /// Returns the fields of the next block that is not a comment.
    async fn block(&mut self) -> Option<String> {
        loop {
            match self.events.block() {
                Some(comment) if comment.starts_with(':') => {}
                // The time before a reconnect precedes the first event.
                Some(block) => return Some(block.trim_start_matches("retry: 1000\n").to_owned()),
                None => {
                    let chunk = within_patience(self.opened.response.frame()).await?.unwrap();
                    self.events.feed(&chunk.into_data().unwrap());
                }
            }
        }
    }

    /// Returns the next event with data: its id and its content.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        loop {
            let block = self.block().await.unwrap();
            if let Some((id, data)) = block.strip_prefix("id: ").and_then(|block| block.split_once("\ndata: ")) {
                return (id.to_owned(), serde_json::from_str(data).unwrap());
            }
        }
    }

    /// Returns the id before any event, which is the reader's position.
    pub(crate) async fn start(&mut self) -> String {
        let block = self.block().await.unwrap();
        block.strip_prefix("id: ").unwrap().to_owned()
    }
}

#[tokio::test]
async fn events_carry_epoch_and_offset_and_a_dropped_reader_recovers_exactly_once() {
    let gateway = Running::start().await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let mut reader = Reader::open(&gateway, "fleet%2F42", None).await;
    let start = reader.start().await;
    let (epoch, at) = start.rsplit_once(':').unwrap();
    assert_eq!(at, "0");
    let mut last = start.clone();
    let mut seen = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            writer.publish(leg, "fleet/42", "{\"x\" : 1.50}").await;
        }
        for _ in 0..2 {
            let (id, data) = reader.event().await;
            assert_eq!(data["pub"], "fleet/42");
            assert_eq!(id, format!("{epoch}:{}", data["at"]));
            seen.push(data["at"].as_u64().unwrap());
            last = id;
        }
        drop(reader);
        writer.publish(leg, "fleet/42", &round.to_string()).await;
        reader = Reader::open(&gateway, "fleet%2F42", Some(&last)).await;
        assert_eq!(reader.start().await, last);
    }
    while seen.len() < 16 {
        seen.push(reader.event().await.1["at"].as_u64().unwrap());
    }
    assert_eq!(seen, (1..=16).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_unknown_position_is_reported_by_a_reset() {
    let gateway = Running::with(|config| config.history.messages = 2).await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let epoch = writer.subscribe(leg, "c").await["epoch"].as_str().unwrap().to_owned();
    for number in 1..=5 {
        writer.publish(leg, "c", &number.to_string()).await;
    }
    let old = format!("{epoch}:1");
    let beyond = format!("{epoch}:9");
    for unknown in ["unknown:3", &old, &beyond, "nonsense", "a:b", "x:99999999999999999999"] {
        let mut reader = Reader::open(&gateway, "c", Some(unknown)).await;
        let reset = reader.block().await.unwrap();
        let (head, data) = reset.split_once("\ndata: ").unwrap();
        assert_eq!(head, format!("event: reset\nid: {epoch}:5"), "{unknown}");
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["code"], &data["at"]), (&"gap".into(), &5.into()));
    }
}

#[tokio::test]
async fn a_rule_bounds_the_history_of_its_channels_and_a_reload_applies_to_them() {
    let rules = |messages| {
        let open = "subscribe = ['anyone']\npublish = ['anyone']";
        let long = format!("[[channel]]\npattern = 'long/{{n}}'\n{open}\n");
        let text = format!("{long}[[channel]]\npattern = 'short/{{n}}'\n{open}\nhistory.messages = {messages}");
        Config::from_toml(&text).unwrap()
    };
    let gateway = Running::with(|config| *config = rules(2)).await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let mut starts = Vec::new();
    for channel in ["short/1", "long/1"] {
        starts.push(Reader::open(&gateway, channel, None).await.start().await);
        for number in 1..=4 {
            writer.publish(leg, channel, &number.to_string()).await;
        }
    }
    let after = |start: &str, at| format!("{}:{at}", start.rsplit_once(':').unwrap().0);
    let [short, long] = &starts[..] else { panic!("{starts:?}") };
    let mut gone = Reader::open(&gateway, "short/1", Some(&after(short, 1))).await;
    assert!(gone.block().await.unwrap().starts_with("event: reset\n"));
    for (channel, last, next) in [("short/1", after(short, 2), 3), ("long/1", after(long, 0), 1)] {
        let mut reader = Reader::open(&gateway, channel, Some(&last)).await;
        assert_eq!(reader.start().await, last);
        assert_eq!(reader.event().await.1["at"], next, "{channel}");
    }
    gateway.handle.apply(&rules(1));
    let mut gone = Reader::open(&gateway, "short/1", Some(&after(short, 2))).await;
    assert!(gone.block().await.unwrap().starts_with("event: reset\n"));
}

#[tokio::test]
async fn a_reader_that_returns_to_a_quiet_channel_continues_at_its_position() {
    let gateway = Running::with(|config| config.history.messages = 0).await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let mut reader = Reader::open(&gateway, "c", None).await;
    let start = reader.start().await;
    writer.publish(leg, "c", "1").await;
    let (last, _) = reader.event().await;
    for _ in 0..2 {
        drop(reader);
        within_patience(gateway.until("channels", |channels| channels == 0)).await;
        reader = Reader::open(&gateway, "c", Some(&last)).await;
        assert_eq!(reader.start().await, last);
    }
    writer.publish(leg, "c", "2").await;
    assert_eq!(reader.event().await.1["at"], 2);
    let mut late = Reader::open(&gateway, "c", Some(&start)).await;
    assert!(late.block().await.unwrap().starts_with("event: reset\n"));
}

#[tokio::test]
async fn a_binary_publication_reaches_a_plain_reader_as_b64() {
    let gateway = Running::start().await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let mut reader = Reader::open(&gateway, "c", None).await;
    reader.start().await;
    writer.push(Frame::with_bytes(Transport::WebSocket, "{\"pub\":\"c\"}", b"\x00\n\xff"));
    writer.flush(leg).await;
    assert_eq!(reader.event().await.1["b64"], "AAr/");
}

#[tokio::test]
async fn a_plain_reader_may_give_its_position_in_the_query() {
    let gateway = Running::start().await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    let epoch = writer.subscribe(leg, "c").await["epoch"].as_str().unwrap().to_owned();
    writer.publish(leg, "c", "1").await;
    writer.publish(leg, "c", "2").await;
    let mut reader = Reader::open(&gateway, &format!("c&last_event_id={epoch}:1"), None).await;
    assert_eq!(reader.event().await.1["at"], 2);
}

#[tokio::test]
async fn a_plain_stream_without_a_valid_channel_is_refused() {
    let gateway = Running::start().await;
    let long = format!("/rt/stream?channel={}", "x".repeat(129));
    for path in ["/rt/stream", "/rt/stream?channel=", "/rt/stream?channel=a%0ab", &long] {
        http::get(gateway.address, path).await.is_error(404, "unknown_channel");
    }
    http::get(gateway.address, "/rt/stream?channel=a&channel=b").await.is_error(400, "bad_frame");
}

/// Guards against this:
/// 1. A reader asks for the channel `%ff`, which is no text.
/// 2. It receives the publications of U+FFFD, and so does the reader of `%fe`.
#[tokio::test]
async fn a_query_that_is_no_text_in_percent_encoding_is_refused() {
    let gateway = Running::start().await;
    for bad in ["%ff", "a%fe", "%", "a%4", "%g1", "%%41", "%c3%28", "%c0%80", "%e0%80%af", "%ed%a0%80", "%f4%90%80%80"]
    {
        for query in [format!("channel={bad}"), format!("channel=c&last_event_id={bad}"), format!("ch%61nnel={bad}")] {
            let answer = http::get(gateway.address, &format!("/rt/stream?{query}&nonce=N-1")).await;
            answer.is_error(400, "bad_frame");
            assert!(answer.body.contains("\"nonce\":\"N-1\""), "{query}: {answer:?}");
        }
        // The gateway does not check a parameter that it does not use.
        Reader::open(&gateway, &format!("c&other={bad}&{bad}=1"), None).await.start().await;
    }
    for control in ["%00", "a%00b", "%0d", "%7f", "%c2%85"] {
        http::get(gateway.address, &format!("/rt/stream?channel={control}")).await.is_error(404, "unknown_channel");
    }
    // The readers of `c` have left, and no other reader exists.
    within_patience(gateway.until("channels", |channels| channels == 0)).await;
}

#[tokio::test]
async fn a_name_is_the_same_however_much_of_it_is_escaped() {
    let gateway = Running::start().await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    for (name, queries) in [
        ("ü/1", &["%c3%bc/1", "%C3%BC%2f1"][..]),
        ("a b", &["a+b", "a%20b"]),
        ("a+b&c=%41#d", &["a%2Bb%26c=%2541%23d"]),
    ] {
        for query in queries {
            let mut reader = Reader::open(&gateway, query, None).await;
            reader.start().await;
            writer.publish(leg, name, "1").await;
            assert_eq!(reader.event().await.1["pub"], name, "{query}");
        }
    }
}

#[tokio::test]
async fn a_position_that_is_no_text_counts_as_unknown() {
    let gateway = Running::start().await;
    let head = "GET /rt/stream?channel=c HTTP/1.0\r\nHost: localhost\r\n";
    for bad in [b"\xff".as_slice(), b"\xc3\xbc:1"] {
        let request = [head.as_bytes(), b"Last-Event-ID: ", bad, b"\r\n\r\n"].concat();
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(&request).await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"}\n\n") {
            assert!(within_patience(socket.read_buf(&mut seen)).await.unwrap() > 0, "{seen:?}");
        }
        assert!(String::from_utf8(seen).unwrap().contains("event: reset\n"));
    }
    let twice = format!("{head}Last-Event-ID: e:1\r\nLast-Event-ID: e:2\r\n\r\n");
    let answer = within_patience(http::raw(gateway.address, twice.as_bytes())).await;
    assert!(answer.contains(" 400 ") && answer.contains("\"code\":\"bad_frame\""), "{answer}");
}

#[tokio::test]
async fn a_plain_reader_that_left_is_forgotten() {
    let gateway = Running::start().await;
    let (mut writer, leg) = Client::online(&gateway, Transport::WebSocket).await;
    for _ in 0..20 {
        let mut reader = Reader::open(&gateway, "c", None).await;
        reader.start().await;
    }
    writer.subscribe(leg, "c").await;
    writer.publish(leg, "c", "1").await;
    assert_eq!(writer.next(leg).await.value()["at"], 1);
}
