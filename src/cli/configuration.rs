//! `throughline config`: checks a file without serving, and prints a file with every key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::{say, usage};
use crate::backend::tokens::Tokens;
use crate::server::config::{Config, reference};

#[derive(Subcommand)]
pub(super) enum Configuration {
    /// Check a file as `serve` reads it, with the environment over it. Exits 0 if it is good, and 2 if it is not.
    Check {
        /// A TOML file, as `serve --config` reads it.
        file: PathBuf,
    },
    /// Print a file with every key, its default, and a reason to change it.
    Example,
}

pub(super) fn run(command: &Configuration) -> ExitCode {
    match command {
        Configuration::Example => say(reference::example().trim_end()),
        Configuration::Check { file } => match check(file) {
            Ok(lines) => lines.iter().for_each(|line| say(line)),
            Err(why) => return usage(&why),
        },
    }
    ExitCode::SUCCESS
}

/// A configuration before and after the environment.
pub(super) struct Sources {
    pub(super) file: Config,
    pub(super) overridden: Config,
}

/// Reads a file, if there is one, and the environment of this process over it.
pub(super) fn read(path: Option<&Path>) -> Result<Sources, String> {
    let file = match path {
        None => Config::default(),
        Some(path) => Config::from_file(path).map_err(|why| why.to_string())?,
    };
    let variables = std::env::vars_os();
    let overridden = file.clone().with_environment(variables).map_err(|why| why.to_string())?;
    Ok(Sources { file, overridden })
}

/// Checks that a gateway of its own process can serve this configuration.
///
/// # Errors
/// The keys contradict each other, a file of `[auth]` cannot be read, or a rule asks a backend, of which there is none.
pub(super) fn verify(config: &Config) -> Result<(), String> {
    config.check().map_err(|why| why.to_string())?;
    if let Some(auth) = &config.auth {
        Tokens::new(auth).map_err(|why| why.to_string())?;
    }
    let asks = config.channels.iter().find(|rule| rule.asks_backend());
    match asks {
        Some(rule) => {
            let line = rule.line.map_or_else(String::new, |line| format!(" (line {line})"));
            Err(format!(
                "the rule `{}`{line} has the word `backend`, and this gateway has no backend: use another word, or embed \
                 the gateway in an application that decides",
                rule.pattern
            ))
        }
        None => Ok(()),
    }
}

/// Returns a line about a good file, and a line for each oddity.
fn check(path: &Path) -> Result<Vec<String>, String> {
    let Sources { file, overridden: config } = read(Some(path))?;
    verify(&config)?;
    let differ = |from: &Config| {
        let changed = from.settings().into_iter().zip(config.settings()).filter(|(from, to)| from.value != to.value);
        changed.map(|(_, to)| format!("{} = {}", to.name(), to.value)).collect::<Vec<_>>()
    };
    let with = if differ(&file).is_empty() { "" } else { " with the environment" };
    let set = match &differ(&Config::default())[..] {
        [] => "every key has its default".to_owned(),
        set => set.join(", "),
    };
    let odd = config.oddities().into_iter().map(|odd| format!("odd: {odd}"));
    Ok([format!("{}{with} is good: {set}", path.display())].into_iter().chain(odd).collect())
}
