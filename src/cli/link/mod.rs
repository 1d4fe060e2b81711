//! A client of the protocol for commands: the session's own client half, and the leanest speaker of each transport
//! under it.
//!
//! # Layout
//! - `client`: the session and the carriers of its legs; one task polls it
//! - `words`: why the gateway refused
//! - `carrier`: a leg of any transport; `arrival`: what it brings
//! - `websocket`, `exchange`: a socket; an HTTP connection
//! - `http`: the bytes of a response
//! - `socket`: counts bytes, and cuts

mod arrival;
mod carrier;
mod client;
mod exchange;
mod http;
mod socket;
mod websocket;
mod words;

pub(super) use client::{Client, Event};
pub(super) use socket::{Traffic, dial};
pub(super) use websocket::open;
pub(super) use words::Words;

/// Reports a status that the request should not get.
fn answered(status: u16) -> String {
    format!("answered {status}")
}

/// Reports that there is no TLS connection.
fn no_tls(why: &str) -> String {
    format!("TLS: {why}")
}

/// Returns whether something on the way said no, and would say so again: a status of 400 to 499, except "too many", or
/// a certificate that is not trusted.
pub(super) fn is_refusal(why: &str) -> bool {
    if why.starts_with(&no_tls("")) {
        return true;
    }
    let status = why.strip_prefix("answered ").and_then(|status| status.parse::<u16>().ok());
    status.is_some_and(|status| (400..500).contains(&status) && status != 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_what_may_pass() {
        assert!(is_refusal(&answered(403)) && is_refusal(&answered(400)) && is_refusal(&no_tls("expired")));
        for other in [answered(429), answered(502), answered(200), "closed".to_owned()] {
            assert!(!is_refusal(&other), "{other}");
        }
    }
}
