//! `throughline publish` and `throughline tail`: over each transport, with a token, after failures, and with refusals.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use futures::future::join_all;
use serde_json::{Value, json};
use throughline::netlab::{Front, Network, Route};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::watch;

use crate::process::{Running, run, run_with, with_variables, within_patience};
use crate::tls::terminate;

const TRANSPORTS: [&str; 3] = ["websocket", "sse", "poll"];

async fn serve() -> Running {
    Running::start(&["serve", "--listen", "127.0.0.1:0"]).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Publishes with these arguments behind `publish`.
async fn publish(address: SocketAddr, arguments: &[&str]) -> Output {
    run(&[&["publish", "--url", &url(address)], arguments].concat()).await
}

/// Publishes, and returns the offset that the command prints.
async fn published(address: SocketAddr, arguments: &[&str]) -> u64 {
    let output = publish(address, arguments).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    str::from_utf8(&output.stdout).unwrap().trim_end().parse().unwrap()
}

/// Publishes what standard input holds.
async fn published_from(input: &str, address: SocketAddr, arguments: &[&str]) -> Output {
    let url = url(address);
    let arguments = [&["publish", "--url", &url], arguments].concat();
    let mut command = Command::from(with_variables(&[], &arguments));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    within_patience(child.wait_with_output()).await.unwrap()
}

/// Asserts that the command said why, and nothing else.
#[track_caller]
fn assert_refused(output: &Output, exit: i32, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(exit) && output.stdout.is_empty() && said.contains(why), "{why}: {output:?}");
}

/// A running `throughline tail`.
struct Tail {
    child: Child,
    /// `None` once something else reads it.
    out: Option<Lines<BufReader<ChildStdout>>>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Tail {
    fn start(address: SocketAddr, arguments: &[&str]) -> Self {
        let url = url(address);
        let arguments = [&["tail", "--url", &url], arguments].concat();
        let mut command = Command::from(with_variables(&[("RUST_LOG", "off")], &arguments));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let out = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, said }
    }

    /// Starts, and waits for the subscription. Returns the position after which it goes on.
    async fn subscribed(address: SocketAddr, arguments: &[&str]) -> (Self, String) {
        let mut tail = Self::start(address, arguments);
        let position = tail.goes_on().await;
        (tail, position)
    }

    async fn goes_on(&mut self) -> String {
        let said = self.says("goes on after").await;
        said.rsplit(' ').next().unwrap().to_owned()
    }

    async fn line(&mut self) -> String {
        let out = self.out.as_mut().unwrap();
        within_patience(out.next_line()).await.unwrap().expect("a line of tail")
    }

    async fn object(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// Reads standard error up to a line with this text.
    async fn says(&mut self, text: &str) -> String {
        let mut before = Vec::new();
        loop {
            let line = within_patience(self.said.next_line()).await.unwrap();
            let line = line.unwrap_or_else(|| panic!("tail did not say {text:?}, but {before:?}"));
            if line.contains(text) {
                return line;
            }
            before.push(line);
        }
    }

    /// Returns its exit, and what it said at last.
    async fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        while let Some(line) = within_patience(self.said.next_line()).await.unwrap() {
            said = line;
        }
        (within_patience(self.child.wait()).await.unwrap().code(), said)
    }

    /// Interrupts it as Ctrl-C does. Returns its exit.
    async fn interrupted(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().await.unwrap().success());
        within_patience(self.child.wait()).await.unwrap().code()
    }
}

