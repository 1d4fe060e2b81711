//! A realtime gateway as a library: sessions that hold while the network under them changes.
//!
//! A client of the JavaScript package `throughline` has one session. Three transports carry it: WebSocket, SSE with
//! HTTP POST, and long-poll. The client moves the session to another transport when the one in use fails. No message is
//! lost, duplicated or reordered by that, in either direction.
//!
//! This crate is for Rust applications that hold the gateway themselves. Others run the command `throughline serve`,
//! and need no Rust.
//!
//! # Embedding
//!
//! [`Gateway::router`] nests the sessions into an axum application, and [`Gateway::handle`] publishes from it:
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::get;
//! use serde_json::json;
//! use std::net::SocketAddr;
//! use throughline::{Config, Gateway};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::new(Config::default());
//! let app = Router::new().route("/", get(|| async { "home" })).nest("/rt", gateway.router());
//!
//! gateway.handle().publish("news", json!({ "text": "hello" })).await?;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` is a whole application. [`Gateway::serve`] is for a gateway with a listener of its own. There an
//! idle connection costs about 2 KB; behind another server it costs several times as much.
//!
//! # Deciding
//!
//! A [`Backend`] decides for the application: which client may connect, subscribe and publish. [`Open`] allows
//! everything.
//!
//! # Configuring
//!
//! With [`Config::default`] the gateway listens on loopback only. [`Config::from_file`] reads a TOML file over the
//! defaults, and [`Config::with_environment`] reads variables over that. An application may also set the fields.
//! [`Config::check`] finds keys that contradict each other.
//!
//! # What holds
//!
//! - There is no global state. Two gateways in one process share nothing.
//! - Every input is bounded, and no input causes a panic.
//! - Dropping the last copy of the router, the [`Gateway`] and its handles ends the gateway.
//!
//! # Features
//!
//! - `cli`, on by default: the command. An application sets `default-features = false`.
//!
//! All other modules are public for the command and for tests. They may change in each release.

// The fuzz targets use a part of the simulations.
#![cfg_attr(all(fuzzing, not(test)), allow(dead_code, unused_imports, unused_macros))]

#[doc(hidden)]
pub mod backend;
#[doc(hidden)]
pub mod broker;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod driver;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "no product build has it")]
pub mod fuzzing;
#[doc(hidden)]
pub mod hub;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod netlab;
#[doc(hidden)]
pub mod node;
#[doc(hidden)]
pub mod protocol;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod session;
#[cfg(any(test, fuzzing))]
#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "no product build has it")]
mod simulation;
#[doc(hidden)]
pub mod transport;

#[doc(inline)]
pub use crate::{
    backend::{
        Asker, Backend, Connecting, Identity,
        decision::Decision,
        open::Open,
        pattern::{BadPattern, Pattern},
        rules::{
            BadRules,
            rule::{Kept, Presence, RateLimits, Rule, Tell, UnknownWord, Word},
        },
        tokens::{
            Tokens,
            auth::{Algorithm, Auth, BadKeys, ShortSecret, SigningSecret, UnknownAlgorithm},
            bad_auth::BadAuth,
            key::BadKey,
            url::{BadKeySetUrl, KeySetUrl},
        },
    },
    protocol::{
        BadOffer, ChannelName, SessionId, Transport, UnknownTransport,
        code::{Code, Refusal},
        id::BadChannelName,
        payload::{BadJson, Json, Payload},
        token::Token,
    },
    server::{
        Gateway, Stopped,
        config::{
            BadFile, BadPath, BadVariable, Change, Config, Conflict, History as HistorySection, Inner as InnerSection,
            Limits as LimitsSection, Reload, Server as ServerSection, Session as SessionSection, Setting, Wrong,
        },
        forwarded::{BadPrefix, Prefix},
        gate::{AllowedOrigin, BadOrigin},
        handle::Handle,
        inner::key::{ApiKey, BadKeyDigest, KeyDigest, Scope, UnknownScope},
    },
    transport::{Arrival, Peer},
};
