//! Replays the exchanges of PROTOCOL.md against a gateway. The client's bytes are the document's. The gateway's bytes
//! must be the document's too, except for ids, epochs and dates.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use crate::gateway::Gateway;
use crate::{file, markdown};

#[test]
fn the_exchange_over_a_websocket_is_what_happens() {
    replay("websocket");
}

#[test]
fn the_exchange_over_sse_with_post_is_what_happens() {
    replay("sse");
}

#[test]
fn the_exchange_over_long_poll_is_what_happens() {
    replay("poll");
}

#[test]
fn the_exchange_of_a_plain_event_stream_is_what_happens() {
    replay("plain");
}

fn replay(exchange: &str) {
    let (blocks, _) = markdown::split(&file("PROTOCOL.md"));
    let gateway = Gateway::start(&[]);
    let mut names = Names::default();
    let mut connections: HashMap<String, Connection> = HashMap::new();
    let mut replayed = 0;
    for block in blocks.iter().filter(|block| block.attribute("exchange") == Some(exchange)) {
        let name = block.attribute("connection").expect("a connection");
        let connection = connections.entry(name.to_owned()).or_insert_with(|| Connection::new(gateway.connect()));
        // Consecutive lines in one direction form one step.
        for step in block.lines.chunk_by(|a, b| a[..1] == b[..1]) {
            let lines: Vec<&str> = step.iter().map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..])).collect();
            let place = format!("PROTOCOL.md:{}, connection {name}, {:?}", block.line, step[0]);
            if step[0].starts_with('>') {
                connection.send(&lines, &names);
            } else {
                connection.expect(&lines, &mut names, &place);
            }
            replayed += 1;
        }
    }
    assert!(replayed > 8, "only {replayed} steps of {exchange} were found");
}

/// The ids and epochs of the document, and their values in this run.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    /// Returns the text with this run's ids.
    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (documented, real) in &self.0 {
            text = text.replace(documented, real);
        }
        text
    }

    /// Checks that both texts agree, except for ids, and that each id always has the same value.
    fn compare(&mut self, documented: &str, real: &str, place: &str) {
        let (shape, names) = blanked(documented);
        let (real_shape, real_names) = blanked(real);
        assert_eq!(shape, real_shape, "{place}");
        for (documented, real) in names.into_iter().zip(real_names) {
            let known = self.0.entry(documented).or_insert_with(|| real.clone());
            assert_eq!(*known, real, "{place}: a different id than before");
        }
    }
}

/// Returns a text without its ids and its date, and the ids. An id is a run of 36, 32 or, for a network, 16 hexadecimal
/// digits and dashes.
fn blanked(text: &str) -> (String, Vec<String>) {
    let is_id = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let (mut shape, mut names) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find(is_id) {
        let (before, run) = rest.split_at(start);
        let (run, after) = run.split_at(run.find(|letter| !is_id(letter)).unwrap_or(run.len()));
        shape.push_str(before);
        if matches!(run.len(), 16 | 32 | 36) {
            shape.push_str("(id)");
            names.push(run.to_owned());
        } else {
            shape.push_str(run);
        }
        rest = after;
    }
    shape.push_str(rest);
    let undated: Vec<&str> =
        shape.split('\n').map(|line| if line.starts_with("date: ") { "date: …" } else { line }).collect();
    (undated.join("\n"), names)
}

/// The state of a connection.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// One request after the other.
    Requests,
    /// The answer to the last request is an open stream.
    Stream,
    WebSocket,
}

