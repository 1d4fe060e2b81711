//! Runs one session: its lock, its wakers and its deadlines.
//!
//! There is no task for a session. The future that serves a connection polls the session for lines. The hub's side
//! pushes lines into it. One shared task watches the deadlines of all sessions. This layer is only that mechanism:
//! it must never name hub, backend or node. `cycle` hands the effects of an input to the session's owner, which is
//! an argument.
//!
//! # Layout
//! - `cycle`: the effects of an input, in order
//! - [`cell`]: a session and its wakers behind one short lock
//! - [`kept`]: the bytes that all sessions keep, as one number
//! - [`timers`]: one deadline for each session, one task for all of them

pub mod cell;
pub(crate) mod cycle;
pub mod kept;
pub mod timers;
