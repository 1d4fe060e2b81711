//! A decision now or later.

use futures::future::BoxFuture;

/// A decision that is there at once, or comes later. A backend that knows the answer returns `Now`, which costs the
/// caller nothing.
///
/// # Examples
/// ```
/// use throughline::Decision;
///
/// fn is_allowed(user: String) -> Decision<bool> {
///     if user == "root" {
///         return Decision::Now(true);
///     }
///     Decision::Later(Box::pin(async move { look_up(&user).await }))
/// }
///
/// async fn look_up(user: &str) -> bool {
///     user.len() > 3
/// }
/// ```
#[must_use]
pub enum Decision<T> {
    /// The decision.
    Now(T),
    /// It comes when this future is ready. The node drops the future once no client waits for it.
    Later(BoxFuture<'static, T>),
}
