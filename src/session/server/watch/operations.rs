//! The operations that any client can do to a session, sensible or not, and the bytes by which a fuzzer chooses them.
//!
//! [`Operation::draw`] reads what [`Operation::write`] writes. Any bytes are an operation.

use bytes::Bytes;

use crate::protocol::{Transport, body, limits};
use crate::simulation::{Random, bytes_below};

/// A number that is not small: the greatest one that the wire has.
pub(crate) const GREATEST: u64 = limits::NUMBER - 1;
/// Other numbers are below this.
const SMALL: u64 = 31;
/// More bytes than a write ever has.
pub(crate) const ALL_BYTES: usize = 1_000_000;
/// Texts of pushed frames, in bytes.
pub(crate) const LENGTHS: [usize; 4] = [0, 1_000, 5_000, 20_000];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    /// It has an id; that of this session or another.
    pub(crate) id: Option<bool>,
    pub(crate) leg: u32,
    pub(crate) turn: Option<u32>,
    pub(crate) received: u64,
    pub(crate) next: u64,
    pub(crate) wish: Option<u64>,
}

/// A frame of the client's beside hellos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    Publish,
    /// It counts, and cannot be done.
    Faulty,
    Ping(u64),
    /// With a pad.
    LongPing(u64),
    Pong,
    Ack(u64, Option<u64>),
    Nonsense,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Attach(Transport, Hello, Vec<Text>),
    Send(Hello, Vec<Text>),
    /// On one of the sockets there ever were.
    Frame(usize, Text),
    Again(usize, Hello),
    /// A frame with a text of so many bytes.
    Push(usize),
    Link,
    /// Transports by their bits, and the jitter.
    Offer(u8, u64),
    Closed(usize),
    /// The client of a poll waits no longer.
    Hurry(usize),
    EndLegs,
    Timeout,
    Later(u64),
    /// Carriers get room, and so many bytes of it.
    Write(usize),
}

impl Hello {
    fn draw(random: &mut Random) -> Self {
        let id = [None, Some(false), Some(true), Some(true)][random.place(4)];
        let leg = 1 + small::<u32>(random, 8);
        let turn = [None, Some(small(random, 16))][random.place(2)];
        let received = number(random);
        Self {
            id,
            leg,
            turn,
            received: if id.is_some() { received } else { 0 },
            next: number(random),
            wish: match random.below(8) {
                0 => Some(random.below(0x1_0000)),
                1 => Some(GREATEST),
                _ => None,
            },
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.id.map_or(0, |ours| 1 + u64::from(ours)), 4);
        put(bytes, u64::from(self.leg - 1), 8);
        put(bytes, u64::from(self.turn.unwrap_or(0)), 16);
        put(bytes, u64::from(self.turn.is_some()), 2);
        put_number(bytes, self.received);
        put_number(bytes, self.next);
        match self.wish {
            Some(GREATEST) => put(bytes, 1, 8),
            Some(wish) => {
                put(bytes, 0, 8);
                put(bytes, wish, 0x1_0000);
            }
            None => put(bytes, 2, 8),
        }
    }
}

impl Text {
    fn draw(random: &mut Random) -> Self {
        match random.below(8) {
            0 | 1 => Self::Publish,
            2 => Self::Faulty,
            3 => Self::Ping(random.below(8)),
            4 => Self::LongPing(random.below(8)),
            5 => Self::Pong,
            6 => Self::Ack(number(random), [None, Some(number(random))][random.place(2)]),
            _ => Self::Nonsense,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Publish => put(bytes, 0, 8),
            Self::Faulty => put(bytes, 2, 8),
            Self::Ping(value) | Self::LongPing(value) => {
                put(bytes, if matches!(self, Self::Ping(_)) { 3 } else { 4 }, 8);
                put(bytes, *value, 8);
            }
            Self::Pong => put(bytes, 5, 8),
            Self::Ack(received, next) => {
                put(bytes, 6, 8);
                put_number(bytes, *received);
                put_number(bytes, next.unwrap_or(0));
                put(bytes, u64::from(next.is_some()), 2);
            }
            Self::Nonsense => put(bytes, 7, 8),
        }
    }
}

