//! Feeds arbitrary bytes to the readers of frames. No reader panics, and a frame that a reader accepts keeps its
//! meaning when it is written again.

use proptest::prelude::*;

use throughline::protocol::rewritten as checks;

use super::frames::lines_of;

/// The pieces of input that break parsers most often.
const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"9007199254740992",
    b"\xff",
    b"\n",
];

#[derive(Debug, Clone)]
enum Mutation {
    Insert(prop::sample::Index, usize),
    Replace(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Double(prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), 0..PIECES.len()).prop_map(|(place, piece)| Mutation::Insert(place, piece)),
        (place(), any::<u8>()).prop_map(|(place, byte)| Mutation::Replace(place, byte)),
        (place(), 1..12usize).prop_map(|(place, bytes)| Mutation::Cut(place, bytes)),
        (place(), 1..24usize).prop_map(|(place, bytes)| Mutation::Double(place, bytes)),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        let place = |at: &prop::sample::Index| at.index(bytes.len() + 1);
        match mutation {
            Mutation::Insert(at, piece) => {
                let at = place(at);
                bytes.splice(at..at, PIECES[*piece].iter().copied());
            }
            Mutation::Replace(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Mutation::Cut(at, count) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + count));
            }
            Mutation::Double(at, count) => {
                let at = place(at);
                let copy = bytes[at..bytes.len().min(at + count)].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

/// Generates arbitrary bytes, or a line of the vectors with a few changes.
fn input(file: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let lines = lines_of(file);
    let changed = (prop::sample::select(lines), prop::collection::vec(mutation(), 0..4));
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..80),
        9 => changed.prop_map(|(line, mutations)| mutated(line, &mutations)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_frame_of_a_client_keeps_its_meaning_when_written_again(bytes in input("frames-up.json")) {
        checks::up(&bytes);
    }

    #[test]
    fn an_accepted_frame_of_a_server_keeps_its_meaning_when_written_again(bytes in input("frames-down.json")) {
        checks::down(&bytes);
    }

    #[test]
    fn a_body_is_accepted_line_by_line_or_not_at_all(
        lines in prop::collection::vec(input("frames-up.json"), 0..4),
        whole in any::<bool>(),
    ) {
        let mut all = lines;
        if whole {
            all.insert(0, lines_of("frames-up.json").swap_remove(0));
        }
        checks::body(&all.join(&b'\n'));
    }
}
