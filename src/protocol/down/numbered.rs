//! Numbered frames from server to client: answers, and what happens in a channel.

use serde::Serialize;

use super::super::Position;
use super::super::code::Refusal;
use super::super::frame::Payload;
use super::super::id::ChannelName;
use super::super::json::{json_line, write_field};
use super::super::line::Line;
use super::super::publication::Publication;

/// Writes `ok` without any other field.
#[must_use]
pub fn ok(id: u64) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        buffer.push(b'}');
    })
}

/// Writes `ok` to a publication, with its offset.
#[must_use]
pub fn ok_published(id: u64, at: u64) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        write_field(buffer, b",\"at\":", &at);
        buffer.push(b'}');
    })
}

/// Writes `ok` to a subscription. Publications follow from `position.at + 1`.
#[must_use]
pub fn ok_subscribed(id: u64, position: &Position, recovered: bool) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        write_field(buffer, b",\"epoch\":", &&*position.epoch);
        write_field(buffer, b",\"at\":", &position.at);
        buffer.extend_from_slice(if recovered { b",\"recovered\":true}" } else { b",\"recovered\":false}" });
    })
}

/// Writes `err`: the answer to a command that the gateway could not carry out.
#[must_use]
pub fn err(id: u64, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        err: u64,
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    }
    let retry_after_ms = refusal.retry_after().and_then(|wait| u64::try_from(wait.as_millis()).ok());
    json_line(&Frame { err: id, code: refusal.code().name(), message: &refusal.message(), retry_after_ms })
}

/// Writes `reset`: the order of a channel breaks, and publications follow from `position.at + 1`. If `recovered` is
/// true, nothing is missing before it.
#[must_use]
pub fn reset(channel: &ChannelName, position: &Position, recovered: bool) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        reset: &'a str,
        epoch: &'a str,
        at: u64,
        recovered: bool,
        cause: &'a str,
    }
    let Position { epoch, at } = position;
    json_line(&Frame { reset: channel.as_str(), epoch, at: *at, recovered, cause: "broker" })
}

/// Writes `pub`: a publication, encoded once for all its subscribers.
#[must_use]
pub fn publication(channel: &ChannelName, at: u64, Publication { payload, told }: &Publication) -> Line {
    let head = |buffer: &mut Vec<u8>| {
        write_field(buffer, b"{\"pub\":", &channel.as_str());
        write_field(buffer, b",\"at\":", &at);
        if let Some(told) = told {
            told.by.iter().for_each(|by| write_field(buffer, b",\"by\":", by));
            told.time.iter().for_each(|time| write_field(buffer, b",\"time\":", time));
        }
    };
    match payload {
        Payload::Json(data) => Line::compose(|buffer| {
            head(buffer);
            buffer.extend_from_slice(b",\"data\":");
            buffer.extend_from_slice(data);
            buffer.push(b'}');
        }),
        Payload::Binary(bytes) => Line::compose_binary(head, bytes),
    }
}

/// Writes `unsub`: the gateway ended a subscription.
#[must_use]
pub fn unsubscribed(channel: &ChannelName, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        unsub: &'a str,
        code: &'a str,
        message: &'a str,
    }
    json_line(&Frame { unsub: channel.as_str(), code: refusal.code().name(), message: &refusal.message() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::publication::Told;

    #[test]
    fn frames_written_by_hand_are_json() {
        let position = Position { epoch: "a\"b".into(), at: 7 };
        for (line, expected) in [
            (ok(1), r#"{"ok":1}"#),
            (ok_published(1, u64::MAX), r#"{"ok":1,"at":18446744073709551615}"#),
            (ok_subscribed(1, &position, true), r#"{"ok":1,"epoch":"a\"b","at":7,"recovered":true}"#),
            (ok_subscribed(1, &position, false), r#"{"ok":1,"epoch":"a\"b","at":7,"recovered":false}"#),
        ] {
            assert_eq!(std::str::from_utf8(line.json()).unwrap(), expected);
        }
    }

    #[test]
    fn a_publication_names_its_user_and_its_time_before_its_data() {
        let told = Told { by: Some("4\"2".into()), time: Some(1_764_446_400_123) };
        let channel = ChannelName::try_from("c").unwrap();
        let line = |payload: Payload| {
            let told = Some(Arc::new(told.clone()));
            String::from_utf8(publication(&channel, 7, &Publication { payload, told }).json().to_vec()).unwrap()
        };
        let head = r#"{"pub":"c","at":7,"by":"4\"2","time":1764446400123,"#;
        assert_eq!(line(serde_json::json!(1).into()), format!(r#"{head}"data":1}}"#));
        assert_eq!(line(vec![1_u8].into()), format!(r#"{head}"b64":"AQ=="}}"#));
        assert_eq!(publication(&channel, 7, &serde_json::json!(1).into()).json(), br#"{"pub":"c","at":7,"data":1}"#);
    }
}