impl Operation {
    /// The next operation that a fuzzer chose.
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(13) {
            0 => Self::Attach(random.pick(&Transport::ALL), Hello::draw(random), texts(random)),
            1 => Self::Send(Hello::draw(random), texts(random)),
            2 => Self::Frame(random.place(8), Text::draw(random)),
            3 => Self::Again(random.place(8), Hello::draw(random)),
            4 => Self::Push(random.pick(&LENGTHS)),
            5 => Self::Link,
            6 => Self::Offer(1 + small::<u8>(random, 7), random.below(5_000)),
            7 => Self::Closed(random.place(8)),
            8 => Self::Hurry(random.place(8)),
            9 => Self::EndLegs,
            10 => Self::Timeout,
            11 => Self::Later(random.below(0x1_0000)),
            _ => Self::Write([1, 50, 400, ALL_BYTES][random.place(4)]),
        }
    }

    /// Writes the bytes by which [`Self::draw`] makes this operation. The places of carriers must be below 8.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let mut begin = |kind| put(bytes, kind, 13);
        match self {
            Self::Attach(transport, hello, lines) => {
                begin(0);
                put(bytes, place_of(&Transport::ALL, transport), 3);
                hello.write(bytes);
                put_texts(bytes, lines);
            }
            Self::Send(hello, lines) => {
                begin(1);
                hello.write(bytes);
                put_texts(bytes, lines);
            }
            Self::Frame(place, text) => {
                begin(2);
                put(bytes, *place as u64, 8);
                text.write(bytes);
            }
            Self::Again(place, hello) => {
                begin(3);
                put(bytes, *place as u64, 8);
                hello.write(bytes);
            }
            Self::Push(length) => {
                begin(4);
                put(bytes, place_of(&LENGTHS, length), 4);
            }
            Self::Link => begin(5),
            Self::Offer(transports, jitter) => {
                begin(6);
                put(bytes, u64::from(transports - 1), 7);
                put(bytes, *jitter, 5_000);
            }
            Self::Closed(place) => {
                begin(7);
                put(bytes, *place as u64, 8);
            }
            Self::Hurry(place) => {
                begin(8);
                put(bytes, *place as u64, 8);
            }
            Self::EndLegs => begin(9),
            Self::Timeout => begin(10),
            Self::Later(milliseconds) => {
                begin(11);
                put(bytes, *milliseconds, 0x1_0000);
            }
            Self::Write(room) => {
                begin(12);
                put(bytes, place_of(&[1, 50, 400, ALL_BYTES], room), 4);
            }
        }
    }
}

impl Hello {
    pub(super) fn text(&self) -> String {
        let id = self.id.map_or(String::new(), |ours| format!(r#","id":"{}""#, if ours { "s1" } else { "s2" }));
        let turn = self.turn.map_or(String::new(), |turn| format!(r#","turn":{turn}"#));
        let wish = self.wish.map_or(String::new(), |wish| format!(r#","heartbeat_ms":{wish},"hold_ms":{wish}"#));
        format!(
            r#"{{"hello":{{"v":1,"session":"a-secret-of-22-or-more-xx","leg":{},"received":{},"next":{},"nonce":"n"{id}{turn}{wish}}}}}"#,
            self.leg, self.received, self.next
        )
    }
}

impl Text {
    pub(super) const fn is_numbered(&self) -> bool {
        matches!(self, Self::Publish | Self::Faulty)
    }

    /// A line says which number it has.
    pub(super) fn text(&self, number: u64) -> String {
        match self {
            Self::Publish => format!(r#"{{"pub":"a","id":{number},"data":{number}}}"#),
            Self::Faulty => format!(r#"{{"sub":"","id":{number}}}"#),
            Self::Ping(value) => format!(r#"{{"ping":{value}}}"#),
            Self::LongPing(value) => format!(r#"{{"ping":{value},"pad":"{}"}}"#, ".".repeat(2_000)),
            Self::Pong => r#"{"pong":1}"#.to_owned(),
            Self::Ack(received, None) => format!(r#"{{"ack":{received}}}"#),
            Self::Ack(received, Some(next)) => format!(r#"{{"ack":{received},"next":{next}}}"#),
            Self::Nonsense => "nonsense".to_owned(),
        }
    }
}

/// The body of a hello and lines, if it can be read and its hello comes as far as a session.
pub(super) fn read(hello: &Hello, lines: &[Text]) -> Option<body::Body> {
    let (mut text, mut number) = (hello.text(), hello.next);
    for line in lines {
        text.push('\n');
        text.push_str(&line.text(number));
        number += u64::from(line.is_numbered());
    }
    // Another incarnation's hello does not come this far.
    if hello.id == Some(false) { None } else { body::read(&Bytes::from(text)).ok() }
}

fn texts(random: &mut Random) -> Vec<Text> {
    (0..random.below(4)).map(|_| Text::draw(random)).collect()
}

fn put_texts(bytes: &mut Vec<u8>, lines: &[Text]) {
    put(bytes, lines.len() as u64, 4);
    lines.iter().for_each(|line| line.write(bytes));
}

/// A number of a line.
fn number(random: &mut Random) -> u64 {
    let number = random.below(SMALL + 1);
    if number == SMALL { GREATEST } else { number }
}

fn put_number(bytes: &mut Vec<u8>, number: u64) {
    put(bytes, number.min(SMALL), SMALL + 1);
}

fn small<N: TryFrom<u64> + Default>(random: &mut Random, bound: u64) -> N {
    N::try_from(random.below(bound)).unwrap_or_default()
}

fn place_of<T: PartialEq>(among: &[T], one: &T) -> u64 {
    among.iter().position(|other| other == one).unwrap_or(0) as u64
}

/// The bytes by which [`Random::below`] with this bound gives this number.
fn put(bytes: &mut Vec<u8>, number: u64, bound: u64) {
    bytes.extend_from_slice(&number.to_le_bytes()[..bytes_below(bound)]);
}

#[test]
fn a_written_operation_is_drawn_again() {
    for seed in 0..2_000 {
        let operation = Operation::draw(&mut Random::new(seed));
        let mut bytes = Vec::new();
        operation.write(&mut bytes);
        let mut random = Random::of(&bytes);
        assert_eq!((Operation::draw(&mut random), random.has_choices()), (operation, false));
    }
}
