//! An HTTP/1.1 response, as far as it has come: bytes to parts. Pure.
//!
//! Httparse reads its head. The decoder knows the two ways in which a gateway's answers are delimited, and accepts no
//! length above its bounds. It must never know what an answer means.

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest head that is read.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;
/// The longest line that says how long a chunk is.
const CHUNK_LINE: usize = 128;

/// A part of a response, in the order in which the parts come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The status.
    Head(u16),
    /// A piece of the body.
    Piece(Bytes),
    /// The response is whole. `keeps` says whether the connection may carry another.
    End { keeps: bool },
}

/// The error for bytes that are no HTTP response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Head,
    /// So many bytes of the body.
    Body(u64),
    /// A chunk's length.
    Chunk,
    /// So many bytes of a chunk.
    ChunkBody(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Lines until an empty one.
    Trailer,
    End,
}

/// Reads one response after the other.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The bytes that were read but not yet given out. The owner of the socket reads into it.
    pub(super) buffer: BytesMut,
    expect: Expect,
    keeps: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { buffer: BytesMut::new(), expect: Expect::Head, keeps: true }
    }

    /// Returns the next part, if it has come.
    ///
    /// # Errors
    /// [`Foreign`]; nothing more can be read then.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Foreign> {
        loop {
            match self.expect {
                Expect::Head => return self.head(),
                Expect::Body(0) => self.expect = Expect::End,
                Expect::Body(left) => {
                    return Ok(self.piece(left).map(|(piece, left)| self.after(piece, Expect::Body(left))));
                }
                Expect::ChunkBody(0) => self.expect = Expect::ChunkEnd,
                Expect::ChunkBody(left) => {
                    return Ok(self.piece(left).map(|(piece, left)| self.after(piece, Expect::ChunkBody(left))));
                }
                Expect::Chunk => match self.line()? {
                    None => return Ok(None),
                    Some(line) => {
                        let length = chunk_length(&line)?;
                        self.expect = if length == 0 { Expect::Trailer } else { Expect::ChunkBody(length) };
                    }
                },
                Expect::ChunkEnd => match self.line()? {
                    None => return Ok(None),
                    Some(line) if line.is_empty() => self.expect = Expect::Chunk,
                    Some(_) => return Err(Foreign),
                },
                Expect::Trailer => match self.line()? {
                    None => return Ok(None),
                    Some(line) if line.is_empty() => self.expect = Expect::End,
                    Some(_) => {}
                },
                Expect::End => {
                    self.expect = Expect::Head;
                    return Ok(Some(Part::End { keeps: self.keeps }));
                }
            }
        }
    }

    fn head(&mut self) -> Result<Option<Part>, Foreign> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(&self.buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if self.buffer.len() < HEAD => return Ok(None),
            _ => return Err(Foreign),
        };
        let status = response.code.ok_or(Foreign)?;
        let value = |name: &str| {
            let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok()).map(str::trim)
        };
        self.keeps = !value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.expect = match value("content-length") {
            _ if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) => {
                Expect::Chunk
            }
            Some(length) => Expect::Body(length.parse().map_err(|_| Foreign)?),
            None if status == 204 => Expect::Body(0),
            None => return Err(Foreign),
        };
        self.buffer.advance(length);
        Ok(Some(Part::Head(status)))
    }

    fn piece(&mut self, left: u64) -> Option<(Bytes, u64)> {
        if self.buffer.is_empty() {
            return None;
        }
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
        Some((self.buffer.split_to(take).freeze(), left - take as u64))
    }

    fn after(&mut self, piece: Bytes, expect: Expect) -> Part {
        self.expect = expect;
        Part::Piece(piece)
    }

    fn line(&mut self) -> Result<Option<Bytes>, Foreign> {
        match memchr::memchr(b'\n', &self.buffer) {
            None if self.buffer.len() < CHUNK_LINE => Ok(None),
            Some(end) if end < CHUNK_LINE => {
                let mut line = self.buffer.split_to(end + 1).freeze();
                line.truncate(end);
                if line.last() == Some(&b'\r') {
                    line.truncate(end - 1);
                }
                Ok(Some(line))
            }
            _ => Err(Foreign),
        }
    }
}

fn chunk_length(line: &[u8]) -> Result<u64, Foreign> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).map_err(|_| Foreign)?;
    u64::from_str_radix(digits.trim(), 16).map_err(|_| Foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads these bytes in pieces of this size. Returns the parts, with neighbouring pieces joined.
    fn read(bytes: &[u8], step: usize) -> Result<Vec<Part>, Foreign> {
        let mut decoder = Decoder::new();
        let mut parts: Vec<Part> = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.buffer.extend_from_slice(piece);
            while let Some(part) = decoder.next()? {
                match (parts.last_mut(), part) {
                    (Some(Part::Piece(before)), Part::Piece(piece)) => {
                        *before = [&before[..], &piece[..]].concat().into();
                    }
                    (_, part) => parts.push(part),
                }
            }
        }
        Ok(parts)
    }

    #[test]
    fn a_body_is_delimited_by_its_length_or_by_chunks_however_it_comes() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
            HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n\
            HTTP/1.1 204 Nothing\r\n\r\n";
        let expected = [
            Part::Head(200),
            Part::Piece(Bytes::from_static(b"hello")),
            Part::End { keeps: true },
            Part::Head(403),
            Part::Piece(Bytes::from_static(b"abcde")),
            Part::End { keeps: false },
            Part::Head(204),
            Part::End { keeps: true },
        ];
        for step in 1..bytes.len() {
            assert_eq!(read(bytes, step).unwrap(), expected, "in pieces of {step}");
        }
    }

    #[test]
    fn bytes_that_are_no_response_are_reported_and_never_waited_for() {
        for bad in [
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ] {
            assert_eq!(read(bad.as_bytes(), 7), Err(Foreign), "{bad:?}");
        }
        assert_eq!(read(&[b'x'; HEAD + 1], 1000), Err(Foreign));
    }
}
