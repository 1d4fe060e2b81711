//! Small runs of the scenarios beside the comparison.

use super::{TRANSPORTS, bench, runs_of};

#[tokio::test]
async fn one_connection_is_filled_and_a_changed_scenario_has_no_bounds() {
    let (exit, told) = bench(&["--scenario", "throughput", "--duration", "1"]).await;
    assert_eq!((exit, told["bounds"].as_array().map(Vec::len)), (Some(0), Some(0)), "{told}");
    for run in runs_of(&told, &TRANSPORTS) {
        let (expected, delivered) = (run["expected"].as_u64(), run["delivered"].as_u64());
        assert!(expected == delivered && delivered.unwrap() > 1000, "{run}");
    }
}

#[tokio::test]
async fn sessions_that_switch_in_mid_stream_or_are_all_cut_at_once_lose_nothing() {
    let switch = ["--scenario", "switch", "--transports", "websocket,poll", "--connections", "2"];
    let cut = ["--scenario", "cut", "--transports", "sse,poll", "--connections", "10"];
    let (switch, cut) = tokio::join!(bench(&switch), bench(&cut));
    assert_eq!((switch.0, cut.0), (Some(0), Some(0)), "{} {}", switch.1, cut.1);
    let (switches, cuts) = (switch.1["switches"].as_array().unwrap(), cut.1["cuts"].as_array().unwrap());
    let pairs: Vec<_> = switches.iter().map(|of| (of["from"].as_str().unwrap(), of["to"].as_str().unwrap())).collect();
    assert_eq!(pairs, [("websocket", "poll"), ("poll", "websocket")]);
    for of in switches {
        assert_eq!((of["done"].as_u64(), of["asked"].as_u64()), (Some(20), Some(20)), "{of}");
    }
    assert_eq!(cuts.len(), 2);
    for of in cuts {
        assert_eq!((of["sessions"].as_u64(), of["resumed"].as_u64()), (Some(10), Some(10)), "{of}");
    }
    for of in switches.iter().chain(cuts) {
        assert_eq!(["lost", "duplicated", "reordered"].map(|key| of[key].as_u64()), [Some(0); 3], "{of}");
    }
}
