//! A channel's machine whose messages overtake the answer to its fetch.
//!
//! 1. The machine has a live subscriber at position 0, and checks its place: it asks the broker for what follows 0.
//! 2. While the request is on its way, the broker stores more publications than its history keeps.
//! 3. The broker's messages bring them to the machine, without a hole. Its place moves on.
//! 4. The answer proves nothing of position 0, since the publications after it are no longer all there.
//!
//! The subscriber missed nothing. So it must not be reset.

use std::sync::Arc;
use std::time::Duration;

use super::channel::Channel;
use super::events::{Delivery, Input, Output, Outputs, Settings, Wish};
use crate::broker::{Stretch, Ticket};
use crate::protocol::limits::Room;
use crate::protocol::{Line, Position};

const CHECK_EVERY: Duration = Duration::from_secs(60);

fn stretch(before: u64, count: usize) -> Stretch<Line> {
    let line = Line::compose(|buffer| buffer.extend_from_slice(b"{}"));
    Stretch { epoch: "e".into(), before, items: vec![line; count] }
}

fn at(at: u64) -> Position {
    Position { epoch: "e".to_owned(), at }
}

struct Machine(Channel<u64>);

impl Machine {
    /// A machine with a subscriber at position 0, and the ticket of its check.
    fn checking() -> (Self, Ticket) {
        let room = Room { frames: 1_000, bytes: 100_000 };
        let settings = Settings {
            appends: 1,
            joiners: 1,
            held: room,
            patience: Duration::from_secs(2),
            pause: [Duration::from_secs(1); 2],
            check_every: Some(CHECK_EVERY),
        };
        let mut machine = Self(Channel::new(Arc::new(settings), 0));
        let ticket = machine.0.ticket();
        let outputs = machine.handle(Input::Subscribe(Wish { ticket, key: 1, subscriber: 1, since: None, room }));
        let (fetch, _) = asked(&outputs).unwrap();
        machine.handle(Input::Fetched(fetch, vec![stretch(0, 0)]));
        let (check, after) = asked(&machine.handle(Input::Timeout)).unwrap();
        assert_eq!(after, [at(0)]);
        (machine, check)
    }

    /// Every input comes at the time of the check.
    fn handle(&mut self, input: Input<u64>) -> Outputs {
        let mut outputs = Outputs::new();
        let now = if matches!(input, Input::Timeout) { CHECK_EVERY } else { Duration::ZERO };
        self.0.handle(now, input, &mut outputs);
        outputs
    }
}

/// The fetch that the machine asks for, and its positions.
fn asked(outputs: &Outputs) -> Option<(Ticket, Vec<Position>)> {
    outputs.iter().find_map(|output| match output {
        Output::Fetch(ticket, after) => Some((*ticket, after.clone())),
        _ => None,
    })
}

/// How many lines the subscriber gets. `None` if it is reset.
fn delivered(outputs: &Outputs) -> Option<usize> {
    let lines = outputs.iter().map(|output| match output {
        Output::Deliver(Delivery::Lines(lines)) => Some(lines.len()),
        Output::Deliver(Delivery::Reset { .. }) => None,
        _ => Some(0),
    });
    lines.sum()
}

#[test]
fn an_answer_older_than_the_messages_that_came_meanwhile_resets_no_subscriber() {
    let (mut machine, check) = Machine::checking();
    assert_eq!(delivered(&machine.handle(Input::Heard(stretch(0, 50)))), Some(50));
    let outputs = machine.handle(Input::Fetched(check, vec![stretch(45, 0)]));
    assert_eq!((delivered(&outputs), asked(&outputs)), (Some(0), None));
    assert_eq!(delivered(&machine.handle(Input::Heard(stretch(50, 1)))), Some(1));
}

#[test]
fn an_answer_that_proves_nothing_of_a_place_that_moved_is_asked_for_again() {
    let (mut machine, check) = Machine::checking();
    assert_eq!(delivered(&machine.handle(Input::Heard(stretch(0, 30)))), Some(30));
    let outputs = machine.handle(Input::Fetched(check, vec![stretch(45, 0)]));
    assert_eq!(delivered(&outputs), Some(0));
    let (again, after) = asked(&outputs).unwrap();
    assert_eq!(after, [at(30)]);
    assert_eq!(delivered(&machine.handle(Input::Fetched(again, vec![stretch(30, 15)]))), Some(15));
}

#[test]
fn an_answer_that_proves_nothing_of_a_place_that_did_not_move_is_a_reset() {
    let (mut machine, check) = Machine::checking();
    assert_eq!(delivered(&machine.handle(Input::Fetched(check, vec![stretch(45, 0)]))), None);
}

#[test]
fn a_subscriber_whose_position_is_proven_waits_while_the_place_is_not() {
    let (mut machine, check) = Machine::checking();
    machine.handle(Input::Fetched(check, vec![stretch(0, 0)]));
    let (ticket, room) = (machine.0.ticket(), Room { frames: 1_000, bytes: 100_000 });
    let wish = Wish { ticket, key: 2, subscriber: 2, since: Some(at(40)), room };
    let (fetch, after) = asked(&machine.handle(Input::Subscribe(wish))).unwrap();
    assert_eq!(after, [at(0), at(40)]);
    machine.handle(Input::Heard(stretch(0, 30)));
    let outputs = machine.handle(Input::Fetched(fetch, vec![stretch(40, 5)]));
    assert!(!outputs.iter().any(|output| matches!(output, Output::Started { .. })));
    let (again, after) = asked(&outputs).unwrap();
    assert_eq!(after, [at(30), at(40)]);
    let outputs = machine.handle(Input::Fetched(again, vec![stretch(30, 15)]));
    let started = outputs.iter().find_map(|output| match output {
        Output::Started { start, missed, .. } => Some((start.recovered, missed.len())),
        _ => None,
    });
    assert_eq!((delivered(&outputs), started), (Some(15), Some((true, 1))));
}
