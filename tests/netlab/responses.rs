//! Faults of a streamed response: buffered in every way, cut, killed, muted, stalled.

use std::time::Duration;

use throughline::netlab::{Buffer, Direction, Headers, Network, Route, Rule, Until};
use tokio::time::Instant;

use crate::{
    Lab,
    client::{End, post},
};

const SOON: Duration = Duration::from_millis(200);

fn buffered(until: Until, headers: Headers) -> Rule {
    Rule { buffer: Some(Buffer { until, headers }), ..Rule::on(Route::Stream) }
}

#[tokio::test]
async fn a_response_buffered_to_its_end_with_its_head_held_is_silence_until_then() {
    let lab = Lab::new([]).await;
    lab.front.set_network(Network::named("streams-buffered").unwrap());
    let mut client = lab.client(&post("/rt/stream", "hello")).await;
    lab.origin.until(|account| account.requests.len() == 1).await;
    lab.origin.say("one");
    client.hears_nothing().await;
    lab.origin.say("two");
    lab.origin.say("bye");
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    client.until("one").await;
    client.until("two").await;
    client.until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_response_buffered_to_its_end_can_pass_its_head_at_once() {
    let lab = Lab::new([buffered(Until::Close, Headers::Passed)]).await;
    let mut client = lab.stream().await;
    lab.origin.say("one");
    client.hears_nothing().await;
    lab.origin.say("bye");
    client.until("one").await;
}

#[tokio::test]
async fn a_response_without_an_end_of_its_own_passes_a_buffer_whole() {
    let lab = Lab::new([Rule { route: Route::Any, ..buffered(Until::Close, Headers::Held) }]).await;
    lab.client(&post("/rt/poll", "answer")).await.until("\r\n\r\nanswer").await;
}

#[tokio::test]
async fn blocks_pass_when_they_are_full() {
    let lab = Lab::new([buffered(Until::Block(8), Headers::Held)]).await;
    let mut client = lab.client(&post("/rt/stream", "hello")).await;
    lab.origin.until(|account| account.requests.len() == 1).await;
    lab.origin.say("12345");
    client.hears_nothing().await;
    lab.origin.say("67890");
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    client.until("12345\r\n").await;
    client.until("678\r\n").await;
    client.hears_nothing().await;
}

#[tokio::test]
async fn one_behind_delivers_each_chunk_when_the_next_one_comes() {
    let lab = Lab::new([buffered(Until::NextChunk, Headers::Passed)]).await;
    let mut client = lab.stream().await;
    lab.origin.say("one");
    client.hears_nothing().await;
    lab.origin.say("two");
    client.until("one\r\n").await;
    client.hears_nothing().await;
    lab.origin.say("three");
    client.until("two\r\n").await;
}

#[tokio::test]
async fn a_deceptive_buffer_passes_the_beginning_and_holds_the_rest() {
    let lab = Lab::new([buffered(Until::CloseAfter(6), Headers::Passed)]).await;
    let mut client = lab.stream().await;
    lab.origin.say("prelude");
    client.until("prelud\r\n").await;
    lab.origin.say("event");
    client.hears_nothing().await;
    lab.origin.say("bye");
    client.until("e\r\n").await;
    client.until("event\r\n").await;
}

#[tokio::test]
async fn a_cut_terminates_a_stream_as_if_the_origin_had() {
    let lab = Lab::new([Rule { cut_after: Some(SOON), ..Rule::on(Route::Stream) }]).await;
    let start = Instant::now();
    let mut client = lab.stream().await;
    lab.origin.say("one");
    client.until("one\r\n").await;
    assert!(client.when("0\r\n\r\n", start).await >= SOON);
    lab.front.until_open(Route::Any, 0).await;
}

#[tokio::test]
async fn a_cut_of_a_request_without_an_answer_closes_the_connection_empty() {
    let lab = Lab::new([Rule { cut_after: Some(SOON), ..Rule::on(Route::Poll) }]).await;
    let mut client = lab.client(&post("/rt/poll", "hold")).await;
    assert_eq!(client.end().await, End::Clean(String::new()));
}

// Several threads, so that an orderly FIN could overtake the reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_stream_is_reset_and_not_terminated() {
    let lab = Lab::new([Rule { kill_after: Some(SOON), ..Rule::on(Route::Stream) }]).await;
    let start = Instant::now();
    assert_eq!(lab.stream().await.end().await, End::Reset);
    assert!(start.elapsed() >= SOON);
}

#[tokio::test]
async fn a_muted_response_has_a_head_and_then_nothing_for_ever() {
    let lab = Lab::new([Rule { mute: Some(Direction::Down), ..Rule::on(Route::Stream) }]).await;
    let mut client = lab.stream().await;
    lab.origin.say("lost");
    client.hears_nothing().await;
    lab.switch([]);
    lab.origin.say("after something lost nothing can follow");
    client.hears_nothing().await;
}

#[tokio::test]
async fn a_stalled_stream_continues_where_it_stopped() {
    let lab = Lab::new([]).await;
    let mut client = lab.stream().await;
    lab.origin.say("one");
    client.until("one\r\n").await;
    lab.switch([Rule { stall: Some(Direction::Down), ..Rule::on(Route::Stream) }]);
    lab.origin.say("two");
    client.hears_nothing().await;
    lab.switch([]);
    client.until("two\r\n").await;
}

#[tokio::test]
async fn a_stalled_request_does_not_reach_the_origin_until_the_stall_is_over() {
    let lab = Lab::new([Rule { stall: Some(Direction::Up), ..Rule::on(Route::Send) }]).await;
    let mut client = lab.client(&post("/rt/send", "late")).await;
    lab.front.until_begun(Route::Send, 1).await;
    client.hears_nothing().await;
    assert!(lab.origin.account().requests.is_empty());
    lab.switch([]);
    client.until("late").await;
}
