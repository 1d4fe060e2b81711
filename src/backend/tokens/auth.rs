//! The settings of authentication: which keys verify tokens, and what a token must claim.
//!
//! Plain data, and the contradictions in it. It must never read a file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::url::KeySetUrl;

/// The shortest secret. HS256 needs as many bytes as its hash has (RFC 7518, section 3.2).
pub const SECRET_BYTES: usize = 32;

/// Which keys verify tokens, and what a token must claim.
///
/// # Examples
/// ```
/// use throughline::{Algorithm, Auth};
///
/// let mut auth = Auth::default();
/// auth.jwks_url = Some("https://id.example.org/.well-known/jwks.json".parse()?);
/// auth.algorithms = vec![Algorithm::Rs256];
/// auth.audience = Some("throughline".to_owned());
/// auth.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Auth {
    /// The secrets that sign tokens by HS256. While one replaces another, both hold. Default none.
    pub secrets: Vec<SigningSecret>,
    /// A file with such secrets, one on each line. Default none.
    pub secret_file: Option<PathBuf>,
    /// PEM files, each with one public key of RSA, P-256 or Ed25519. Default none.
    pub public_key_files: Vec<PathBuf>,
    /// The address of the key set of an identity provider. Default none.
    pub jwks_url: Option<KeySetUrl>,
    /// The algorithms that tokens may have. Default all that the keys have.
    pub algorithms: Vec<Algorithm>,
    /// The audience that a token must name in `aud`. Default any.
    pub audience: Option<String>,
    /// The issuer that a token must name in `iss`. Default any.
    pub issuer: Option<String>,
    /// Admits clients without a token. Default no.
    pub anonymous: bool,
    /// The cookie that may hold a token. Default none.
    pub cookie: Option<String>,
    /// How far the clocks of the gateway and of the token's issuer may differ. Default 30 s.
    pub leeway: Duration,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            secret_file: None,
            public_key_files: Vec::new(),
            jwks_url: None,
            algorithms: Vec::new(),
            audience: None,
            issuer: None,
            anonymous: false,
            cookie: None,
            leeway: Duration::from_secs(30),
        }
    }
}

impl Auth {
    /// Checks that there are keys, and that the algorithms fit them.
    ///
    /// # Errors
    /// Names the settings that contradict each other.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Auth, BadKeys};
    ///
    /// assert_eq!(Auth::default().check(), Err(BadKeys::None));
    /// ```
    pub fn check(&self) -> Result<(), BadKeys> {
        let has_secrets = !self.secrets.is_empty() || self.secret_file.is_some();
        let has_files = !self.public_key_files.is_empty();
        let has_public = has_files || self.jwks_url.is_some();
        if !has_secrets && !has_public {
            return Err(BadKeys::None);
        }
        if !self.secrets.is_empty() && self.secret_file.is_some() {
            return Err(BadKeys::SecretTwice);
        }
        if self.algorithms.is_empty() {
            return Ok(());
        }
        let is_secret = |algorithm: &Algorithm| *algorithm == Algorithm::Hs256;
        let secret = self.algorithms.iter().copied().find(is_secret);
        let public = self.algorithms.iter().copied().find(|algorithm| !is_secret(algorithm));
        match (secret, public) {
            (Some(algorithm), _) if !has_secrets => Err(BadKeys::NoKeyFor(algorithm)),
            (_, Some(algorithm)) if !has_public => Err(BadKeys::NoKeyFor(algorithm)),
            (None, _) if has_secrets => Err(BadKeys::NoAlgorithmFor("secret")),
            (_, None) if has_files => Err(BadKeys::NoAlgorithmFor("public_key_file")),
            (_, None) if has_public => Err(BadKeys::NoAlgorithmFor("jwks_url")),
            _ => Ok(()),
        }
    }

    /// Returns true if tokens may have this algorithm.
    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.is_empty() || self.algorithms.contains(&algorithm)
    }
}

/// Settings of keys that contradict each other.
///
/// # Examples
/// ```
/// use throughline::{Algorithm, Auth, BadKeys};
///
/// let mut auth = Auth::default();
/// auth.secret_file = Some("secrets".into());
/// auth.algorithms = vec![Algorithm::Rs256];
/// assert_eq!(auth.check(), Err(BadKeys::NoKeyFor(Algorithm::Rs256)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKeys {
    /// No key can verify a token.
    #[error("[auth] names no keys: set `secret`, `secret_file`, `public_key_file` or `jwks_url`, or remove the table")]
    None,
    /// Secrets are in the configuration and in a file.
    #[error("`auth.secret` and `auth.secret_file` exclude each other")]
    SecretTwice,
    /// An algorithm is listed that no key can have.
    #[error("`auth.algorithms` lists {0}, and [auth] names no key that can have it")]
    NoKeyFor(Algorithm),
    /// No algorithm is listed that keys of this setting can have.
    #[error("`auth.algorithms` lists no algorithm for the keys of `auth.{0}`")]
    NoAlgorithmFor(&'static str),
}

