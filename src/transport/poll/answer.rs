//! A poll's answer: its head, if the carrier writes it, and its compression.

use std::time::SystemTime;

use axum::http::HeaderMap;

use crate::protocol::deflate;

/// A shorter answer, in bytes, is not compressed: it fits a packet as it is, with its headers.
const GZIP_FROM: usize = 1_024;

/// The length and the date, in bytes, at most.
const LENGTH_AND_DATE: usize = 128;

/// The head of an answer that a carrier writes. The poll makes it while it waits: once there are lines, a thousand
/// other polls may need their answers too.
pub(in crate::transport) struct Head {
    status_and_headers: Box<[u8]>,
    /// The answer may be compressed.
    gzip: bool,
}

impl Head {
    pub(super) fn new(headers: &HeaderMap, gzip: bool) -> Self {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        for (name, value) in headers {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(piece);
            }
        }
        Self { status_and_headers: head.into(), gzip }
    }

    /// Puts the head of the answer before its lines, which may become shorter.
    pub(super) fn put_before(&self, gathered: &mut Vec<u8>) {
        let mut head = Vec::with_capacity(self.status_and_headers.len() + LENGTH_AND_DATE);
        head.extend_from_slice(&self.status_and_headers);
        if let Some(zipped) = zipped(gathered, self.gzip) {
            head.extend_from_slice(b"content-encoding: gzip\r\n");
            *gathered = zipped;
        }
        let date = httpdate::fmt_http_date(SystemTime::now());
        head.extend_from_slice(format!("content-length: {}\r\ndate: {date}\r\n\r\n", gathered.len()).as_bytes());
        gathered.splice(..0, head);
    }
}

/// The lines compressed by gzip. None if that is not allowed, if they are short, or if they become no shorter.
pub(super) fn zipped(lines: &[u8], gzip: bool) -> Option<Vec<u8>> {
    (gzip && lines.len() >= GZIP_FROM).then(|| deflate::gzip(lines)).flatten()
}
