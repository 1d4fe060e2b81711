//! `throughline demo`: the gateway, a page to try it, and hostile networks to stand behind. Loopback only.
//!
//! A visitor's network is a *front*: a port of netlab that forwards to the gateway. Each tab of the page makes a front
//! of its own, and changes it while its session runs. So do the end-to-end tests.

mod fronts;
mod plain;
mod transports;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::get;
use include_dir::include_dir;

use self::fronts::Fronts;
use super::serve::{listen, on_a_runtime, serve};
use super::{say, usage};
use crate::server::config::Config;
use crate::server::{Files, Gateway, SHARED};

static PAGE: Files = Files::new(&[include_dir!("$CARGO_MANIFEST_DIR/src/pages/demo"), SHARED]);

/// Few enough for the open files that any system allows, so that a visitor's first line is no warning.
const CONNECTIONS: usize = 900;

pub(super) fn run(address: SocketAddr) -> ExitCode {
    if !address.ip().is_loopback() {
        return usage(&format!("the demo opens hostile networks and listens on loopback only, not on {address}"));
    }
    on_a_runtime(async move {
        let mut config = Config::default();
        config.server.listen = address;
        config.limits.connections = CONNECTIONS;
        let listener = listen(&config)?;
        let fronts = Arc::new(Fronts::new(listener.local_addr()?));
        let gateway = Gateway::new(config);
        let routes = pages()
            .merge(fronts::routes(&fronts))
            .merge(transports::routes(gateway.handle()))
            .merge(plain::routes(gateway.handle()));
        let gateway = gateway.start_page(routes);
        serve_demo(gateway, listener).await
    })
}

async fn serve_demo(gateway: Gateway, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let served = serve(gateway, listener);
    tokio::pin!(served);
    // The first line is the address. The gateway prints it before its first wait.
    let said = futures::future::poll_fn(|cx| std::task::Poll::Ready(served.as_mut().poll(cx))).await;
    say(&format!(
        "open http://{address}/ in a browser; clients are not authenticated, so this listens on this machine only"
    ));
    match said {
        std::task::Poll::Ready(outcome) => outcome,
        std::task::Poll::Pending => served.await,
    }
}

fn pages() -> Router {
    Router::new().route("/", get(|headers: HeaderMap| async move { PAGE.answer("index.html", &headers) })).route(
        "/demo/page/{*path}",
        get(|Path(path): Path<String>, headers: HeaderMap| async move { PAGE.answer(&path, &headers) }),
    )
}
