//! `throughline netlab` as its user sees it: the list, the refusals, and its page.

use crate::process::{Running, run};

#[tokio::test]
async fn without_anything_it_lists_the_networks_with_a_sentence_each() {
    for arguments in [&["netlab"][..], &["netlab", "--list"], &["netlab", "offline", "--list"]] {
        let output = run(arguments).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        for name in ["clear", "websocket-refused", "streams-buffered", "mobile", "offline"] {
            let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
            assert!(line.is_some_and(|line| line.ends_with('.')), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused_with_the_reason_and_the_remedy() {
    for (arguments, said) in [
        (&["netlab", "offline"][..], "--to URL is missing"),
        (&["netlab", "perfect", "--to", "http://127.0.0.1:1"], "websocket-refused"),
        (&["netlab", "--to", "http://example.org"], "open proxy"),
        (&["netlab", "--to", "https://127.0.0.1"], "TLS"),
        (&["netlab", "--to", "http://127.0.0.1:1", "--listen", "0.0.0.0:0"], "this machine only"),
        (&["netlab", "--to", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--page", "[::]:0"], "this machine only"),
    ] {
        let output = run(arguments).await;
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}

#[tokio::test]
async fn an_occupied_port_is_reported_with_the_way_out() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (option, other) in [("--listen", "--page"), ("--page", "--listen")] {
        let arguments = ["netlab", "--to", "http://127.0.0.1:1", option, &taken, other, "127.0.0.1:0"];
        let output = run(&arguments).await;
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&format!("{option} 127.0.0.1:0 takes a free port")), "{text}");
    }
}

#[tokio::test]
async fn it_prints_every_address_and_reports_a_target_that_is_not_there() {
    let arguments =
        ["netlab", "slow", "--to", "http://localhost:1/app", "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"];
    let mut running = Running::start(&arguments).await;
    let second = running.next_line().await;
    assert!(second.contains("http://localhost:1/app"), "{second}");
    assert!(second.contains(&format!("http://{}/app", running.address)), "{second}");
    assert!(running.next_line().await.contains("to switch the network open http://127.0.0.1:"));
    assert!(running.next_line().await.starts_with("network: slow. "));
    let (status, page) = running.ask("GET", "/app", "").await;
    assert_eq!(status, 502);
    assert!(page.contains("nothing listens at") && page.contains("http://localhost:1/app"), "{page}");
    running.signal("TERM").await;
    assert_eq!(running.ended().await.0, Some(0));
}
