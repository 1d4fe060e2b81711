//! A decision that is there at once, or comes later.

use futures::future::BoxFuture;

/// See the module. A backend that knows the answer says it by `Now`, which costs the caller nothing.
#[must_use]
pub enum Decision<T> {
    /// The decision.
    Now(T),
    /// It comes when this is ready. The node drops it if nobody waits for it any more.
    Later(BoxFuture<'static, T>),
}
