//! Open mode: no application stands behind the gateway. So everybody may do everything, and requests get no answer.

use super::Backend;

/// The backend of open mode.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use throughline::{Config, Gateway, Open};
///
/// let gateway = Gateway::with_backend(Config::default(), Arc::new(Open));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Backend for Open {}
