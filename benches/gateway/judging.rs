//! A gateway before an application that judges clients. It runs in a process of its own: this very program, started
//! with [`SERVE`].
//!
//! The token says when the verdict comes. Without a token the verdict is there at once.

use std::future::pending;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use throughline::backend::decision::Decision;
use throughline::backend::{Backend, Connecting, Identity};
use throughline::protocol::code::Refusal;
use throughline::server;
use throughline::server::config::Config;
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Handle};

use super::Gateway;

/// The argument that turns a bench into a gateway.
pub(crate) const SERVE: &str = "--serve";
/// The verdict comes later, and soon.
pub(crate) const SOON: &str = "soon";
/// The verdict never comes.
pub(crate) const NEVER: &str = "never";
/// The interval that `throughline serve` uses.
const EVENT_INTERVAL: u32 = 1024;
const BACKLOG: u32 = 4096;
/// The pause between two looks at the figures.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The number of hellos whose verdict is under way, and will never come.
type Waiting = Arc<AtomicUsize>;

struct Application(Waiting);

impl Backend for Application {
    fn connect(&self, asking: &Connecting<'_>) -> Decision<Result<Identity, Refusal>> {
        let verdict = Ok(Identity::default());
        let Some(token) = asking.token else { return Decision::Now(verdict) };
        if token.reveal() == SOON {
            return Decision::Later(tokio::task::yield_now().map(|()| verdict).boxed());
        }
        let waiting = Arc::clone(&self.0);
        let never = async move {
            let _waits = Waits::begin(waiting);
            pending().await
        };
        Decision::Later(never.boxed())
    }
}

struct Waits(Waiting);

impl Waits {
    fn begin(waiting: Waiting) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs the gateway until the input of this process ends. It answers each line of the input with its figures.
pub(crate) fn serve() {
    let waiting = Waiting::default();
    let runtime = Builder::new_multi_thread().enable_all().event_interval(EVENT_INTERVAL).build().expect("a runtime");
    let (handle, figure) = (runtime.handle().clone(), Arc::clone(&waiting));
    std::thread::spawn(move || answer(&handle, &figure));
    runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = socket.listen(BACKLOG).expect("it listens");
        println!("listening on http://{}", listener.local_addr().expect("an address"));
        // All clients of a bench have the address of this machine.
        let mut config = Config::default();
        let limits = &mut config.limits;
        (limits.connections_per_address, limits.sessions_per_address, limits.attaches_per_address) = (0, 0, 0);
        let gateway = server::Gateway::with_backend(config, Arc::new(Application(waiting)));
        gateway.serve(listener, pending()).await.expect("the gateway serves");
    });
}

fn answer(handle: &Handle, waiting: &AtomicUsize) {
    for line in std::io::stdin().lines() {
        line.expect("a question");
        println!("{} {}", handle.metrics().num_alive_tasks(), waiting.load(Ordering::Relaxed));
    }
    std::process::exit(0);
}

/// The gateway, as the bench sees it.
pub(crate) struct Judging {
    pub(crate) gateway: Gateway,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The gateway's figures of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Tasks that live on its runtime.
    pub(crate) tasks: usize,
    /// Hellos whose verdict never comes.
    pub(crate) waiting: usize,
}

impl Judging {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        let (mut gateway, answers) = Gateway::of(command.arg(SERVE).stdin(Stdio::piped()));
        let questions = gateway.process.stdin.take().expect("piped");
        Self { gateway, questions, answers }
    }

    pub(crate) fn figures(&mut self) -> Figures {
        writeln!(self.questions, "figures?").expect("it lives");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let (tasks, waiting) = line.trim().split_once(' ').expect("two figures");
        let number = |text: &str| text.parse().expect("a number");
        Figures { tasks: number(tasks), waiting: number(waiting) }
    }

    /// Waits until the figures are as wanted, but at most for so long. Returns the last figures.
    pub(crate) async fn until(&mut self, most: Duration, wanted: impl Fn(Figures) -> bool) -> Figures {
        let start = Instant::now();
        loop {
            let figures = self.figures();
            if wanted(figures) || start.elapsed() > most {
                return figures;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
