//! A connection's place among those that the server allows.

use std::any::Any;
use std::sync::Arc;

/// The permit of one connection. The place is free again once all clones are dropped. Whatever serves the connection
/// last keeps one: a WebSocket lives longer than the HTTP task that upgraded it.
#[derive(Clone)]
pub struct ConnectionPermit(pub Arc<dyn Any + Send + Sync>);
