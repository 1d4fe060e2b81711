//! The command refuses impossible options before it runs anything.

use super::files::File;
use super::refusal;

#[tokio::test]
async fn an_impossible_option_is_wrong_usage_and_the_reason_names_the_possible_ones() {
    for (arguments, said) in [
        (&["--transports", "carrier-pigeon"][..], "the transports are websocket, sse and poll"),
        (&["--transports", "poll,poll"], "poll"),
        (&["--connections", "0"], "1 to 50000"),
        (&["--rate", "many"], "--rate"),
        (&["--size", "3"], "it must be 36 to"),
        (&["--size", "1000000"], "it must be 36 to"),
        (&["--duration", "0"], "1 to 3600"),
        (&["--pattern", "gossip"], "echo, fan-out, idle"),
        (&["--scenario", "cut", "--pattern", "echo"], "--pattern is for the scenarios"),
        (&["--scenario", "switch", "--transports", "sse"], "two transports"),
        (&["--network", "perfect"], "corporate-proxy"),
        (&["--network", "lan", "http://gateway.example"], "on this machine only"),
        (&["example.org"], "https://example.org"),
        (&["--json", "/no-such-directory/figures.json"], "there is no directory /no-such-directory"),
        (&["--html", "/no-such-directory/page.html"], "there is no directory /no-such-directory"),
        (&["--html", "/"], "it is a directory"),
    ] {
        let (exit, why) = refusal(arguments).await;
        assert!(exit == Some(2) && why.contains(said), "{arguments:?}: {exit:?} {why}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_baseline_is_wrong_usage_and_the_command_says_why() {
    let nonsense = File::holding("json", "[1, 2");
    let foreign = File::holding("json", "{}");
    for (file, said) in [
        (nonsense.path(), "not the --json of an earlier run"),
        (foreign.path(), "not the --json of an earlier run"),
        ("no-such-file.json", "no-such-file.json"),
    ] {
        let (exit, why) = refusal(&["--baseline", file]).await;
        assert!(exit == Some(2) && why.contains(said), "{file}: {exit:?} {why}");
    }
    for scenario in ["switch", "cut"] {
        let (exit, why) = refusal(&["--scenario", scenario, "--baseline", foreign.path()]).await;
        assert!(exit == Some(2) && why.contains("held to bounds instead"), "{scenario}: {exit:?} {why}");
    }
}
