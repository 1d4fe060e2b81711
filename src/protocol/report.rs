//! A client's report about its search for a connection (`hello.client`). It serves metrics, and nothing else.
//!
//! The reader is lenient: it skips an unknown key, transport or reason, and ignores a report of another shape. The
//! gateway must never turn a newer client away for its report. Only the length is limited, before the report is
//! read here.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Transport, limits};

/// How an attempt failed. The client's transport events have the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Something answered, but no leg did.
    Refused,
    /// Nothing answered in time.
    Timeout,
    /// It opened, and no welcome came.
    Mute,
    /// The welcome came, but the proof did not: something delays writes.
    Buffered,
    /// It was proven, and then closed.
    Closed,
    /// It was proven, and then fell silent.
    Stalled,
    /// Another leg was much faster.
    Slow,
    /// A better leg took over.
    Better,
    /// The server asked for it.
    Server,
    /// The client was offline.
    Offline,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::Timeout,
        Self::Mute,
        Self::Buffered,
        Self::Closed,
        Self::Stalled,
        Self::Slow,
        Self::Better,
        Self::Server,
        Self::Offline,
    ];

    /// Returns the word in reports, events and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Mute => "mute",
            Self::Buffered => "buffered",
            Self::Closed => "closed",
            Self::Stalled => "stalled",
            Self::Slow => "slow",
            Self::Better => "better",
            Self::Server => "server",
            Self::Offline => "offline",
        }
    }
}

/// What a client reports about its search for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The time since the client began to look for a connection.
    pub searched: Option<Duration>,
    /// The attempts that failed since the last report that was answered, and how each failed.
    pub tried: Vec<(Transport, Reason)>,
}

impl Report {
    /// Reads the known part of a report. Returns `None` if the text is not a report at all.
    pub(super) fn read(text: &RawValue) -> Option<Self> {
        let told: Value = serde_json::from_str(text.get()).ok()?;
        let told = told.as_object()?;
        let searched = told.get("ms").and_then(Value::as_f64).filter(|ms| *ms >= 0.0);
        let searched = searched.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
        let tried = told.get("tried").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self {
            searched: searched.filter(|time| *time <= limits::LONGEST_SEARCH),
            tried: tried.iter().filter_map(attempt).collect(),
        })
    }
}

fn attempt(told: &Value) -> Option<(Transport, Reason)> {
    let [transport, reason, ..] = told.as_array()?.as_slice() else { return None };
    let transport = transport.as_str()?.parse().ok()?;
    let reason = Reason::ALL.into_iter().find(|known| reason.as_str() == Some(known.name()))?;
    Some((transport, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Report> {
        Report::read(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn unknown_parts_are_skipped_and_the_rest_counts() {
        let report = read(
            r#"{"ms":1234.5,"lib":"x","tried":[["websocket","mute",7],["pigeon","mute"],["sse","tired"],["sse"],7,["poll","buffered"]]}"#,
        );
        let tried = vec![(Transport::WebSocket, Reason::Mute), (Transport::Poll, Reason::Buffered)];
        assert_eq!(report, Some(Report { searched: Some(Duration::from_micros(1_234_500)), tried }));
    }

    #[test]
    fn impossible_times_and_other_shapes_are_ignored() {
        for ms in ["-1", "1e300", "86400001", "\"7\"", "null", "[]"] {
            let report = read(&format!(r#"{{"ms":{ms},"tried":"x"}}"#));
            assert_eq!(report, Some(Report { searched: None, tried: Vec::new() }), "{ms}");
        }
        for text in ["1", "\"console 1.0\"", "null", "[]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
