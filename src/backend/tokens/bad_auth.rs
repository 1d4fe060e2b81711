//! Reads the keys of settings from their files, and says why it cannot.

use std::io;
use std::path::{Path, PathBuf};

use super::auth::{Algorithm, Auth, BadKeys, ShortSecret, SigningSecret};
use super::key::{BadKey, Key};

/// The most keys of a configuration. A token may cost as many verifications.
pub const MOST_KEYS: usize = 16;
/// The longest leeway.
pub const MOST_LEEWAY_S: u64 = 300;

/// Why settings cannot verify tokens.
///
/// # Examples
/// ```
/// use throughline::{Auth, BadAuth, Tokens};
///
/// let mut auth = Auth::default();
/// auth.secret_file = Some("missing".into());
/// let error = Tokens::new(&auth).unwrap_err();
/// assert!(matches!(error, BadAuth::Unreadable { .. }));
/// assert!(error.to_string().starts_with("missing: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadAuth {
    /// The settings contradict each other.
    #[error(transparent)]
    Keys(#[from] BadKeys),
    /// A secret is too short.
    #[error(transparent)]
    Short(#[from] ShortSecret),
    /// A file cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        why: io::Error,
    },
    /// A file holds no secret.
    #[error("{}: it must hold a secret on each line, and it holds none", .0.display())]
    NoSecret(PathBuf),
    /// A line of a file is no secret.
    #[error("{}: line {line}: {why}", path.display())]
    Secret {
        /// The path of the file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
        /// Its fault.
        why: ShortSecret,
    },
    /// A file holds no public key.
    #[error("{}: {why}", path.display())]
    Key {
        /// The path of the file.
        path: PathBuf,
        /// Its fault.
        why: BadKey,
    },
    /// The key of a file has an algorithm that is not listed.
    #[error("{}: its key verifies {algorithm}, which `auth.algorithms` does not list", path.display())]
    NotListed {
        /// The path of the file.
        path: PathBuf,
        /// The algorithm of its key.
        algorithm: Algorithm,
    },
    /// No key has an algorithm that is listed.
    #[error("`auth.algorithms` lists {0}, and no key of [auth] verifies it")]
    NoKeyFor(Algorithm),
    /// There are too many keys.
    #[error("[auth] names more than {MOST_KEYS} keys")]
    TooMany,
    /// The leeway is too long.
    #[error("the leeway of [auth] is more than {MOST_LEEWAY_S} s")]
    Leeway,
    /// A key set needs TLS, and this machine has no root certificates.
    #[error("`auth.jwks_url` needs the root certificates of this machine: {0}")]
    Roots(#[source] io::Error),
}

/// Reads all keys that the settings name, except a key set.
pub(super) fn keys(auth: &Auth) -> Result<Vec<Key>, BadAuth> {
    auth.check()?;
    if auth.leeway.as_secs() > MOST_LEEWAY_S {
        return Err(BadAuth::Leeway);
    }
    let secrets = secrets(auth)?;
    if secrets.len() + auth.public_key_files.len() > MOST_KEYS {
        return Err(BadAuth::TooMany);
    }
    let mut keys = secrets.iter().map(Key::of_secret).collect::<Result<Vec<_>, _>>()?;
    for path in &auth.public_key_files {
        let key = Key::of_pem(read(path)?.as_bytes()).map_err(|why| BadAuth::Key { path: path.clone(), why })?;
        if !auth.allows(key.algorithm) {
            return Err(BadAuth::NotListed { path: path.clone(), algorithm: key.algorithm });
        }
        keys.push(key);
    }
    // Only the fetch tells which algorithms a key set has.
    let mut listed = auth.algorithms.iter().filter(|_| auth.jwks_url.is_none());
    match listed.find(|algorithm| !keys.iter().any(|key| key.algorithm == **algorithm)) {
        Some(algorithm) => Err(BadAuth::NoKeyFor(*algorithm)),
        None => Ok(keys),
    }
}

/// Returns the secrets of settings, in their order. The first one signs.
///
/// # Errors
/// The file of secrets cannot be read, or holds something else.
pub fn secrets(auth: &Auth) -> Result<Vec<SigningSecret>, BadAuth> {
    let Some(path) = &auth.secret_file else { return Ok(auth.secrets.clone()) };
    let text = read(path)?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let secret = |(at, line): (usize, &str)| {
        line.parse().map_err(|why| BadAuth::Secret { path: path.clone(), line: at + 1, why })
    };
    let secrets: Vec<SigningSecret> = lines.map(secret).collect::<Result<_, _>>()?;
    if secrets.is_empty() { Err(BadAuth::NoSecret(path.clone())) } else { Ok(secrets) }
}

fn read(path: &Path) -> Result<String, BadAuth> {
    std::fs::read_to_string(path).map_err(|why| BadAuth::Unreadable { path: path.to_owned(), why })
}