/// An algorithm of signatures. It belongs to a key: a token cannot choose it.
///
/// # Examples
/// ```
/// use throughline::Algorithm;
///
/// assert_eq!("ES256".parse(), Ok(Algorithm::Es256));
/// assert!("none".parse::<Algorithm>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256, for secrets.
    Hs256,
    /// RSA PKCS #1 v1.5 with SHA-256, for RSA keys of 2,048 to 8,192 bits.
    Rs256,
    /// ECDSA with SHA-256, for keys on the curve P-256.
    Es256,
    /// EdDSA, for Ed25519 keys.
    EdDsa,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// Returns the name in the header of a token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| UnknownAlgorithm(name.to_owned()))
    }
}

/// The name of no algorithm that this gateway verifies.
///
/// # Examples
/// ```
/// use throughline::Algorithm;
///
/// let error = "none".parse::<Algorithm>().unwrap_err();
/// assert_eq!(error.to_string(), "\"none\" is not one of HS256, RS256, ES256 and EdDSA");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of HS256, RS256, ES256 and EdDSA")]
pub struct UnknownAlgorithm(pub String);

/// A secret that signs and verifies tokens by HS256. It is never printed.
///
/// # Examples
/// ```
/// use throughline::SigningSecret;
///
/// let secret: SigningSecret = "0123456789abcdef0123456789abcdef".parse()?;
/// assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
/// # Ok::<(), throughline::ShortSecret>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SigningSecret(Box<str>);

impl SigningSecret {
    /// Returns the secret itself, as the bytes that sign.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SigningSecret {
    type Err = ShortSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < SECRET_BYTES { Err(ShortSecret) } else { Ok(Self(text.into())) }
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// A secret that is too short to sign tokens. The error does not show it.
///
/// # Examples
/// ```
/// use throughline::{ShortSecret, SigningSecret};
///
/// assert_eq!("hunter2".parse::<SigningSecret>(), Err(ShortSecret));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret must have at least {SECRET_BYTES} bytes; `openssl rand -hex 32` prints a good one")]
pub struct ShortSecret;

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(secrets: bool, files: bool, url: bool, algorithms: &[Algorithm]) -> Auth {
        Auth {
            secret_file: secrets.then(|| "secrets".into()),
            public_key_files: files.then(|| "key.pem".into()).into_iter().collect(),
            jwks_url: url.then(|| "https://id.example.org/keys".parse().unwrap()),
            algorithms: algorithms.to_vec(),
            ..Auth::default()
        }
    }

    #[test]
    fn each_key_needs_an_algorithm_and_each_algorithm_needs_a_key() {
        use Algorithm::{Es256, Hs256, Rs256};
        for good in [
            auth(true, false, false, &[]),
            auth(true, false, false, &[Hs256]),
            auth(false, true, false, &[Es256]),
            auth(false, false, true, &[Es256, Rs256]),
            auth(true, true, true, &[Hs256, Rs256]),
        ] {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
        for (bad, why) in [
            (auth(false, false, false, &[Hs256]), BadKeys::None),
            (auth(true, false, false, &[Hs256, Rs256]), BadKeys::NoKeyFor(Rs256)),
            (auth(false, true, false, &[Es256, Hs256]), BadKeys::NoKeyFor(Hs256)),
            (auth(true, false, true, &[Rs256]), BadKeys::NoAlgorithmFor("secret")),
            (auth(true, true, true, &[Hs256]), BadKeys::NoAlgorithmFor("public_key_file")),
            (auth(true, false, true, &[Hs256]), BadKeys::NoAlgorithmFor("jwks_url")),
        ] {
            assert_eq!(bad.check(), Err(why), "{bad:?}");
        }
        let mut twice = auth(true, false, false, &[]);
        twice.secrets.push("s".repeat(SECRET_BYTES).parse().unwrap());
        assert_eq!(twice.check(), Err(BadKeys::SecretTwice));
    }

    #[test]
    fn settings_never_print_a_secret() {
        let secret = "a-secret-of-thirty-two-characters";
        let auth = Auth { secrets: vec![secret.parse().unwrap()], ..Auth::default() };
        assert!(!format!("{auth:?}").contains(secret));
        assert_eq!("x".repeat(31).parse::<SigningSecret>(), Err(ShortSecret));
    }
}
