//! A client of the protocol for measuring: the session's own client half, and the leanest speaker of each transport under it.
//!
//! # Layout
//! - `client`: the session and what carries its legs; one task polls it
//! - `carrier`: a leg of any transport
//! - `websocket`, `exchange`: a socket; an HTTP connection
//! - `http`: the bytes of a response
//! - `socket`: bytes are counted there, and cut

mod carrier;
mod client;
mod exchange;
mod http;
mod socket;
mod websocket;

pub(super) use client::{Client, Event};
pub(super) use socket::{Traffic, dial};
pub(super) use websocket::open;
