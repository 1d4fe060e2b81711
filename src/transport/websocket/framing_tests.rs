//! Framing against an independent implementation: the same bytes into both, the same messages and the same verdict.

use std::io::Cursor;

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use super::framing::{Decoder, Fault, Message, Opcode, append};
use super::framing_oracle::{End, LONGEST, Wire, ours, theirs};

use crate::protocol::deflate;

/// A client's frame, as it should be or nearly so.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![8 => prop::sample::select(vec![0u8, 1, 2, 8, 9, 10]), 1 => 0u8..16];
    let content = prop_oneof![
        6 => prop::collection::vec(0x20u8..0x7f, 0..140),
        2 => prop::collection::vec(any::<u8>(), 0..8),
        1 => prop::collection::vec(0x20u8..0x7f, 120..400),
        1 => (990u16..1020).prop_map(|code| code.to_be_bytes().to_vec()),
        1 => Just("é".repeat(10).into_bytes()),
    ];
    let first = prop_oneof![6 => Just(0x80u8), 3 => Just(0u8), 1 => (0u8..8).prop_map(|bits| bits << 4)];
    (first, opcode, prop::bool::weighted(0.95), any::<[u8; 4]>(), content).prop_map(
        |(first, opcode, masked, mask, content)| {
            let mut frame = vec![first | opcode];
            let bit = if masked { 0x80 } else { 0 };
            match content.len() {
                short @ ..126 => frame.push(bit | short as u8),
                long => {
                    frame.push(bit | 126);
                    frame.extend_from_slice(&(long as u16).to_be_bytes());
                }
            }
            let mask = if masked { mask } else { [0; 4] };
            if masked {
                frame.extend_from_slice(&mask);
            }
            frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            frame
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn the_same_frames_make_the_same_messages_and_the_same_verdict(
        frames in prop::collection::vec(frame(), 1..8),
        cut in 0usize..12,
        pieces in prop::collection::vec(0usize..60, 0..12),
    ) {
        let whole = frames.concat();
        let bytes = &whole[..whole.len().saturating_sub(cut)];
        let (ours, theirs_so_far) = (ours(bytes, &pieces, false), theirs(bytes));
        // The other waits for a frame whole before it judges its header.
        let early = theirs_so_far.1 == End::WantsMore && ours.1 != End::WantsMore;
        prop_assert_eq!(ours, if early { theirs(&whole) } else { theirs_so_far });
    }

    #[test]
    fn arbitrary_bytes_in_arbitrary_pieces_are_judged_as_in_one(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        pieces in prop::collection::vec(0usize..20, 0..20),
    ) {
        prop_assert_eq!(ours(&bytes, &pieces, false), ours(&bytes, &[], false));
    }

    #[test]
    fn the_library_reads_messages_as_they_were_written(content in prop::collection::vec(any::<u8>(), 0..70_000)) {
        let mut bytes = Vec::new();
        append(&mut bytes, Opcode::Binary, &content);
        let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(&bytes)), Role::Client, None);
        prop_assert_eq!(socket.read().unwrap(), tungstenite::Message::binary(content));
    }
}

#[test]
fn a_length_that_no_message_may_have_is_refused_before_any_of_it_has_come() {
    let mut frame = vec![0x82, 0x80 | 127];
    frame.extend_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(Decoder::new(LONGEST, false).feed(&frame, |_| ()), Err(Fault::TooLong(Some(u64::MAX))));
    let piece = [&[0x02, 0x80 | 100, 0, 0, 0, 0], [b'x'; 100].as_slice()].concat();
    let mut decoder = Decoder::new(150, false);
    assert_eq!(decoder.feed(&piece, |_| ()), Ok(()));
    assert_eq!(decoder.feed(&[0x00, 0x80 | 51], |_| ()), Err(Fault::TooLong(Some(151))));
}

/// A client's whole frame of under 126 bytes, with a mask of zero.
fn short(first: u8, content: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | content.len() as u8, 0, 0, 0, 0], content].concat()
}

#[test]
fn a_compressed_message_is_read_whole_or_in_pieces_where_that_was_agreed_on() {
    let text = "again and ".repeat(20);
    let deflated = deflate::message(text.as_bytes()).unwrap();
    let (start, end) = deflated.split_at(7);
    let feed = |bytes: &[u8], longest| {
        let mut messages = Vec::new();
        Decoder::new(longest, true).feed(bytes, |message| messages.push(message)).map(|()| messages)
    };
    let expected = Ok(vec![Message::Text(text.clone().into())]);
    assert_eq!(feed(&short(0xc1, &deflated), LONGEST), expected);
    assert_eq!(
        feed(&[short(0x41, start), short(0x89, b"ping"), short(0x80, end)].concat(), LONGEST)
            .map(|messages| messages.into_iter().skip(1).collect()),
        expected
    );
    assert_eq!(feed(&short(0x81, b"plain"), LONGEST), Ok(vec![Message::Text("plain".into())]));
    assert_eq!(feed(&short(0xc1, &deflated), text.len() - 1), Err(Fault::TooLong(None)));
    assert!(matches!(feed(&short(0xc1, b"\xff\xff"), LONGEST), Err(Fault::Protocol(_))));
    assert_eq!(feed(&short(0xc1, &deflate::message(&[0xff; 200]).unwrap()), LONGEST), Err(Fault::NotUtf8));
    let reserved = Err(Fault::Protocol("a reserved bit is set"));
    for wrong in [0xc9, 0xa1, 0xe1, 0xc0] {
        assert_eq!(feed(&short(wrong, &deflated), LONGEST), reserved, "{wrong:x}");
    }
    assert_eq!(Decoder::new(LONGEST, false).feed(&short(0xc1, &deflated), |_| ()), reserved.map(|_: Vec<Message>| ()));
}
