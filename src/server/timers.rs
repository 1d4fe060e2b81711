//! The task that tells sessions the time, where another server serves the gateway.

use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;

use crate::node::Node;

/// The task. It starts with the first request, since only then a runtime is sure to be there. It ends with the last copy.
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

    /// Starts the task, unless it runs.
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
