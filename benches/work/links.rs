//! The pieces of work at the node's links: a hello until its welcome, a body until its answer, a subscription. No
//! sockets and no tasks. The node reads the clock, which `instructions.rs` stops.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use throughline::backend::access::Access;
use throughline::backend::open::Open;
use throughline::hub::{Bounds, Hub};
use throughline::node::Node;
use throughline::node::limits::Limits;
use throughline::node::link::{Caller, Link, Progress};
use throughline::protocol::Transport;
use throughline::protocol::frame::RawFrame;
use throughline::session::server::Settings;

use crate::MOST;
use crate::work::{ACKNOWLEDGED, Piece, Work};

/// No client has an address. The id of its network would be random, and an id that begins with 0 takes 300 instructions
/// more.
const FROM: Caller = Caller { address: None, token: None };
/// Lines that a resumed leg receives again: the answer to the subscription, and publications.
const MISSED: usize = 8;

/// All pieces of this kind. The transports are in `connections.rs`; here the leg is a stream's, and its client sends
/// bodies.
pub(crate) const ALL: [Piece; 5] = [
    ("a first hello until its welcome", first_hello),
    ("a resume until its welcome and 8 missed lines", resume),
    ("a body with a publication until its answer, 1 subscriber", || publish(1)),
    ("a body with a publication until its answer, 1,000 subscribers", || publish(1_000)),
    ("a subscribe and an unsubscribe on a socket, until their answers", subscribe),
];

fn first_hello() -> Work {
    let (node, mut streams) = (node(), Vec::with_capacity(MOST));
    Box::new(move || streams.push(Stream::open(&node, streams.len())))
}

/// Resumes the same session again and again. It acknowledges nothing, so it misses the same lines each time.
fn resume() -> Work {
    let node = node();
    let first = Stream::open(&node, 0);
    let lines = [r#"{"sub":"news","id":1}"#.to_owned()].into_iter().chain((1..MISSED).map(|_| publication("")));
    first.send(&node, 0, 1, &lines.collect::<Vec<_>>().join("\n"));
    let Stream { link, id, number } = first;
    let (mut link, mut leg) = (Some(link), 1);
    Box::new(move || {
        // The connection of the leg before breaks.
        drop(link.take());
        leg += 1;
        let hello = hello(number, &id, leg, 0, 1 + MISSED as u64);
        let mut resumed = node.attach(Transport::Sse, FROM, &hello.into()).expect("attached");
        assert_eq!(read(&mut resumed), 1 + MISSED);
        link = Some(resumed);
    })
}

/// Sends a body with one publication. It causes the answer to its request, the `ok` on the publisher's stream, and a
/// line for each subscriber.
fn publish(subscribers: usize) -> Work {
    let node = node();
    let mut publisher = Stream::open(&node, 0);
    let mut subscribers: Vec<Link> = (1..=subscribers).map(|number| subscribed(&node, number)).collect();
    let mut published = 0;
    Box::new(move || {
        publisher.send(&node, published, published + 1, &publication(r#""id":5,"#));
        published += 1;
        read(&mut publisher.link);
        for subscriber in &mut subscribers {
            read(subscriber);
            if published.is_multiple_of(ACKNOWLEDGED) {
                // The first line was the answer to the subscription.
                say(subscriber, &format!(r#"{{"ack":{}}}"#, 1 + published));
            }
        }
    })
}

fn subscribe() -> Work {
    let node = node();
    // The channel has a subscriber, so it is never forgotten.
    let other = subscribed(&node, 0);
    let mut link = subscribed(&node, 1);
    let mut times = 0u64;
    Box::new(move || {
        let _stays = &other;
        for line in [r#"{"unsub":"news","id":5}"#, r#"{"sub":"news","id":6}"#] {
            say(&mut link, line);
            read(&mut link);
        }
        times += 1;
        if times.is_multiple_of(ACKNOWLEDGED) {
            // The first line was the answer to the subscription before.
            say(&mut link, &format!(r#"{{"ack":{}}}"#, 1 + 2 * times));
        }
    })
}

/// A session by SSE whose welcome is read.
struct Stream {
    link: Link,
    id: String,
    number: usize,
}

impl Stream {
    fn open(node: &Arc<Node>, number: usize) -> Self {
        let mut link = node.attach(Transport::Sse, FROM, &hello(number, "", 1, 0, 1).into()).expect("attached");
        let mut id = String::new();
        let progress = link.poll_lines(&mut context(), |line| id = id_in(line.json()));
        assert_eq!(progress, Poll::Ready(Progress::Lines));
        Self { link, id, number }
    }

    /// Sends a body with these lines; `next` is the number of the first.
    fn send(&self, node: &Arc<Node>, received: u64, next: u64, lines: &str) {
        let hello = hello(self.number, &self.id, 1, received, next);
        let answer = node.send(&Bytes::from(format!("{hello}\n{lines}\n"))).expect("taken");
        assert_eq!(answer.len(), 1);
    }
}

/// Opens a session by WebSocket that is subscribed to the channel.
fn subscribed(node: &Arc<Node>, number: usize) -> Link {
    let mut link = node.socket(FROM);
    for line in [hello(number, "", 1, 0, 1), r#"{"ack":0,"next":1}"#.to_owned()] {
        say(&mut link, &line);
    }
    read(&mut link);
    say(&mut link, r#"{"sub":"news","id":1}"#);
    read(&mut link);
    link
}

fn node() -> Arc<Node> {
    let settings = Settings { attaches_a_minute: u32::MAX, ..Settings::default() };
    let access = Arc::new(Access::open(Arc::new(Open)));
    Node::new(settings, Hub::new(Bounds::default()), access, Limits::default(), &mut Registry::default())
}

/// Sends one frame up a socket.
fn say(link: &mut Link, text: &str) {
    link.receive([Ok(RawFrame::text(text.to_owned()))]);
}

/// Reads the lines that are due, and counts them.
fn read(link: &mut Link) -> usize {
    let mut lines = 0;
    let progress = link.poll_lines(&mut context(), |line| {
        std::hint::black_box(line);
        lines += 1;
    });
    assert_eq!(progress, Poll::Ready(Progress::Lines), "the leg has lines and goes on");
    lines
}

const fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn publication(id: &str) -> String {
    format!(r#"{{"pub":"news",{id}"data":"{}"}}"#, "x".repeat(128))
}

/// Returns the hello of a session's newest leg: the turn is the leg's number.
fn hello(number: usize, id: &str, leg: u32, received: u64, next: u64) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}",{id}"leg":{leg},"turn":{leg},"received":{received},"next":{next},"nonce":"n"}}}}"#
    )
}

fn id_in(welcome: &[u8]) -> String {
    let welcome = std::str::from_utf8(welcome).expect("text");
    welcome.split_once("\"id\":\"").and_then(|(_, rest)| rest.split_once('"')).expect("an id").0.to_owned()
}