struct Connection {
    socket: TcpStream,
    unread: Vec<u8>,
    /// The bytes of an open stream's chunks that were read.
    events: Vec<u8>,
    form: Form,
    awaits_answer: bool,
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        Self { socket, unread: Vec::new(), events: Vec::new(), form: Form::Requests, awaits_answer: false }
    }

    fn send(&mut self, lines: &[&str], names: &Names) {
        let lines: Vec<String> = lines.iter().map(|line| names.translate(line)).collect();
        if self.form == Form::WebSocket {
            for line in lines {
                self.write(&masked(line.as_bytes()));
            }
            return;
        }
        self.awaits_answer = true;
        let request = match lines[0].strip_suffix(" HTTP/1.1") {
            Some(_) => whole(&lines),
            None => shortened(&lines),
        };
        self.write(request.as_bytes());
    }

    fn expect(&mut self, lines: &[&str], names: &mut Names, place: &str) {
        let mut lines = lines;
        if std::mem::take(&mut self.awaits_answer) {
            let head = self.head();
            let documented = lines.iter().take_while(|line| !line.is_empty());
            if lines[0].starts_with("HTTP/1.1 ") {
                let documented: Vec<&str> = documented.copied().collect();
                names.compare(&documented.join("\n"), &head, place);
                lines = &lines[documented.len() + 1..];
            } else {
                let status = head.split(' ').nth(1).unwrap_or_default();
                assert_eq!(lines[0], status, "{place}");
                lines = &lines[1..];
            }
            if head.starts_with("HTTP/1.1 101 ") {
                self.form = Form::WebSocket;
            } else if head.contains("text/event-stream") {
                self.form = Form::Stream;
            } else {
                let length = header(&head, "content-length").expect("a length");
                let body = self.take(length);
                names.compare(&format!("{}\n", lines.join("\n")), &body, place);
                return;
            }
        }
        match self.form {
            Form::WebSocket => {
                for line in lines {
                    let message = self.message();
                    names.compare(line, &message, place);
                }
            }
            Form::Stream => {
                let documented = format!("{}\n", lines.join("\n"));
                while self.events.len() < documented.len() {
                    let chunk = self.chunk();
                    self.events.extend_from_slice(&chunk);
                }
                let rest = self.events.split_off(documented.len());
                let events = String::from_utf8(std::mem::replace(&mut self.events, rest));
                names.compare(&documented, &events.expect("UTF-8"), place);
            }
            Form::Requests => panic!("{place}: nothing was asked on this connection"),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the gateway reads");
    }

    /// Reads until `length` bytes are there, and returns them.
    fn take(&mut self, length: usize) -> String {
        while self.unread.len() < length {
            self.more();
        }
        let rest = self.unread.split_off(length);
        String::from_utf8(std::mem::replace(&mut self.unread, rest)).expect("UTF-8")
    }

    /// Reads up to the next of these bytes, and returns the text before it.
    fn until(&mut self, end: &str) -> String {
        loop {
            let found = self.unread.windows(end.len()).position(|bytes| bytes == end.as_bytes());
            if let Some(place) = found {
                let mut text = self.take(place + end.len());
                text.truncate(place);
                return text;
            }
            self.more();
        }
    }

    fn more(&mut self) {
        let mut buffer = [0; 4096];
        let read = loop {
            match self.socket.read(&mut buffer) {
                // Another test's gateway ended. A signal interrupts reads with a timeout.
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                read => break read.expect("an answer in time"),
            }
        };
        assert!(read > 0, "the gateway closed the connection");
        self.unread.extend_from_slice(&buffer[..read]);
    }

    fn head(&mut self) -> String {
        self.until("\r\n\r\n").replace("\r\n", "\n")
    }

    fn chunk(&mut self) -> Vec<u8> {
        let size = self.until("\r\n");
        let size = usize::from_str_radix(&size, 16).expect("a chunk's size");
        let chunk = self.take(size);
        self.take(2);
        chunk.into_bytes()
    }

    /// Reads a text message shorter than 64 KB.
    fn message(&mut self) -> String {
        // These bytes are not text yet: lengths need not be UTF-8.
        while self.unread.len() < 4 {
            self.more();
        }
        assert_eq!(self.unread[0], 0x81, "not a whole text message");
        let (head, length) = match self.unread[1] {
            126 => (4, usize::from(u16::from_be_bytes([self.unread[2], self.unread[3]]))),
            short => (2, usize::from(short)),
        };
        self.unread.drain(..head);
        self.take(length)
    }
}

/// Returns a request with a head in the document. Its length must be true.
fn whole(lines: &[String]) -> String {
    let end = lines.iter().position(String::is_empty).unwrap_or(lines.len());
    let (head, body) = lines.split_at(end);
    let body: String = body.iter().skip(1).map(|line| format!("{line}\n")).collect();
    let head = head.join("\n");
    let length = header(&head, "content-length").unwrap_or(0);
    assert_eq!(length, body.len(), "Content-Length of {head}");
    format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n"))
}

/// Returns a request without a head in the document: `POST /rt/send`, then the body.
fn shortened(lines: &[String]) -> String {
    let body: String = lines[1..].iter().map(|line| format!("{line}\n")).collect();
    format!(
        "{} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        lines[0],
        body.len()
    )
}

fn header(head: &str, name: &str) -> Option<usize> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.parse().ok())
}

/// Returns a client's text message. Any mask works.
fn masked(payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![0x81];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            let length = u16::try_from(payload.len()).expect("a short message");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
