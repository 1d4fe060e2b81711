//! SIGHUP: the gateway reads its file again, and applies the keys that can change at run time.

use std::path::PathBuf;

use crate::process::{HANGUPS_END, HANGUPS_IGNORED, Running, with_variables};

/// A configuration in its own folder. The folder disappears with it.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("throughline-reload-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let file = Self(folder);
        file.write(text);
        file
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("gateway.toml")
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(file: &File) -> Running {
    let path = file.path();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    Running::logging(&arguments, "throughline=info").await
}

/// Returns the first line of the answer to a new client's first poll.
async fn poll(running: &Running) -> serde_json::Value {
    let secret = uuid::Uuid::new_v4().simple();
    let hello =
        format!(r#"{{"hello":{{"v":1,"session":"{secret}","leg":1,"turn":1,"received":0,"next":1,"nonce":"n"}}}}"#);
    let (status, body) = running.ask("POST", "/rt/poll", &hello).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(body.lines().next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_hangup_reloads_the_file_and_names_the_keys_that_need_a_restart() {
    let file = File::new("session.switch_jitter_s = 0");
    let mut running = start(&file).await;
    assert_eq!(poll(&running).await["welcome"]["hold_ms"], 25_000);
    file.write("limits.sessions = 5\n[session]\ntransports = ['sse']\npoll_hold_s = 7\nresume_s = 9");
    running.signal("HUP").await;
    let applied = running.logs("read again").await;
    assert!(applied.contains("session.transports = [\"sse\"] (was [\"websocket\", \"sse\", \"poll\"])"), "{applied}");
    assert!(applied.contains("session.poll_hold_s = 7 (was 25)"), "{applied}");
    let left = running.logs("only a restart changes").await;
    assert!(left.contains("session.resume_s = 9 (was 120), limits.sessions = 5 (was 100000)"), "{left}");
    assert_eq!(poll(&running).await["end"]["code"], "refused");
    file.write("[session]\ntransports = ['poll', 'sse']\npoll_hold_s = 7\nheartbeat_s = 9");
    running.signal("HUP").await;
    running.logs("read again").await;
    let welcome = poll(&running).await;
    assert_eq!(welcome["welcome"]["transports"], serde_json::json!(["poll", "sse"]));
    assert_eq!(welcome["welcome"]["hold_ms"], 7_000);
    assert_eq!(welcome["welcome"]["heartbeat_ms"], 9_000);
    running.signal("HUP").await;
    running.logs("the configuration was read again: nothing has changed").await;
}

#[tokio::test]
async fn a_faulty_file_is_reported_and_changes_nothing() {
    let file = File::new("session.transports = ['poll']");
    let mut running = start(&file).await;
    for (text, says) in [
        ("session.transports = ['sse', 'pigeon']", "pigeon"),
        ("session.transports = [", "transports"),
        ("hart = 1", "hart"),
        ("transports = ['sse']", "under [session]"),
    ] {
        file.write(text);
        running.signal("HUP").await;
        running.logs(says).await;
        assert_eq!(poll(&running).await["welcome"]["transports"], serde_json::json!(["poll"]));
    }
    std::fs::remove_file(file.path()).unwrap();
    running.signal("HUP").await;
    running.logs("gateway.toml").await;
    running.signal("TERM").await;
    assert_eq!(running.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_hangup_keeps_the_environment_and_the_options_over_the_file() {
    let file = File::new("[session]\nheartbeat_s = 9\npoll_hold_s = 7");
    let path = file.path();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    let variables = [("THROUGHLINE_SESSION__HEARTBEAT_S", "5"), ("THROUGHLINE_SERVER__LISTEN", "127.0.0.1:1")];
    let mut running = Running::of(with_variables(&variables, &arguments)).await;
    let told = running.logs("the environment sets").await;
    assert!(told.contains("session.heartbeat_s = 5 (was 9)"), "{told}");
    let times = |welcome: &serde_json::Value| {
        (welcome["welcome"]["heartbeat_ms"].as_u64(), welcome["welcome"]["hold_ms"].as_u64())
    };
    assert_eq!(times(&poll(&running).await), (Some(5_000), Some(7_000)));
    file.write("[session]\nheartbeat_s = 11\npoll_hold_s = 8\n[server]\nlisten = '127.0.0.1:2'");
    running.signal("HUP").await;
    let applied = running.logs("read again").await;
    assert!(applied.trim_end().ends_with("applied: session.poll_hold_s = 8 (was 7)"), "{applied}");
    assert_eq!(times(&poll(&running).await), (Some(5_000), Some(8_000)));
}

/// The environment of a process cannot change, so there is nothing to read again.
#[tokio::test]
async fn with_an_environment_and_without_a_file_a_hangup_ends_it() {
    let mut command = std::process::Command::new("env");
    command.args([HANGUPS_END, "THROUGHLINE_SESSION__HEARTBEAT_S=5", env!("CARGO_BIN_EXE_throughline")]);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let running = Running::of(command).await;
    running.signal("HUP").await;
    assert_eq!(running.ended().await.0, None);
}

/// Any program behaves like this when its terminal closes.
#[tokio::test]
async fn without_a_file_a_hangup_ends_it() {
    let running = Running::with_signals(HANGUPS_END, &["serve", "--listen", "127.0.0.1:0"]).await;
    running.signal("HUP").await;
    assert_eq!(running.ended().await.0, None);
}

#[tokio::test]
async fn under_nohup_it_says_that_a_hangup_does_not_end_it() {
    let mut running = Running::with_signals(HANGUPS_IGNORED, &["serve", "--listen", "127.0.0.1:0"]).await;
    running.logs("SIGHUP is ignored").await;
    running.signal("HUP").await;
    assert_eq!(running.ask("GET", "/healthz", "").await.0, 200);
}

#[tokio::test]
async fn under_nohup_a_hangup_still_reloads_the_file() {
    let file = File::new("");
    let path = file.path();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    let mut running = Running::with_signals(HANGUPS_IGNORED, &arguments).await;
    running.signal("HUP").await;
    running.logs("nothing has changed").await;
}
