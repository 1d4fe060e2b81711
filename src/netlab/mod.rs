//! The hostile network: an HTTP/1.1 proxy inside the process, whose faults are switched while it runs.
//!
//! A [`Front`] listens on a loopback port and carries what arrives to one upstream, also on loopback, the way a
//! [`Network`] says: faithfully, or stripping the upgrade, holding a response back, losing it, resetting, stalling …
//! Tests, the benchmark harness, the demo page and any application (`throughline netlab`) stand behind it. It knows HTTP
//! and the last word of our routes, and must never name anything else of the crate: what it does to a connection, it
//! would do to anybody's.
//!
//! How one request goes through: `front` accepts, `classify` says what it is, `exchange` decides how it begins, `body` holds its response back,
//! `shaping` moves the bytes of each direction (of a body or of a `tunnel`), `path` ends it when its time has come.

mod body;
mod classify;
mod exchange;
mod faults;
mod front;
mod milliseconds;
mod network;
mod path;
mod presets;
mod random;
mod registry;
mod shaping;
mod tunnel;
mod upstream;
mod wire;

pub use faults::{Answer, Buffer, Direction, Headers, Hiccup, Idle, Lost, Opening, Silence, Until, When};
pub use front::Front;
pub use network::{Network, Route, Rule};
pub use upstream::Upstream;
