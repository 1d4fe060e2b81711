//! Runs one session: its lock, its wakers and its deadlines.
//!
//! There is no task for a session. The future that serves a connection polls the session for lines. The hub's side pushes lines
//! into it. One shared task watches the deadlines of all sessions. This layer is only that mechanism: it must never name hub,
//! backend or node. An input comes back as effects, and `cycle` hands those to its owner, which is an argument.
//!
//! # Layout
//! - `cycle`: one page: what an input leads to, in order
//! - [`cell`]: a session and its wakers behind one short lock
//! - [`timers`]: one deadline for a session, one task for all of them

pub mod cell;
pub(crate) mod cycle;
pub mod timers;