/// A folder that is removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("throughline-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn tail_prints_publications_over_each_transport_and_an_interrupt_is_a_good_end() {
    let arguments = ["serve", "--listen", "127.0.0.1:0"];
    let mut gateway = Running::of(with_variables(&[("THROUGHLINE_INNER__LISTEN", "127.0.0.1:0")], &arguments)).await;
    let inner = gateway.next_line().await;
    for transport in TRANSPORTS {
        let only = ["room/1", "--transport", transport];
        let (mut tail, position) = Tail::subscribed(gateway.address, &only).await;
        let before: u64 = position.rsplit(':').next().unwrap().parse().unwrap();
        for (data, place) in [(r#"{"text": "hello", "price": 1.50}"#, 1), ("-1", 2), ("null", 3)] {
            let at = published(gateway.address, &[&only[..], &[data]].concat()).await;
            assert_eq!((at, tail.line().await), (before + place, format!("{at} {data}")), "{transport}");
        }
        assert_eq!(tail.interrupted().await, Some(0), "{transport}");
    }
    // Each command has ended its session: none waits for its client to come back.
    gateway.address = inner.trim_end().rsplit_once("http://").unwrap().1.parse().unwrap();
    let none_is_left = async {
        while !gateway.ask("GET", "/metrics", "").await.1.lines().any(|line| line == "throughline_sessions 0") {
            tokio::task::yield_now().await;
        }
    };
    within_patience(none_is_left).await;
}

#[tokio::test]
async fn tail_goes_on_after_a_position_and_says_what_is_missing() {
    let gateway = serve().await;
    let (tail, start) = Tail::subscribed(gateway.address, &["room/1"]).await;
    assert_eq!(tail.interrupted().await, Some(0));
    for number in 1..=3 {
        assert_eq!(published(gateway.address, &["room/1", &number.to_string()]).await, number);
    }
    let epoch = start.strip_suffix(":0").unwrap();
    let since = format!("{epoch}:1");
    let (mut tail, position) = Tail::subscribed(gateway.address, &["room/1", "--json", "--since", &since]).await;
    assert_eq!(position, since);
    for at in 2..=3 {
        assert_eq!(tail.object().await, json!({ "channel": "room/1", "epoch": epoch, "at": at, "data": at }));
    }
    assert_eq!(tail.interrupted().await, Some(0));

    let mut tail = Tail::start(gateway.address, &["room/1", "--since", "another:1"]);
    let said = tail.says("publications after").await;
    assert!(
        said.ends_with("publications after another:1 may be missing, because the channel has begun anew"),
        "{said}"
    );
    assert_eq!(tail.goes_on().await, format!("{epoch}:3"));
    published(gateway.address, &["room/1", "4"]).await;
    assert_eq!(tail.line().await, "4 4");
}

