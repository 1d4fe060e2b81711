//! The task that hands sessions the time, if another server serves the gateway.

use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;

use crate::node::Node;

/// The handle of the task. The task starts with the first request, because only then a runtime is sure to exist. It
/// ends with the last copy of the handle.
#[derive(Clone)]
pub(super) struct Timers(Arc<Inner>);

struct Inner {
    node: Arc<Node>,
    task: OnceLock<AbortHandle>,
}

impl Timers {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self(Arc::new(Inner { node, task: OnceLock::new() }))
    }

    /// Starts the task, unless it runs already.
    pub(super) fn start(&self) {
        self.0.task.get_or_init(|| tokio::spawn(Arc::clone(&self.0.node).run()).abort_handle());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}
