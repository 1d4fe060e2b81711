//! The hostile network: an HTTP/1.1 proxy inside the process, whose faults are switched while it runs.
//!
//! A [`Front`] listens on a loopback port and carries traffic to one upstream, also on loopback, as a [`Network`] says.
//! It carries faithfully, strips the upgrade, holds a response back, loses it, resets, stalls, and so on. Tests, the
//! benchmark harness, the demo page and any application (`throughline netlab`) stand behind it. It knows HTTP and the
//! last word of our routes, and must never name anything else of the crate. It would do to any application what it does
//! to ours.
//!
//! One request goes through these steps:
//!
//! - `front` accepts it
//! - `classify` finds its route
//! - `exchange` decides how it begins
//! - `body` holds its response back
//! - `shaping` moves the bytes of each direction, of a body or of a `tunnel`
//! - `path` ends it when its time has come

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