#[tokio::test]
async fn publish_takes_json_or_text_from_an_argument_or_from_standard_input() {
    let gateway = serve().await;
    let (mut tail, _) = Tail::subscribed(gateway.address, &["c"]).await;
    published(gateway.address, &["c", "--text", "not \"JSON\""]).await;
    assert_eq!(tail.line().await, r#"1 "not \"JSON\"""#);
    for (input, arguments, shown) in
        [("{\n  \"a\": 1\n}\n", &["c"][..], r#"{   "a": 1 }"#), ("two\nlines\n", &["c", "--text"], r#""two\nlines""#)]
    {
        let output = published_from(input, gateway.address, arguments).await;
        let at = String::from_utf8(output.stdout).unwrap();
        assert_eq!(tail.line().await, format!("{} {shown}", at.trim_end()));
    }
    for (arguments, why) in [
        (&["c", "hello"][..], "the data is not JSON"),
        (&["c", "--text", &"x".repeat(60_000)], "the limit is"),
        (&["", "1"], "a channel name is"),
        (&["c", "1", "--transport", "pigeon"], "is not a transport"),
        (&["c", "1", "--token-file", "no-such-file"], "no-such-file: "),
        (&["c", "1", "--url", "gateway"], "is not a gateway's address"),
    ] {
        assert_refused(&run(&[&["publish"], arguments].concat()).await, 2, why);
    }
    assert_refused(&published_from("", gateway.address, &["c"]).await, 2, "the data is not JSON");
    assert_refused(&run(&["tail", "c", "--since", "1"]).await, 2, "is not a position");
}

#[tokio::test]
async fn commands_sign_in_by_a_token_file_and_say_why_they_are_refused() {
    let folder = Folder::new();
    let config = folder.file(
        "gateway.toml",
        b"auth.secret = '0123456789abcdef0123456789abcdef'\n\
          [[channel]]\npattern = 'room/{room}'\nsubscribe = ['user']\npublish = ['user']\ntell = ['by']\n",
    );
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0", "--config", &config]).await;
    let token = folder.file("token", &run(&["token", "--config", &config, "--user", "ann"]).await.stdout);
    let bad = folder.file("bad", b"not.a.token");
    for transport in TRANSPORTS {
        let with = |token: &'static str, file: &str, channel: &str| {
            [channel, "--transport", transport, token, file].map(str::to_owned)
        };
        let arguments = with("--token-file", &token, "room/1");
        let arguments = arguments.each_ref().map(String::as_str);
        let (mut tail, _) = Tail::subscribed(gateway.address, &[&arguments[..], &["--json"]].concat()).await;
        let at = published(gateway.address, &[&arguments[..], &["1"]].concat()).await;
        let told = tail.object().await;
        assert_eq!((&told["at"], &told["by"], &told["data"]), (&at.into(), &"ann".into(), &1.into()), "{told}");

        let forbidden = [&["another", "1"], &arguments[1..]].concat();
        assert_refused(&publish(gateway.address, &forbidden).await, 1, "unknown_channel");
        for rest in [&["--token-file", &bad][..], &[]] {
            let arguments = [&["room/1", "--transport", transport], rest].concat();
            let refused = publish(gateway.address, &[&arguments[..], &["1"]].concat()).await;
            assert_refused(&refused, 1, "unauthorized: ");
            let refused = run(&[&["tail", "--url", &url(gateway.address)], &arguments[..]].concat()).await;
            assert_refused(&refused, 1, "unauthorized: ");
        }
    }
}

#[tokio::test]
async fn tail_reads_its_token_file_again_when_its_token_has_expired() {
    let folder = Folder::new();
    let auth = b"[auth]\nsecret = '0123456789abcdef0123456789abcdef'\nleeway_s = 0\n";
    let config = folder.file("gateway.toml", auth);
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0", "--config", &config]).await;
    let token =
        async |seconds: &str| run(&["token", "--config", &config, "--user", "ann", "--ttl", seconds]).await.stdout;
    let by = async |transport: &str| {
        // Long enough for the start of two processes.
        let file = folder.file(transport, &token("3").await);
        let arguments = [transport, "--transport", transport, "--token-file", &file];
        let (mut tail, _) = Tail::subscribed(gateway.address, &arguments).await;
        folder.file(transport, &token("3600").await);
        tail.says("connected again").await;
        let at = published(gateway.address, &[&arguments[..], &["1"]].concat()).await;
        assert_eq!(tail.line().await, format!("{at} 1"), "{transport}");

        folder.file(transport, &token("3").await);
        let (tail, _) = Tail::subscribed(gateway.address, &arguments).await;
        let (exit, said) = tail.ended().await;
        assert!(exit == Some(1) && said.contains("unauthorized: "), "{exit:?} {said}");
    };
    join_all(TRANSPORTS.map(by)).await;
}

#[tokio::test]
async fn without_a_gateway_the_commands_fail_and_say_so_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for arguments in [&["publish", "c", "1", "--url"][..], &["tail", "c", "--url"]] {
        let output = run(&[arguments, &[&url(free)]].concat()).await;
        assert_refused(&output, 1, "nothing listens there");
        assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1, "{output:?}");
    }
}

