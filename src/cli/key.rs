//! `throughline key`: makes a key of the API, and the table that lets it in.
//!
//! The table holds the digest of the key. So this is the only time that the key is shown.

use std::process::ExitCode;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use super::{failed, say, usage};
use crate::backend::pattern::Pattern;
use crate::server::config::Config;
use crate::server::inner::key::{KeyDigest, PREFIX, Scope};

/// The random bytes of a key: 256 bits.
const BYTES: usize = 32;

#[derive(Args)]
pub(super) struct Key {
    /// The name of the key, which the log shows.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A scope of the key: publish, read or manage; may be repeated.
    #[arg(long, value_name = "SCOPE", required = true)]
    scope: Vec<Scope>,
    /// A pattern of the channels of the key, such as `room/{room}`; may be repeated.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    channel: Vec<Pattern>,
}

pub(super) fn run(options: &Key) -> ExitCode {
    let mut random = [0; BYTES];
    if rand::fill(&mut random).is_err() {
        return failed("this system has no random numbers");
    }
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let table = table(options, &KeyDigest::of(&key));
    if let Err(why) = Config::from_toml(&table) {
        return usage(&why.wrong.to_string());
    }
    say(&format!("{key}\n\n{table}"));
    ExitCode::SUCCESS
}

/// Returns the table for the file of the gateway.
fn table(options: &Key, digest: &KeyDigest) -> String {
    // A string of JSON is one of TOML, too.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let list = |texts: Vec<String>| format!("[{}]", texts.join(", "));
    let scopes = list(options.scope.iter().map(|scope| quoted(scope.name())).collect());
    let channels = list(options.channel.iter().map(|pattern| quoted(pattern.as_str())).collect());
    let name = quoted(&options.name);
    format!("[[key]]\nname = {name}\nsha256 = \"{digest}\"\nscopes = {scopes}\nchannels = {channels}")
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::try_from(text).map_err(|why| why.to_string())
}
