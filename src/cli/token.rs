//! `throughline token`: makes a token for a trial, with a secret of the gateway.
//!
//! A deployed application signs its tokens itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::{say, usage};
use crate::backend::grants::{Action, Grant, Grants};
use crate::backend::tokens::auth::Auth;
use crate::backend::tokens::bad_auth::secrets;
use crate::backend::tokens::sign::Statement;
use crate::server::config::Config;

/// The longest life of a token: ten years.
const MOST_SECONDS: u64 = 10 * 365 * 86_400;

#[derive(Args)]
pub(super) struct Token {
    /// The TOML file of the gateway; its first secret signs, and the token names its audience and its issuer.
    #[arg(long, value_name = "FILE", required_unless_present = "secret_file")]
    config: Option<PathBuf>,
    /// A file whose first line signs instead.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The name of the user.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// How long the token is valid, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    ttl: u64,
    /// A grant on channels, such as `room/{room}=subscribe,publish`; may be repeated.
    #[arg(long, value_name = "PATTERN=ACTIONS", value_parser = grant)]
    channel: Vec<Grant>,
}

pub(super) fn run(options: &Token) -> ExitCode {
    match make(options) {
        Ok(token) => {
            say(&token);
            ExitCode::SUCCESS
        }
        Err(why) => usage(&why),
    }
}

fn make(options: &Token) -> Result<String, String> {
    let mut auth = match &options.config {
        None => Auth::default(),
        Some(path) => {
            let config = Config::from_file(path).map_err(|why| why.to_string())?;
            config.auth.ok_or_else(|| format!("{}: it has no table [auth]", path.display()))?
        }
    };
    auth.secret_file = options.secret_file.clone().or(auth.secret_file);
    let secrets = secrets(&auth).map_err(|why| why.to_string())?;
    let secret = secrets.first().ok_or("[auth] has no secret, and its other keys only verify; pass --secret-file")?;
    let grants = (!options.channel.is_empty()).then(|| Grants(options.channel.clone()));
    let statement = Statement {
        user: &options.user,
        grants: grants.as_ref(),
        audience: auth.audience.as_deref(),
        issuer: auth.issuer.as_deref(),
        issued: SystemTime::now(),
        lifetime: Duration::from_secs(options.ttl),
    };
    statement.sign(secret).map_err(|why| why.to_string())
}

/// Reads a pattern and the actions behind its last `=`.
fn grant(text: &str) -> Result<Grant, String> {
    let form = || format!("{text:?} is not a pattern and actions, like room/{{room}}=subscribe,publish");
    let (pattern, actions) = text.rsplit_once('=').filter(|(pattern, _)| !pattern.is_empty()).ok_or_else(form)?;
    let allow = actions.split(',').map(action).collect::<Result<_, _>>()?;
    Ok(Grant { pattern: pattern.to_owned(), allow })
}

fn action(name: &str) -> Result<Action, String> {
    let unknown = |_| format!("{name:?} is not one of subscribe, publish, presence and history");
    serde_json::from_value(name.into()).map_err(unknown)
}