#[tokio::test]
async fn over_https_a_certificate_must_be_trusted() {
    let gateway = serve().await;
    let (address, certificate) = terminate(gateway.address).await;
    let (_, of_another) = terminate(gateway.address).await;
    let url = format!("https://localhost:{}", address.port());
    for transport in TRANSPORTS {
        let arguments = ["publish", transport, "1", "--url", &url, "--transport", transport];
        let output = run_with("SSL_CERT_FILE", certificate.as_os_str(), &arguments).await;
        assert!(output.status.success() && output.stdout == b"1\n", "{transport}: {output:?}");
        let output = run_with("SSL_CERT_FILE", of_another.as_os_str(), &arguments).await;
        assert_refused(&output, 1, "no authority that this machine trusts has signed its certificate");
    }
}

#[tokio::test]
async fn the_commands_fall_back_where_the_network_refuses_websockets() {
    let gateway = serve().await;
    let behind = async |network: &str, transport: &str| {
        let front = Front::bind("commands", "127.0.0.1:0".parse().unwrap(), gateway.address).await.unwrap();
        front.set_network(Network::named(network).unwrap());
        let mut tail = Tail::start(front.addr(), &[network]);
        assert!(tail.says("connected").await.ends_with(&format!("connected by {transport}")), "{network}");
        tail.goes_on().await;
        let at = published(front.addr(), &[network, "1"]).await;
        assert_eq!(tail.line().await, format!("{at} 1"));
    };
    tokio::join!(
        behind("websocket-refused", "sse"),
        behind("websocket-refused-and-streams-buffered", "poll"),
        behind("websocket-mute", "sse"),
    );
    let front = Front::bind("portal", "127.0.0.1:0".parse().unwrap(), gateway.address).await.unwrap();
    front.set_network(Network::named("portal").unwrap());
    assert_refused(&publish(front.addr(), &["c", "1"]).await, 1, "websocket: ");
}

#[tokio::test]
async fn tail_misses_nothing_when_its_connections_are_cut() {
    let gateway = serve().await;
    for transport in TRANSPORTS {
        let front = Front::bind("cut", "127.0.0.1:0".parse().unwrap(), gateway.address).await.unwrap();
        let (mut tail, position) = Tail::subscribed(front.addr(), &["c", "--transport", transport]).await;
        let before: u64 = position.rsplit(':').next().unwrap().parse().unwrap();
        for round in 1..=3 {
            front.kill(Route::Any);
            let at = published(gateway.address, &["c", "1"]).await;
            assert_eq!(at, before + round);
            assert_eq!(tail.line().await, format!("{at} 1"), "{transport}");
        }
        assert_eq!(tail.interrupted().await, Some(0));
    }
}

