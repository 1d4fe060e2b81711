//! Writes frames as JSON.

use serde::Serialize;

use super::line::Line;

/// Writes a frame from anything that serialises to an object.
pub(super) fn json_line(frame: &impl Serialize) -> Line {
    Line::compose(|buffer| write_json(buffer, frame))
}

/// Appends the bytes before a value, and the value.
///
/// The frames of each leg and each command are written field by field. That takes half the instructions of a
/// derived writer.
pub(super) fn write_field(buffer: &mut Vec<u8>, before: &[u8], value: &impl Serialize) {
    buffer.extend_from_slice(before);
    write_json(buffer, value);
}

/// Appends JSON. Writing our own types to memory cannot fail, because they hold no map with keys other than
/// strings.
fn write_json(buffer: &mut Vec<u8>, value: &impl Serialize) {
    if let Err(error) = serde_json::to_writer(buffer, value) {
        unreachable!("serialising to memory: {error}");
    }
}
