//! The plain stream: `GET /rt/stream?channel=…`, for EventSource and curl.

use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::Value;
use throughline::protocol::Transport;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::http::{self, Opened};
use crate::wire::{Events, Frame};

/// A reader as EventSource is one.
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

    /// The fields of the next block that is no comment.
    async fn block(&mut self) -> Option<String> {
        loop {
            match self.events.block() {
                Some(comment) if comment.starts_with(':') => {}
                // How soon to come back stands before the first event.
                Some(block) => return Some(block.trim_start_matches("retry: 1000\n").to_owned()),
                None => {
                    let chunk = within_patience(self.opened.response.frame()).await?.unwrap();
                    self.events.feed(&chunk.into_data().unwrap());
                }
            }
        }
    }

    /// The next event with data: its id and what it says.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        loop {
            let block = self.block().await.unwrap();
            if let Some((id, data)) = block.strip_prefix("id: ").and_then(|block| block.split_once("\ndata: ")) {
                return (id.to_owned(), serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The id that stands before any event: where the reader is.
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
async fn a_position_that_cannot_be_honoured_is_told_by_a_reset() {
    let gateway = Running::with(|config| config.channels.retention.messages = 2).await;
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
        http::get(gateway.address, path).await.is_error(400, "unknown_channel");
    }
    http::get(gateway.address, "/rt/stream?channel=a&channel=b").await.is_error(400, "bad_frame");
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
