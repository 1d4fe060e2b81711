//! Every frame in PROTOCOL.md is valid.

use throughline::protocol::down::Down;
use throughline::protocol::frame::RawFrame;
use throughline::protocol::up::{Action, Up};

use crate::{file, markdown};

/// The numbered verbs that a gateway writes.
const NUMBERED_DOWN: [&str; 4] = ["pub", "ok", "err", "unsub"];

#[test]
fn every_frame_of_the_protocols_blocks_decodes_in_its_direction() {
    let text = file("PROTOCOL.md");
    let (blocks, _) = markdown::split(&text);
    let mut decoded = [0, 0];
    for block in blocks.iter().filter(|block| block.language() == "text") {
        for (line, content) in (block.line + 1..).zip(&block.lines) {
            if let Some(frame) = content.strip_prefix("> {") {
                up(line, &format!("{{{frame}"));
                decoded[0] += 1;
            }
            let event = content
                .strip_prefix("< data: {")
                // This is the one event that is not a frame.
                .filter(|event| !event.starts_with("\"code\":\"gap\""));
            if let Some(frame) = content.strip_prefix("< {").or(event) {
                down(line, &format!("{{{frame}"));
                decoded[1] += 1;
            }
        }
    }
    assert!(decoded.iter().all(|count| *count > 20), "only {decoded:?} frames were found");
}

fn up(line: usize, text: &str) {
    match Up::read(&RawFrame::text(text.to_owned())) {
        Ok(Up::Command(command)) => {
            // A filler is the one frame that must be answered by an error.
            let withdraws = text.starts_with("{\"skip\"");
            assert_eq!(matches!(command.action, Action::Faulty(_)), withdraws, "PROTOCOL.md:{line}: {command:?}");
        }
        Ok(_) => {}
        Err(why) => panic!("PROTOCOL.md:{line}: {why}: {text}"),
    }
}

fn down(line: usize, text: &str) {
    let frame = RawFrame::text(text.to_owned());
    match Down::read(&frame) {
        Ok(Down::Numbered) => {
            let verb = frame.fields().expect("it was read before").verb;
            assert!(NUMBERED_DOWN.contains(&&*verb), "PROTOCOL.md:{line}: no gateway writes {verb:?}");
        }
        Ok(_) => {}
        Err(why) => panic!("PROTOCOL.md:{line}: {why}: {text}"),
    }
}
