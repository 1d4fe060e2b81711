//! A real gateway in this process, on its own port, for one test.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use throughline::backend::open::Open;
use throughline::server::Gateway;
use throughline::server::Stopped;
use throughline::server::config::Config;
use throughline::server::handle::Handle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::backend::{Behind, Doors};
use crate::http;
use crate::remote::Remote;

/// A limit that a test exceeds only if the code is broken or the machine is very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// The interval at which a test polls a condition that it cannot await.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Panics of the gateway or its dependencies. The test runner reports the panics of the tests themselves.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A running gateway. After a drop it runs until the test's runtime ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// The address of the inner listener.
    pub(crate) inner: SocketAddr,
    pub(crate) handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<io::Result<Stopped>>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::serving(Gateway::new, change).await
    }

    /// Starts a gateway whose application decides behind these doors.
    pub(crate) async fn before(doors: &Arc<Doors>, change: impl FnOnce(&mut Config)) -> Self {
        let backend = Arc::new(Behind(Arc::clone(doors)));
        Self::serving(|config| Gateway::with_backend(config, backend), change).await
    }

    /// Starts a gateway in open mode with this broker.
    pub(crate) async fn behind(broker: &Remote) -> Self {
        Self::changed(broker, |_| {}).await
    }

    /// Starts a gateway in open mode with this broker and a changed configuration.
    pub(crate) async fn changed(broker: &Remote, change: impl FnOnce(&mut Config)) -> Self {
        let broker = Box::new(broker.clone());
        Self::serving(|config| Gateway::with_broker(config, Arc::new(Open), broker), change).await
    }

    /// A gateway that is made like this.
    pub(crate) async fn serving(make: impl FnOnce(Config) -> Gateway, change: impl FnOnce(&mut Config)) -> Self {
        count_panics();
        let mut config = Config::default();
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = inside.local_addr().unwrap();
        let gateway = make(config).inner_listener(inside);
        let handle = gateway.handle();
        let served = tokio::spawn(gateway.serve(listener, async move {
            // A test that drops its handle does not want a stop.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Self { address, inner, handle, stop: Some(stop), served }
    }

    /// Starts the stop that SIGTERM causes.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Returns the outcome of the stop.
    pub(crate) async fn stopped(self) -> Stopped {
        self.served.await.unwrap().unwrap()
    }

    /// Returns a figure of `/metrics`.
    pub(crate) async fn figure(&self, name: &str) -> u64 {
        let text = http::get(self.inner, "/metrics").await.body;
        let row = format!("throughline_{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&row));
        value.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
    }

    /// Waits until a figure is as wanted.
    pub(crate) async fn until(&self, name: &str, wanted: impl Fn(u64) -> bool) {
        while !wanted(self.figure(name).await) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Fails a test that does not end within `PATIENCE`, or in which the gateway panicked.
pub(crate) async fn within_patience<T>(test: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, test).await;
    let outcome = outcome.expect("the test ends within its patience");
    assert_eq!(panics(), 0, "the gateway panicked");
    outcome
}

pub(crate) fn panics() -> usize {
    PANICS.load(Ordering::SeqCst)
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = panic.location().is_none_or(|place| !place.file().starts_with("tests/"));
            if ours {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            usual(panic);
        }));
    });
}
