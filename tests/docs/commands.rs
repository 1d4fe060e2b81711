//! The commands in the documents work.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::gateway::{Gateway, throughline};
use crate::{DOCUMENTS, file, markdown};

/// Returns the commands of all `sh` blocks, without the remarks behind them. `tests/node` runs those that name a test.
fn commands() -> Vec<String> {
    let commands: Vec<String> = DOCUMENTS
        .iter()
        .flat_map(|document| markdown::split(&file(document)).0)
        .filter(|block| block.language() == "sh" && block.attribute("test").is_none())
        .flat_map(|block| block.lines)
        .map(|line| line.split(" # ").next().unwrap_or(&line).trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    assert!(commands.len() > 20, "{commands:?}");
    commands
}

#[test]
fn each_command_is_of_a_kind_that_is_known_to_work() {
    let makefile = file("Makefile");
    for command in commands() {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["make", target] => assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no {target}"),
            ["cargo", "run" | "install" | "build", ..] | ["npm", ..] | ["throughline", ..] => {}
            // Other tests run these, or people do by hand.
            ["curl", ..] | ["node", ..] => {}
            _ => panic!("a document has the command {command:?}, and no test knows it"),
        }
    }
}

/// Returns the gateway's own commands, for every way to start it.
fn own_commands() -> Vec<Vec<String>> {
    let own = |command: &String| {
        let words = command.strip_prefix("throughline").or(command.strip_prefix("cargo run --release --"))?;
        Some(words.split_whitespace().map(str::to_owned).collect())
    };
    commands().iter().filter_map(own).collect()
}

#[test]
fn every_help_that_is_named_is_given() {
    let asked: Vec<_> =
        own_commands().into_iter().filter(|words| words.last().is_some_and(|word| word == "--help")).collect();
    assert!(!asked.is_empty());
    for words in asked {
        let output = throughline().args(&words).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("Usage: throughline"), "{words:?}: {text}");
    }
}

#[test]
fn every_option_of_a_command_stands_in_its_document() {
    let documents = [
        ("serve", "docs/CONFIGURATION.md", 5),
        ("doctor", "docs/DOCTOR.md", 2),
        ("token", "docs/CONFIGURATION.md", 5),
        ("key", "docs/API.md", 3),
        ("bench", "docs/BENCH.md", 11),
        ("netlab", "docs/NETLAB.md", 4),
        ("publish", "docs/TERMINAL.md", 4),
        ("tail", "docs/TERMINAL.md", 5),
    ];
    for (command, path, least) in documents {
        let output = throughline().args([command, "--help"]).output();
        let help = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
        let document = file(path);
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split_whitespace().next());
        let options: Vec<_> = options.filter(|option| *option != "help").collect();
        assert!(options.len() >= least, "{help}");
        for option in options {
            assert!(document.contains(&format!("`--{option}")), "{path} says nothing of --{option}");
        }
    }
}

#[test]
fn every_serve_that_is_named_serves() {
    let serves: Vec<_> = own_commands()
        .into_iter()
        .filter(|words| words.first().is_some_and(|word| word == "serve") && !words.contains(&"--help".into()))
        .collect();
    assert!(!serves.is_empty());
    for words in serves {
        // The test chooses the address.
        let mut arguments: Vec<&str> = Vec::new();
        let mut words = words[1..].iter();
        while let Some(word) = words.next() {
            if word == "--listen" {
                words.next();
            } else {
                arguments.push(word);
            }
        }
        assert_eq!(Gateway::start(&arguments).get("/healthz"), "ok");
    }
}

#[test]
fn every_config_command_that_is_named_succeeds() {
    let configs: Vec<_> =
        own_commands().into_iter().filter(|words| words.first().is_some_and(|word| word == "config")).collect();
    assert!(configs.len() >= 2, "{configs:?}");
    for words in configs {
        let output = throughline().args(&words).output().expect("it runs");
        assert!(output.status.success() && !output.stdout.is_empty(), "{words:?}: {output:?}");
    }
}

#[test]
fn the_curl_command_prints_what_is_published() {
    let command = commands().into_iter().find(|command| command.starts_with("curl -N ")).expect("a stream by curl");
    let gateway = Gateway::start(&[]);
    let command = command.replace("127.0.0.1:8080", &gateway.address.to_string());
    let mut curl = Command::new("sh")
        .args(["-c", &format!("exec {command} --no-progress-meter --max-time 30")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(curl.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    // The `id:` shows that curl listens. A missing line may mean that curl is not installed.
    let started = lines.by_ref().find(|line| line.starts_with("id: "));
    assert!(started.is_some(), "curl gave nothing");
    publish(&gateway, "chat", r#"{"text":"hello"}"#);
    let event = lines.find(|line| line.starts_with("data: "));
    let _ = curl.kill();
    let _ = curl.wait();
    assert_eq!(event.as_deref(), Some(r#"data: {"pub":"chat","at":1,"data":{"text":"hello"}}"#));
}

#[test]
fn every_curl_of_the_gateways_routes_succeeds() {
    let gateway = Gateway::start(&[]);
    let is_ours = |command: &str| [":8080/", ":8081/"].iter().any(|port| command.contains(port));
    let curls: Vec<String> = commands()
        .into_iter()
        .filter(|command| command.starts_with("curl ") && !command.contains(" -N ") && is_ours(command))
        .collect();
    assert!(curls.len() >= 2, "{curls:?}");
    for command in curls {
        let command = command.replace("127.0.0.1:8080", &gateway.address.to_string());
        let command = command.replace("127.0.0.1:8081", &gateway.inner.to_string());
        let curl = Command::new("sh").args(["-c", &format!("{command} --fail --silent --max-time 30")]).output();
        let curl = curl.expect("a shell");
        assert!(curl.status.success() && !curl.stdout.is_empty(), "{command}: {curl:?}");
    }
}

fn publish(gateway: &Gateway, channel: &str, data: &str) {
    let hello = |id: &str| {
        format!(
            r#"{{"hello":{{"v":1,"session":"a-secret-of-this-test-only",{id}"leg":1,"turn":1,"received":0,"next":1,"nonce":"n"}}}}"#
        )
    };
    let welcome = gateway.post("/rt/poll", &hello(""));
    let id = welcome
        .split_once(r#""id":"#)
        .and_then(|(_, rest)| rest.split_once(','))
        .unwrap_or_else(|| panic!("no welcome: {welcome}"))
        .0;
    let hello = hello(&format!(r#""id":{id},"#));
    gateway.post("/rt/send", &format!("{hello}\n{{\"pub\":\"{channel}\",\"data\":{data}}}"));
}

/// Readers copy an example that runs. tests/browser tries the page itself.
#[test]
fn both_first_examples_are_the_page_that_the_gateway_serves() {
    let served = Gateway::start(&[]).get("/chat");
    for document in ["README.md", "client-js/README.md"] {
        let (blocks, _) = markdown::split(&file(document));
        let first = blocks.iter().find(|block| block.language() == "html");
        let shown = first.unwrap_or_else(|| panic!("{document} shows no page")).lines.join("\n");
        assert_eq!(shown.trim_end(), served.trim_end(), "{document}: copy src/pages/start/chat.html");
    }
}

/// docs/OPERATING.md states this.
#[test]
fn beyond_loopback_it_refuses_to_serve_without_open() {
    let output = throughline().args(["serve", "--listen", "0.0.0.0:0"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--open"));
}
