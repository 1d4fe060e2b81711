//! The pieces of work that the micro-benches time and count: protocol, a session's step, fan-out. No sockets, no clock,
//! no tasks.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use throughline::backend::decision::Decision;
use throughline::backend::tokens::Tokens;
use throughline::backend::tokens::auth::Auth;
use throughline::hub::{Bounds, Hub, Subscriber};
use throughline::protocol::frame::RawFrame;
use throughline::protocol::limits::Room;
use throughline::protocol::publication::Publication;
use throughline::protocol::token::Token;
use throughline::protocol::up::Up;
use throughline::protocol::{ChannelName, Line, Seq, SessionId, Transport, body, down};
use throughline::session::server::{Carrier, Input, ServerSession, Settings};

/// Subscribers of a fan-out.
pub(crate) const SUBSCRIBERS: u64 = 1_000;
/// A client acknowledges each time it has received so many frames.
pub(crate) const ACKNOWLEDGED: u64 = 64;
const NOW: Duration = Duration::from_secs(1);
const CARRIER: Carrier = Carrier(1);
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// Work that can be done again and again.
pub(crate) type Work = Box<dyn FnMut()>;

/// A name, and the preparation of the work.
pub(crate) type Piece = (&'static str, fn() -> Work);

/// All pieces of this kind.
pub(crate) const ALL: [Piece; 9] = [
    ("read a publication of 128 B", || read(&publication(128))),
    ("read a publication of 1 KB", || read(&publication(1_024))),
    ("read an acknowledgement", || read(r#"{"ack":4711,"next":12}"#)),
    ("read a body: hello and publication", read_body),
    ("check a token of 300 B that was seen before", check_token),
    ("encode a publication of 128 B", encode),
    ("a session takes a publication", take),
    ("a session is given a line, writes it, is acknowledged", write),
    ("a publication to 1,000 sessions, written, acknowledged", fan_out),
];

fn publication(bytes: usize) -> String {
    format!(r#"{{"pub":"news","id":5,"data":"{}"}}"#, "x".repeat(bytes))
}

/// A token of HS256. The first check, which verifies its signature, comes before the work.
fn check_token() -> Work {
    let secret = "a secret of the benches, 32 bytes or more";
    let claims = serde_json::json!({ "sub": "42", "exp": 1_893_456_000_u64, "name": "x".repeat(140) });
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()).expect("a key");
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    let token = Token::new(jsonwebtoken::encode(&header, &claims, &key).expect("a token")).expect("a short one");
    let mut auth = Auth::default();
    auth.secrets.push(secret.parse().expect("a secret"));
    let tokens = Tokens::new(&auth).expect("the keys are good");
    let check = move || match tokens.check(std::hint::black_box(&token)) {
        Decision::Now(Ok(identity)) => std::hint::black_box(identity.expires.is_some()),
        _ => panic!("the token is good"),
    };
    check();
    Box::new(move || {
        check();
    })
}

fn read(text: &str) -> Work {
    let frame = RawFrame::text(text.to_owned());
    Box::new(move || {
        std::hint::black_box(Up::read(std::hint::black_box(&frame)).expect("a frame"));
    })
}

fn read_body() -> Work {
    let hello = hello(r#""id":"5f0c2e7e-58a4-4d32-a1c8-0e3a7d9f5b11","#);
    let body = Bytes::from(format!("{hello}\n{}\n", publication(128)));
    Box::new(move || {
        std::hint::black_box(body::read(std::hint::black_box(&body)).expect("a body"));
    })
}

fn encode() -> Work {
    let (channel, payload) = (channel(), Publication::from(serde_json::json!("x".repeat(128))));
    Box::new(move || {
        std::hint::black_box(down::publication(&channel, 4_711, std::hint::black_box(&payload)));
    })
}

/// Reads a frame, handles it in its turn, and hands it on. Then it writes the acknowledgement that falls due.
fn take() -> Work {
    let mut session = session();
    let frame = RawFrame::text(publication(128));
    Box::new(move || {
        let frame = Up::read(&frame).expect("a frame");
        session.handle(NOW, Input::Frame { carrier: CARRIER, frame }).expect("taken");
        while let Some(output) = session.poll_output() {
            std::hint::black_box(output);
        }
        drain(&mut session);
    })
}

fn write() -> Work {
    let (mut session, line) = (session(), line());
    let mut count = 0;
    Box::new(move || {
        session.push(line.clone());
        count += 1;
        drain(&mut session);
        acknowledge(&mut session, count);
    })
}

fn fan_out() -> Work {
    let (hub, channel) = (Hub::new(Bounds::default()), channel());
    let subscribers: Vec<Arc<Session>> = (0..SUBSCRIBERS).map(|key| Arc::new(Session::new(key))).collect();
    for subscriber in &subscribers {
        let subscriber = Arc::clone(subscriber) as Arc<dyn Subscriber>;
        hub.subscribe(NOW, &channel, subscriber, None, |_| None).now().expect("at once").expect("subscribed");
    }
    let payload = Publication::from(serde_json::json!("x".repeat(128)));
    let mut count = 0;
    Box::new(move || {
        let (published, wakers) = std::hint::black_box(hub.publish(NOW, &channel, [&payload]));
        published.now().expect("at once").expect("published");
        drop(wakers);
        count += 1;
        for subscriber in &subscribers {
            let mut session = subscriber.session.lock().expect("whole");
            drain(&mut session);
            acknowledge(&mut session, count);
        }
    })
}

/// A subscriber that keeps what the gateway keeps for one: its session, behind a lock.
struct Session {
    key: u64,
    session: Mutex<ServerSession>,
}

impl Session {
    fn new(key: u64) -> Self {
        Self { key, session: Mutex::new(session()) }
    }
}

impl Subscriber for Session {
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        let mut session = self.session.lock().expect("whole");
        lines.iter().for_each(|line| session.push(line.clone()));
        None
    }

    fn key(&self) -> u64 {
        self.key
    }

    fn room(&self) -> Room {
        self.session.lock().expect("whole").room()
    }
}

/// Returns a session with one leg, a socket, whose welcome is written and answered.
fn session() -> ServerSession {
    let id = SessionId::try_from("5f0c2e7e-58a4-4d32-a1c8-0e3a7d9f5b11".to_owned()).expect("an id");
    let mut session = ServerSession::new(NOW, id, Arc::new(Settings::default()));
    let Ok(Up::Hello(hello)) = Up::read(&RawFrame::text(hello(""))) else { panic!("a hello") };
    let attach = Input::Attach {
        carrier: CARRIER,
        transport: Transport::WebSocket,
        network: None,
        right: None,
        hello,
        frames: Vec::new(),
    };
    session.handle(NOW, attach).expect("attached");
    drain(&mut session);
    let frame = Up::Ack { received: Seq::NONE, next: Some(Seq::FIRST) };
    session.handle(NOW, Input::Frame { carrier: CARRIER, frame }).expect("confirmed");
    session
}

fn drain(session: &mut ServerSession) {
    session.write(NOW, CARRIER, WRITTEN_AT_ONCE, |line| {
        std::hint::black_box(line);
    });
}

fn acknowledge(session: &mut ServerSession, received: u64) {
    if received.is_multiple_of(ACKNOWLEDGED) {
        let frame = Up::Ack { received: Seq(received), next: None };
        session.handle(NOW, Input::Frame { carrier: CARRIER, frame }).expect("acknowledged");
    }
}

fn line() -> Line {
    down::publication(&channel(), 4_711, &Publication::from(serde_json::json!("x".repeat(128))))
}

fn channel() -> ChannelName {
    ChannelName::try_from("news").expect("a name")
}

fn hello(id: &str) -> String {
    format!(
        r#"{{"hello":{{"v":1,"session":"example-secret-0000000001",{id}"leg":1,"turn":1,"received":0,"next":1,"nonce":"n.1"}}}}"#
    )
}
