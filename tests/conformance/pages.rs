//! The gateway's pages and files for browsers: the client in one file or in its sources, and the pages for people.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use hyper::Method;

use crate::gateway::Running;
use crate::http::{self, Answer};

async fn get(gateway: &Running, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = http::request(Method::GET, path, Bytes::new());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    http::exchange(gateway.address, request).await
}

#[tokio::test]
async fn the_client_is_there_as_a_script_a_module_and_its_sources() {
    let gateway = Running::start().await;
    for (file, holds) in
        [("throughline.min.js", "var throughline="), ("throughline.esm.min.js", "as connect"), ("index.js", "export")]
    {
        let answer = get(&gateway, &format!("/rt/client/{file}"), &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=utf-8"), "{file}");
        assert!(answer.body.contains(holds), "{file}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let gateway = Running::start().await;
    for path in ["/rt/client/throughline.min.js", "/rt/client/index.js", "/doctor", "/doctor/base.css"] {
        let first = get(&gateway, path, &[]).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{path}: {tag}");
        assert_eq!(first.header("cache-control"), "no-cache", "{path}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = get(&gateway, path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, &*again.body), (304, ""), "{path} {known}");
            assert_eq!((again.header("etag"), again.header("cache-control")), (&*tag, "no-cache"));
        }
        let other = get(&gateway, path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!((other.status, other.body), (200, first.body), "{path}");
    }
}

#[tokio::test]
async fn a_file_is_compressed_for_a_client_that_accepts_gzip_and_then_has_another_tag() {
    let gateway = Running::start().await;
    let path = "/rt/client/throughline.esm.min.js";
    let plain = get(&gateway, path, &[("accept-encoding", "br, gzip;q=0")]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let mut request = http::request(Method::GET, path, Bytes::new());
    request.headers_mut().insert("accept-encoding", "br, gzip".parse().unwrap());
    let opened = http::open(gateway.address, request).await;
    let headers = opened.response.headers().clone();
    let header = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(header("content-encoding"), ["gzip"]);
    assert!(header("vary").iter().any(|names| names.contains("accept-encoding")), "{headers:?}");
    assert_ne!(header("etag"), [plain.header("etag")]);
    let bytes = opened.response.into_body().collect().await.unwrap().to_bytes();
    let mut inflated = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut inflated).unwrap();
    assert!(inflated == plain.body && bytes.len() * 2 < inflated.len(), "{} bytes", bytes.len());
    let again = [("accept-encoding", "gzip"), ("if-none-match", header("etag")[0])];
    assert_eq!(get(&gateway, path, &again).await.status, 304);
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_a_browser_and_json_for_other_clients() {
    let gateway = Running::start().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/nothing", "/rt", "/rt/nothing", "/rt/client/nothing.js", "/doctor/nothing", "/index.html"] {
        let page = get(&gateway, path, &[("accept", browser)]).await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(page.body.contains("Nothing is here") && page.body.contains("href=\"/\""), "{path}: {}", page.body);
        for other in ["*/*", "application/json", "text/event-stream", "text/htmlx"] {
            get(&gateway, path, &[("accept", other)]).await.is_error(404, "not_found");
        }
    }
}

#[tokio::test]
async fn the_start_page_states_the_version_and_shows_and_links_to_the_chat() {
    let gateway = Running::start().await;
    let start = get(&gateway, "/", &[]).await;
    assert!(start.body.contains(concat!("Version ", env!("CARGO_PKG_VERSION"))), "{}", start.body);
    for shown in ["href=\"chat\"", "connection.channel('chat')", "throughline.min.js"] {
        assert!(start.body.contains(shown), "{shown}: {}", start.body);
    }
    let chat = get(&gateway, "/chat", &[]).await;
    assert!(chat.body.contains("charset") && chat.body.contains("/rt/client/throughline.esm.min.js"), "{}", chat.body);
    let icon = get(&gateway, "/favicon.ico", &[]).await;
    assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
}