/// Publishes many long messages at once, in one session.
async fn publish_much(gateway: &Running, channel: &str, count: usize) {
    let hello = |rest: &str| {
        format!(
            r#"{{"hello":{{"v":1,"session":"a-secret-of-this-test-only","leg":1,{rest}"received":0,"next":1,"nonce":"n"}}}}"#
        )
    };
    let (_, welcome) = gateway.ask("POST", "/rt/poll", &hello("\"turn\":1,")).await;
    let welcome: Value = serde_json::from_str(welcome.lines().next().unwrap()).unwrap();
    let id = format!("\"id\":{},", welcome["welcome"]["id"]);
    let line = format!(r#"{{"pub":"{channel}","data":"{}"}}"#, "x".repeat(50_000));
    for number in 1..=count {
        let hello = hello(&id).replace("\"next\":1", &format!("\"next\":{number}"));
        let (status, answer) = gateway.ask("POST", "/rt/send", &format!("{hello}\n{line}\n")).await;
        assert_eq!(status, 200, "{answer}");
    }
}

#[tokio::test]
async fn a_tail_whose_reader_is_slow_says_how_much_is_missing_and_a_signal_still_ends_it() {
    let gateway = serve().await;
    let only = ["c", "--transport", "poll"];
    let (mut slow, position) = Tail::subscribed(gateway.address, &only).await;
    let (stuck, _) = Tail::subscribed(gateway.address, &only).await;
    publish_much(&gateway, "c", 100).await;
    assert_eq!(stuck.interrupted().await, Some(0));

    // From now on its reader reads.
    let mut out = slow.out.take().unwrap();
    let printed = tokio::spawn(async move {
        let mut printed: Vec<u64> = Vec::new();
        while printed.last() != Some(&101) {
            let line = within_patience(out.next_line()).await.unwrap().expect("a line of tail");
            printed.push(line.split(' ').next().unwrap().parse().unwrap());
        }
        printed
    });
    let missing = slow.says("are missing").await;
    slow.goes_on().await;
    assert_eq!(published(gateway.address, &["c", "1"]).await, 101);
    let printed = printed.await.unwrap();
    assert!(printed.is_sorted_by(|one, next| one < next), "{printed:?}");
    // On a slow machine it may miss some a second time.
    let (before, after) = printed.iter().zip(&printed[1..]).find(|(one, next)| **one + 1 < **next).unwrap();
    let epoch = position.strip_suffix(":0").unwrap();
    assert_eq!(missing, format!("throughline: {} publications after {epoch}:{before} are missing", after - before - 1));
}

#[tokio::test]
async fn tail_ends_with_its_subscription_and_says_why() {
    let folder = Folder::new();
    let rules = |who: &str| format!("[[channel]]\npattern = 'c'\nsubscribe = [{who}]\npublish = ['anyone']\n");
    let config = folder.file("gateway.toml", rules("'anyone'").as_bytes());
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0", "--config", &config]).await;
    let (tail, _) = Tail::subscribed(gateway.address, &["c"]).await;
    folder.file("gateway.toml", rules("").as_bytes());
    gateway.signal("HUP").await;
    let (exit, said) = tail.ended().await;
    assert!(exit == Some(1) && said.contains("the subscription has ended: forbidden: "), "{exit:?} {said}");
}

/// An address that outlives the gateway behind it, as that of a load balancer does.
struct Address {
    address: SocketAddr,
    behind: watch::Sender<SocketAddr>,
}

impl Address {
    async fn of(gateway: &Running) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (behind, present)) = (listener.local_addr().unwrap(), watch::channel(gateway.address));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let gateway = *present.borrow();
                tokio::spawn(async move {
                    let Ok(mut gateway) = TcpStream::connect(gateway).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut gateway).await;
                });
            }
        });
        Self { address, behind }
    }
}

#[tokio::test]
async fn tail_survives_a_restart_of_the_gateway_and_says_that_publications_may_be_missing() {
    for transport in TRANSPORTS {
        let gateway = serve().await;
        let Address { address, behind } = Address::of(&gateway).await;
        let (mut tail, position) = Tail::subscribed(address, &["c", "--json", "--transport", transport]).await;
        published(address, &["c", "1"]).await;
        let before = tail.object().await;
        assert_eq!(before["epoch"], position.strip_suffix(":0").unwrap());
        gateway.signal("KILL").await;
        assert_eq!(gateway.ended().await.0, None);
        tail.says("the connection is lost").await;
        let gateway = serve().await;
        behind.send_replace(gateway.address);
        tail.says(&format!("connected again by {transport}")).await;
        tail.says(&format!("publications after {}:1 may be missing", before["epoch"].as_str().unwrap())).await;
        let position = tail.goes_on().await;
        published(address, &["c", "2"]).await;
        let after = tail.object().await;
        assert_eq!((&after["at"], &after["data"]), (&1.into(), &2.into()));
        assert_eq!(after["epoch"], position.strip_suffix(":0").unwrap());
        assert_ne!(after["epoch"], before["epoch"]);
    }
}

#[tokio::test]
async fn tail_ends_well_when_its_reader_leaves() {
    let gateway = serve().await;
    let (mut tail, _) = Tail::subscribed(gateway.address, &["c"]).await;
    published(gateway.address, &["c", "1"]).await;
    assert_eq!(tail.line().await, "1 1");
    drop(tail.out);
    published(gateway.address, &["c", "2"]).await;
    assert_eq!(within_patience(tail.child.wait()).await.unwrap().code(), Some(0));
}
