//! A listener with a network behind it. It accepts connections, enters what begins, and switches the network. It never
//! looks into a body.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

use super::{
    exchange::Exchange,
    faults::{Opening, When},
    network::{Network, Route},
    path::Path,
    random::Random,
    registry::Registry,
    upstream::Upstream,
    wire::{Fate, Wire},
};

/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A loopback port. Behind it is a [`Network`], and behind that an origin. Dropping the front resets everything it
/// carries.
#[derive(Debug)]
pub struct Front {
    name: String,
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Listens on `listen` (port 0 takes any) and carries to `upstream`, through a clean network at first.
    ///
    /// # Errors
    /// `InvalidInput` if either address is not loopback: a front must never be an open proxy. Otherwise the system's
    /// error.
    pub async fn bind(name: impl Into<String>, listen: SocketAddr, upstream: impl Into<Upstream>) -> io::Result<Self> {
        let upstream = upstream.into();
        upstream.check(listen)?;
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(upstream));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { name: name.into(), addr, shared, accepting })
    }

    /// Returns its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the network in force.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::clone(&self.shared.network.borrow())
    }

    /// Switches the network, and starts its seed and counts afresh. An arriving request fixes how it begins and whether
    /// its answer is buffered. Everything else applies at once to what is open, a reset too.
    pub fn set_network(&self, network: Network) {
        let network = Arc::new(network);
        {
            let mut dice = self.shared.dice();
            *dice = Dice::new(&network);
            self.shared.network.send_replace(Arc::clone(&network));
        }
        self.shared.registry.reset(|route| network.resets(route));
    }

    /// Resets (RST, to both sides) what is open on this route: tunnels and running exchanges. Returns how many.
    pub fn kill(&self, route: Route) -> usize {
        self.shared.registry.reset(|of| route.covers(of))
    }

    /// Forgets what is open on this route, as a NAT does, without a sign to either side. From now on bytes vanish on
    /// those connections, both ways. The head of a further request on one of them passes. Returns how many.
    pub fn forget(&self, route: Route) -> usize {
        self.shared.registry.forget(route)
    }

    /// Returns how many tunnels and exchanges are open on this route.
    #[must_use]
    pub fn open(&self, route: Route) -> usize {
        self.shared.registry.open(route)
    }

    /// Returns how many requests have ever arrived on this route. Requests refused with their connection are not seen.
    #[must_use]
    pub fn begun(&self, route: Route) -> usize {
        self.shared.registry.begun(route)
    }

    /// Waits until exactly this many are open on this route. Cancel-safe.
    pub async fn until_open(&self, route: Route, count: usize) {
        self.shared.registry.until_open(route, count).await;
    }

    /// Waits until at least this many requests have arrived on this route. Cancel-safe.
    pub async fn until_begun(&self, route: Route, count: usize) {
        self.shared.registry.until_begun(route, count).await;
    }

    /// Resets everything it carries and stops listening; afterwards the port is free.
    pub async fn shutdown(mut self) {
        self.close();
        // It was aborted, so its result says nothing.
        let _ = (&mut self.accepting).await;
    }

    fn close(&self) {
        self.accepting.abort();
        self.shared.closing.send_replace(true);
        self.shared.registry.reset(|_| true);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.close();
    }
}

/// The state that a front's connections share.
#[derive(Debug)]
struct Shared {
    upstream: Arc<Upstream>,
    network: watch::Sender<Arc<Network>>,
    /// Also keeps a switch of the network and the beginning of an exchange apart.
    dice: Mutex<Dice>,
    registry: Arc<Registry>,
    closing: watch::Sender<bool>,
}

impl Shared {
    fn new(upstream: Upstream) -> Self {
        let network = Network::default();
        Self {
            upstream: Arc::new(upstream),
            dice: Mutex::new(Dice::new(&network)),
            network: watch::Sender::new(Arc::new(network)),
            registry: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }

    fn dice(&self) -> MutexGuard<'_, Dice> {
        // Numbers and counts stay sound even if a thread panicked while it held the lock.
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &Request<Incoming>, fate: &Arc<Fate>) -> Exchange {
        let route = Route::of(request);
        let mut dice = self.dice();
        let opened = self.registry.enter(route, Arc::clone(fate));
        let network = self.network.subscribe();
        let opening = dice.opening(&network.borrow(), route);
        let path = Path::new(route, network, Arc::clone(fate), dice.random.number(), opened);
        Exchange { upstream: Arc::clone(&self.upstream), path, opening }
    }
}

/// The chances and counts of a network in force.
#[derive(Debug)]
struct Dice {
    random: Random,
    /// How many requests have met each rule.
    met: Vec<u32>,
}

impl Dice {
    fn new(network: &Network) -> Self {
        Self { random: Random::new(network.seed), met: vec![0; network.rules.len()] }
    }

    fn opening(&mut self, network: &Network, route: Route) -> Opening {
        let (Some(place), rule) = network.rule(route) else {
            return Opening::Pass;
        };
        self.met[place] = self.met[place].wrapping_add(1);
        let strikes = match rule.when {
            When::Always => true,
            When::Chance(probability) => self.random.chance(probability),
            When::Every(each) => self.met[place].is_multiple_of(each.max(1)),
            When::First(count) => self.met[place] <= count,
        };
        if strikes { rule.request.clone() } else { Opening::Pass }
    }
}

/// Accepts connections, until the front closes and aborts this.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let fate = Arc::new(Fate::new());
        if shared.network.borrow().resets_all() {
            fate.reset();
        }
        tokio::spawn(connection(stream, fate, Arc::clone(&shared)));
    }
}

/// Serves a connection until it ends, by itself, by its fate or with the front. An upgraded socket outlives it, in its
/// tunnel.
async fn connection(stream: TcpStream, fate: Arc<Fate>, shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    let service = service_fn(|request| shared.begin(&request, &fate).serve(request));
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&fate)));
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .preserve_header_case(true)
        .header_read_timeout(None)
        .serve_connection(wire, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    select! {
        biased;
        () = fate.sealed() => {}
        _ = closing.wait_for(|closing| *closing) => fate.reset(),
        // A connection that failed is over, whatever the reason.
        _ = &mut connection => {}
    }
}
