//! The lines of a POST's body: a hello first, then link frames and numbered lines.

use bytes::Bytes;

use super::code::{Limit, Mistake, Refusal};
use super::frame::RawFrame;
use super::limits;
use super::up::{Hello, Up};

/// The body of a POST, read but not yet handed to a session.
#[derive(Debug)]
pub struct Body {
    /// The hello that names session and leg.
    pub hello: Hello,
    /// The frames behind it.
    pub frames: Vec<Up>,
}

/// Reads a whole body. One bad line refuses all of it.
///
/// # Errors
/// `bad_frame`, `too_large` or `unauthorized`, with the hello's nonce. An unreadable hello may still have a nonce.
/// It counts only if no line follows that hello, because a client blames a line for such a refusal.
pub fn read(body: &Bytes) -> Result<Body, (Option<super::Nonce>, Refusal)> {
    let mut lines = split(body);
    let first = lines.next().ok_or_else(|| (None, Mistake::EmptyBody.into()))?;
    let hello = Up::read(&first).map_err(|refusal| {
        let nonce = if lines.next().is_none() { Hello::nonce_of(&first) } else { None };
        (nonce, refusal)
    })?;
    let Up::Hello(hello) = hello else {
        return Err((None, Mistake::BodyWithoutHello.into()));
    };
    let refused = |refusal| (Some(hello.nonce.clone()), refusal);
    let mut frames = Vec::new();
    while let Some(line) = lines.next() {
        if frames.len() == limits::BODY_LINES {
            let many = frames.len() + 1 + lines.count();
            return Err(refused(Limit::BodyLines(many).into()));
        }
        match Up::read(&line).map_err(refused)? {
            Up::Hello(_) => {
                return Err(refused(Mistake::SecondHello.into()));
            }
            frame => frames.push(frame),
        }
    }
    Ok(Body { hello, frames })
}

/// Splits a body or an answer into its lines. One newline at the very end belongs to the last line.
pub fn split(body: &Bytes) -> impl Iterator<Item = RawFrame> + '_ {
    let mut rest = body.strip_suffix(b"\n").unwrap_or(body);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = RawFrame::text(body.slice_ref(&rest[..end]));
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::{BadHello, Reason};

    const HELLO: &str =
        r#"{"hello":{"v":1,"session":"aaaaaaaaaaaaaaaaaaaaaaaa","leg":1,"received":0,"next":1,"nonce":"n"}}"#;

    #[test]
    fn a_body_is_a_hello_and_lines() {
        let body = read(&format!("{HELLO}\n{{\"ping\":5}}\n{{\"sub\":\"a\",\"id\":1}}\n").into()).unwrap();
        assert_eq!(body.frames.len(), 2);
    }

    #[test]
    fn a_refusal_of_a_hello_alone_has_its_nonce() {
        let refused =
            |text: String| read(&text.into()).map(|_| ()).map_err(|(nonce, refusal)| (nonce.is_some(), refusal));
        let why = |why: BadHello| Refusal::from(Mistake::from(why));
        let bad = HELLO.replace("\"nonce\"", "\"token\":7,\"nonce\"");
        assert_eq!(refused(bad.clone()), Err((true, why(BadHello::Token))));
        assert_eq!(refused(format!("{bad}\n{{\"ping\":1}}")), Err((false, why(BadHello::Token))));
        assert_eq!(refused(HELLO.replace("\"v\":1", "\"v\":2")), Err((true, why(BadHello::Version))));
    }

    #[test]
    fn a_bad_body_is_refused_whole() {
        let bad = |text: String, why: Reason| assert_eq!(*read(&text.into()).unwrap_err().1.reason(), why);
        bad(String::new(), Mistake::EmptyBody.into());
        bad("{\"ping\":1}".into(), Mistake::BodyWithoutHello.into());
        bad(format!("{HELLO}\n{HELLO}"), Mistake::SecondHello.into());
        bad(format!("{HELLO}\r\n"), Mistake::LineBreak.into());
        let many = limits::BODY_LINES + 1;
        bad(format!("{HELLO}\n{}", "{\"ping\":1}\n".repeat(many)), Limit::BodyLines(many).into());
        let (_, blank) = read(&format!("{HELLO}\n\n{{\"ping\":1}}").into()).unwrap_err();
        assert!(matches!(blank.reason(), Reason::Mistake(Mistake::NotAFrame(_))), "{blank}");
    }
}
