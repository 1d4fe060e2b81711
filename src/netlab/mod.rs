//! The hostile network.
