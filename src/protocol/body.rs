//! The lines of a POST's body: a hello first, then link frames and numbered lines.

use bytes::Bytes;

use super::code::{Code, Refusal};
use super::frame::RawFrame;
use super::limits;
use super::up::{Hello, Up};

/// A POST's body, read but not yet taken.
#[derive(Debug)]
pub struct Body {
    /// The hello that names session and leg.
    pub hello: Hello,
    /// What follows it.
    pub frames: Vec<Up>,
}

/// Reads a whole body. Nothing of it is taken when any line of it is bad.
///
/// # Errors
/// `bad_frame`, `too_large` or `unauthorized`, with the hello's nonce. A hello that cannot be read may still have one; it counts only
/// if no line is behind that hello, since a client takes such a refusal for the fault of a line.
pub fn read(body: &Bytes) -> Result<Body, (Option<super::Nonce>, Refusal)> {
    let mut lines = split(body);
    let first = lines.next().ok_or_else(|| (None, Refusal::bad_frame("an empty body; a hello must come first")))?;
    let hello = Up::read(&first).map_err(|refusal| {
        let nonce = if lines.next().is_none() { Hello::nonce_of(&first) } else { None };
        (nonce, refusal)
    })?;
    let Up::Hello(hello) = hello else {
        return Err((None, Refusal::bad_frame("the first line of a body must be a hello")));
    };
    let refused = |refusal| (Some(hello.nonce.clone()), refusal);
    let mut frames = Vec::new();
    while let Some(line) = lines.next() {
        if frames.len() == limits::BODY_LINES {
            let many = frames.len() + 1 + lines.count();
            let message = format!("a body of {many} lines behind its hello; the limit is {}", limits::BODY_LINES);
            return Err(refused(Refusal::new(Code::TooLarge, message)));
        }
        match Up::read(&line).map_err(refused)? {
            Up::Hello(_) => {
                return Err(refused(Refusal::bad_frame("a body has one hello, its first line")));
            }
            frame => frames.push(frame),
        }
    }
    Ok(Body { hello, frames })
}

/// The lines of a body or of an answer; one newline at the very end belongs to the last line.
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
            |text: String| read(&text.into()).map(|_| ()).map_err(|(nonce, refusal)| (nonce.is_some(), refusal.code));
        let bad = HELLO.replace("\"nonce\"", "\"token\":7,\"nonce\"");
        assert_eq!(refused(bad.clone()), Err((true, Code::Unauthorized)));
        assert_eq!(refused(format!("{bad}\n{{\"ping\":1}}")), Err((false, Code::Unauthorized)));
        assert_eq!(refused(HELLO.replace("\"v\":1", "\"v\":2")), Err((true, Code::BadFrame)));
    }

    #[test]
    fn a_bad_body_is_refused_whole() {
        let bad = |text: String, code: Code| assert_eq!(read(&text.into()).unwrap_err().1.code, code);
        bad(String::new(), Code::BadFrame);
        bad("{\"ping\":1}".into(), Code::BadFrame);
        bad(format!("{HELLO}\n{HELLO}"), Code::BadFrame);
        bad(format!("{HELLO}\n\n{{\"ping\":1}}"), Code::BadFrame);
        bad(format!("{HELLO}\r\n"), Code::BadFrame);
        bad(format!("{HELLO}\n{}", "{\"ping\":1}\n".repeat(limits::BODY_LINES + 1)), Code::TooLarge);
    }
}
