//! Sequences of operations, sensible and not.

use proptest::prelude::*;

use crate::protocol::Transport;
use crate::session::mutant::{Mutant, Mutation};
use crate::session::server::watch::operations::{ALL_BYTES, GREATEST, Hello, Operation, Text};
use crate::session::server::watch::{fresh, run};
use crate::simulation::Random;

fn hello() -> impl Strategy<Value = Hello> {
    (
        prop::option::weighted(0.7, prop::bool::weighted(0.95)),
        1..6u32,
        prop::option::weighted(0.6, 1..12u32),
        prop_oneof![8 => Just(0), 6 => 0..8u64, 1 => Just(GREATEST)],
        prop_oneof![8 => Just(1), 6 => 1..8u64, 1 => Just(GREATEST)],
        prop::option::weighted(0.2, prop_oneof![0..20_000u64, Just(GREATEST)]),
    )
        .prop_map(|(id, leg, turn, received, next, wish)| Hello {
            received: if id.is_some() { received } else { 0 },
            id,
            leg,
            turn,
            next,
            wish,
        })
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => Just(Text::Publish),
        1 => Just(Text::Faulty),
        2 => (0..9u64).prop_map(Text::Ping),
        1 => (0..9u64).prop_map(Text::LongPing),
        1 => Just(Text::Pong),
        3 => (0..8u64, 1..8u64).prop_map(|(ack, next)| Text::Ack(ack, Some(next))),
        1 => (0..8u64).prop_map(|ack| Text::Ack(ack, None)),
        1 => Just(Text::Nonsense),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let transport = prop::sample::select(Transport::ALL.to_vec());
    let lines = || prop::collection::vec(text(), 0..4);
    prop_oneof![
        4 => (transport, hello(), lines()).prop_map(|(t, h, l)| Operation::Attach(t, h, l)),
        3 => (hello(), lines()).prop_map(|(h, l)| Operation::Send(h, l)),
        6 => (0..9usize, text()).prop_map(|(place, text)| Operation::Frame(place, text)),
        2 => (0..9usize, hello()).prop_map(|(place, hello)| Operation::Again(place, hello)),
        5 => prop_oneof![3 => Just(0), 1 => 1_000..5_000usize].prop_map(Operation::Push),
        1 => Just(Operation::Link),
        1 => (1..8u8, 0..5_000u64).prop_map(|(bits, jitter)| Operation::Offer(bits, jitter)),
        2 => (0..9usize).prop_map(Operation::Closed),
        1 => (0..9usize).prop_map(Operation::Hurry),
        1 => Just(Operation::EndLegs),
        3 => Just(Operation::Timeout),
        4 => prop_oneof![0..50u64, 900..2_000u64, 10_000..40_000u64].prop_map(Operation::Later),
        6 => prop_oneof![1..60usize, Just(ALL_BYTES)].prop_map(Operation::Write),
    ]
}

/// The checks can fail. The other rules show only between two halves, and there the simulation catches their mutants.
#[test]
fn a_session_that_activates_a_leg_by_its_own_belief_is_caught_by_some_sequence_of_operations() {
    let is_caught = |seed| {
        let mut random = Random::new(seed);
        let operations: Vec<Operation> = (0..60).map(|_| Operation::draw(&mut random)).collect();
        let session = fresh().mutated(Mutation::of(Some(Mutant::ActivationByBelief)));
        std::panic::catch_unwind(|| run(session, operations)).is_err()
    };
    assert!((0..20_000).any(is_caught));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_keeps_the_bounds(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        run(fresh(), operations);
    }
}
