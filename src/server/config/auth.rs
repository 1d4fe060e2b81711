//! `[auth]`: which keys verify the tokens of clients, and what a token must claim. Without the table there are no users.

use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::OnceLock;

use super::fault::{Conflict, Fault, Wrong};
use super::section::{Given, Key, Section, all_quoted, put, quoted};
use super::setting::Reload;
use crate::backend::tokens::auth::{Algorithm, Auth, SigningSecret};
use crate::backend::tokens::url::KeySetUrl;

/// The section is on if the table stands in the file.
impl Section for Option<Auth> {
    const TABLE: &'static str = "auth";
    const ABOUT: &'static str = "The keys that verify the tokens (JWT) of clients, and the claims that a token needs. \
                                 Without this table every client may do everything.";
    const IS_OPTIONAL: bool = true;
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "secret",
            about: "Secrets that sign tokens by HS256, of at least 32 bytes each. While one replaces another, list \
                    both. The first one signs the tokens of `throughline token`.",
            example: r#"["(what `openssl rand -hex 32` prints)"]"#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).secrets, given.texts(SigningSecret::from_str)).map_err(Fault::hide),
            show: |auth| shown(auth, |auth| all_quoted(&auth.secrets.iter().map(disguised).collect::<Vec<_>>())),
        },
        Key {
            name: "secret_file",
            about: "A file with such secrets, one on each line. It excludes `secret`.",
            example: r#""/run/secrets/throughline""#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).secret_file, optional(given, path)),
            show: |auth| shown(auth, |auth| quoted_path(auth.secret_file.as_ref())),
        },
        Key {
            name: "public_key_file",
            about: "PEM files, each with one public key. The kind of the key decides the algorithm: RSA (RS256), P-256 \
                    (ES256) or Ed25519 (EdDSA).",
            example: r#"["/etc/throughline/id.pem"]"#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).public_key_files, given.texts(path)),
            show: |auth| shown(auth, |auth| quoted_paths(&auth.public_key_files)),
        },
        Key {
            name: "jwks_url",
            about: "The address of the key set of an identity provider. The gateway keeps the set fresh, and refuses \
                    tokens with `unavailable` until it is there.",
            example: r#""https://id.example.org/.well-known/jwks.json""#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).jwks_url, optional(given, KeySetUrl::from_str)),
            show: |auth| shown(auth, |auth| quoted_text(auth.jwks_url.as_ref())),
        },
        Key {
            name: "algorithms",
            about: "The algorithms that tokens may have: HS256, RS256, ES256, EdDSA. An empty list allows those of the \
                    keys.",
            example: r#"["RS256"]"#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).algorithms, given.list(Algorithm::from_str)),
            show: |auth| shown(auth, |auth| all_quoted(&auth.algorithms)),
        },
        Key {
            name: "audience",
            about: "The audience that a token must name in `aud`. Set it if the issuer also serves other applications.",
            example: r#""throughline""#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).audience, optional(given, text)),
            show: |auth| shown(auth, |auth| quoted_text(auth.audience.as_ref())),
        },
        Key {
            name: "issuer",
            about: "The issuer that a token must name in `iss`.",
            example: r#""https://id.example.org""#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).issuer, optional(given, text)),
            show: |auth| shown(auth, |auth| quoted_text(auth.issuer.as_ref())),
        },
        Key {
            name: "anonymous",
            about: "Admits clients without a token. They have no user.",
            example: "true",
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).anonymous, given.truth()),
            show: |auth| shown(auth, |auth| auth.anonymous.to_string()),
        },
        Key {
            name: "cookie",
            about: "The name of a cookie that may hold the token. It needs `server.origins`, because browsers send \
                    cookies from foreign pages, too.",
            example: r#""session""#,
            bounds: None,
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).cookie, optional(given, cookie)),
            show: |auth| shown(auth, |auth| quoted_text(auth.cookie.as_ref())),
        },
        Key {
            name: "leeway_s",
            about: "How far the clocks of the gateway and of the issuer may differ, in seconds. `exp` and `nbf` hold \
                    with this margin.",
            example: "30",
            bounds: Some(0..=300),
            reload: Reload::Restart,
            read: |auth, given| put(&mut on(auth).leeway, given.seconds()),
            show: |auth| shown(auth, |auth| auth.leeway.as_secs().to_string()),
        },
    ];

    fn present(&mut self) {
        on(self);
    }

    fn check(&self) -> Result<(), Conflict> {
        self.as_ref().map_or(Ok(()), |auth| auth.check().map_err(Conflict::Keys))
    }

    fn oddities(&self) -> Vec<String> {
        let any = self.as_ref().filter(|auth| auth.jwks_url.is_some() && auth.audience.is_none());
        let odd = any.map(|_| {
            "`auth.audience` is not set, so a token for any application of the identity provider is valid here"
                .to_owned()
        });
        odd.into_iter().collect()
    }
}

fn on(auth: &mut Option<Auth>) -> &mut Auth {
    auth.get_or_insert_default()
}

/// Shows a value. Without the table it is the default.
fn shown(auth: &Option<Auth>, show: impl Fn(&Auth) -> String) -> String {
    auth.as_ref().map_or_else(|| show(&Auth::default()), &show)
}

/// Reads a text. An empty one is no value.
fn optional<T, E: Into<Wrong>>(given: &Given<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, Fault> {
    given.text(|text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) })
}

fn text(text: &str) -> Result<String, Wrong> {
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<PathBuf, Wrong> {
    Ok(text.into())
}

/// Reads the name of a cookie (RFC 6265, section 4.1.1).
fn cookie(name: &str) -> Result<String, Wrong> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.bytes().all(is_allowed) { Ok(name.to_owned()) } else { Err(Wrong::Cookie(name.to_owned())) }
}

fn quoted_text(value: Option<&impl Display>) -> String {
    value.map_or_else(|| quoted(&""), quoted)
}

fn quoted_path(value: Option<&PathBuf>) -> String {
    quoted_text(value.map(|path| path.display()).as_ref())
}

fn quoted_paths(paths: &[PathBuf]) -> String {
    all_quoted(&paths.iter().map(|path| path.display()).collect::<Vec<_>>())
}

/// Stands for a secret where settings are shown. Another secret has another disguise, so that a change is noticed. The
/// hash has a random key for each process, so that nothing about the secret can be found out.
fn disguised(secret: &SigningSecret) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let hash = KEY.get_or_init(RandomState::new).hash_one(secret);
    format!("(hidden: this secret is number {hash:016x})")
}
