//! The check of tokens and the rules of channels, by the configuration.

use std::sync::Arc;

use tracing::error;

use super::config::Config;
use crate::backend::Backend;
use crate::backend::access::{Access, Guests, SigningIn};
use crate::backend::rules::Rules;
use crate::backend::tokens::Tokens;
use crate::backend::tokens::bad_auth::BadAuth;

/// Returns the part that decides, and why no token can be checked, if that is so. Then every client is refused: a gateway that was told to
/// check tokens must never serve without the check.
pub(super) fn access(config: &Config, backend: Arc<dyn Backend>) -> (Access, Option<BadAuth>) {
    let rules = rules(config);
    let Some(auth) = &config.auth else { return (Access::new(None, rules, backend), None) };
    let guests = if auth.anonymous { Guests::Stay } else { Guests::Leave };
    match Tokens::new(auth) {
        Ok(tokens) => {
            let signing_in = SigningIn { tokens: Some(tokens), guests, leeway: auth.leeway };
            (Access::new(Some(signing_in), rules, backend), None)
        }
        Err(why) => {
            error!("no client is let in, because no token can be checked: {why}");
            let signing_in = SigningIn { tokens: None, guests, leeway: auth.leeway };
            (Access::new(Some(signing_in), rules, backend), Some(why))
        }
    }
}

/// Returns the rules of the configuration. Rules that contradict each other allow nothing.
pub(super) fn rules(config: &Config) -> Rules {
    config.rules().unwrap_or_else(|why| {
        error!("no channel is open, because the rules of channels contradict each other: {why}");
        Rules::closed()
    })
}
