//! Open mode: no application stands behind the gateway, so everybody may do everything, and nobody answers requests.

use super::Backend;

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Backend for Open {}
