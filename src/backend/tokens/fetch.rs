//! Fetches a key set over HTTP: one request, without redirects, in bounded time and size.
//!
//! It must never decide when.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs::default_provider;

use super::url::KeySetUrl;

/// The longest time of a fetch.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document.
const BODY_BYTES: usize = 256 * 1024;

/// A client for one key set.
pub(super) struct Fetcher {
    url: KeySetUrl,
    client: Scheme,
}

enum Scheme {
    Http(Client<HttpConnector, Empty<Bytes>>),
    Https(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>),
}

/// A document, and how long its server wants it to be kept.
pub(super) struct Document {
    pub(super) body: Bytes,
    pub(super) max_age: Option<Duration>,
}

/// Why no document came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfetched {
    #[error("no answer came within {} s", TIMEOUT.as_secs())]
    Slow,
    #[error("{}", causes(.0))]
    Request(#[source] hyper_util::client::legacy::Error),
    #[error("the answer has the status {0}")]
    Status(StatusCode),
    #[error("the body broke off, or has more than {BODY_BYTES} bytes")]
    Body,
}

impl Fetcher {
    /// Returns a client for this address.
    ///
    /// # Errors
    /// This machine has no root certificates, and the address needs them.
    pub(super) fn new(url: KeySetUrl) -> io::Result<Self> {
        // A fetch is rare, so no connection waits for the next one.
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let client = if url.is_plain() {
            Scheme::Http(builder.build(HttpConnector::new()))
        } else {
            // Without a provider of its own, rustls would panic in an application that enables two.
            let connector =
                HttpsConnectorBuilder::new().with_provider_and_native_roots(Arc::new(default_provider()))?;
            Scheme::Https(builder.build(connector.https_only().enable_http1().build()))
        };
        Ok(Self { url, client })
    }

    pub(super) const fn url(&self) -> &KeySetUrl {
        &self.url
    }

    /// Fetches the document. A redirect is a failure, because it could leave the configured server.
    pub(super) async fn fetch(&self) -> Result<Document, Unfetched> {
        tokio::time::timeout(TIMEOUT, self.whole()).await.unwrap_or(Err(Unfetched::Slow))
    }

    async fn whole(&self) -> Result<Document, Unfetched> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.url.uri().clone();
        request.headers_mut().insert(ACCEPT, hyper::header::HeaderValue::from_static("application/json"));
        let answer = match &self.client {
            Scheme::Http(client) => client.request(request),
            Scheme::Https(client) => client.request(request),
        };
        let (head, body) = answer.await.map_err(Unfetched::Request)?.into_parts();
        if head.status != StatusCode::OK {
            return Err(Unfetched::Status(head.status));
        }
        let body = Limited::new(body, BODY_BYTES).collect().await.map_err(|_| Unfetched::Body)?.to_bytes();
        Ok(Document { body, max_age: max_age(&head.headers) })
    }
}

/// Reads `max-age` from `Cache-Control`.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers.get_all(CACHE_CONTROL).iter().filter_map(|field| field.to_str().ok());
    let mut directives = fields.flat_map(|field| field.split(','));
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok())?
    });
    seconds.map(Duration::from_secs)
}

/// Joins an error and all that caused it. The error itself says only which step failed.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_document_is_a_directive_of_its_own() {
        let read = |text: &str| max_age(&HeaderMap::from_iter([(CACHE_CONTROL, text.parse().unwrap())]));
        for text in ["max-age=600", "public, Max-Age=600", "public,max-age=\"600\", must-revalidate"] {
            assert_eq!(read(text), Some(Duration::from_secs(600)), "{text}");
        }
        for text in ["no-store", "max-age", "max-age=x", "s-maxage=600", "max-age=-1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
