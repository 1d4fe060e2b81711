//! Serves the files that are embedded in the binary: with a tag, and compressed for a client that accepts gzip.
//!
//! A file changes only with the binary. So a browser loads it once, keeps it, and asks each time whether it is still
//! current.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::sync::OnceLock;

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use include_dir::Dir;

use super::page::missing;

/// The shortest file, in bytes, that is compressed. A shorter one fits a packet uncompressed.
const GZIP_FROM: usize = 1_024;

/// Folders of files. If several hold a file of the same path, the first folder answers.
pub struct Files {
    folders: &'static [Dir<'static>],
    ready: OnceLock<HashMap<&'static str, File>>,
}

/// A file, and its compressed form if that is shorter.
struct File {
    kind: &'static str,
    plain: Body,
    gzip: Option<Body>,
}

struct Body {
    tag: String,
    bytes: Bytes,
}

impl Files {
    /// Returns the files of these folders. It reads none before the first request.
    #[must_use]
    pub const fn new(folders: &'static [Dir<'static>]) -> Self {
        Self { folders, ready: OnceLock::new() }
    }

    /// Answers a request with these headers for the file at this path.
    pub fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let Some(file) = self.ready.get_or_init(|| prepare(self.folders)).get(path) else {
            return missing(headers, "no such file");
        };
        let (body, coding) = match &file.gzip {
            Some(gzip) if takes_gzip(headers) => (gzip, Some((CONTENT_ENCODING, "gzip"))),
            _ => (&file.plain, None),
        };
        let common: [(HeaderName, &str); 3] =
            [(ETAG, &body.tag), (CACHE_CONTROL, "no-cache"), (VARY, ACCEPT_ENCODING.as_str())];
        if knows(headers, &body.tag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let response = (common, [(CONTENT_TYPE, file.kind)], body.bytes.clone()).into_response();
        match coding {
            Some(coding) => ([coding], response).into_response(),
            None => response,
        }
    }
}

fn prepare(folders: &'static [Dir<'static>]) -> HashMap<&'static str, File> {
    let mut files = HashMap::new();
    // The first folder comes last, so that its files replace the others.
    for folder in folders.iter().rev() {
        enter(folder, &mut files);
    }
    files
}

fn enter(folder: &'static Dir<'static>, files: &mut HashMap<&'static str, File>) {
    for file in folder.files() {
        let Some(path) = file.path().to_str() else { continue };
        let content = file.contents();
        let tag = tag(content);
        let gzip = (content.len() >= GZIP_FROM).then(|| gzip(content)).flatten();
        let gzip = gzip.map(|bytes| Body { tag: format!("\"{tag}-gzip\""), bytes: bytes.into() });
        let plain = Body { tag: format!("\"{tag}\""), bytes: Bytes::from_static(content) };
        files.insert(path, File { kind: kind(path), plain, gzip });
    }
    folder.dirs().for_each(|below| enter(below, files));
}

/// Compresses a file by gzip. Returns `None` if the result is no shorter. One result serves all clients, so this uses
/// the slowest level.
fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut shorter = Vec::new();
    GzEncoder::new(content, Compression::best()).read_to_end(&mut shorter).ok()?;
    (shorter.len() < content.len()).then_some(shorter)
}

/// Returns the tag of a content. Another content has another tag.
fn tag(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "js" => "text/javascript; charset=utf-8",
        // The types of the client, for people to read.
        "ts" => "text/plain; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Returns true if the client has the file already (RFC 9110, section 13.1.2). A proxy that compressed the answer has
/// made the tag weak.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// Returns true if the answer to a request may be gzip (RFC 9110, section 12.5.3).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        gzip && !parts.any(|weight| weight.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()))
    })
}
