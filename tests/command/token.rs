//! `throughline token`: its tokens are those that a gateway with the same configuration accepts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use throughline::{Config, Decision, Identity, Token, Tokens};

use crate::process::run;

/// A folder that is removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("throughline-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const AUTH: &str = "[auth]
secret = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210']
audience = 'throughline'
issuer = 'https://id.example.org'
";

/// Returns the identity that a gateway with this file finds in a token.
fn identity(config: &Path, token: &[u8]) -> Arc<Identity> {
    let tokens = Tokens::new(&Config::from_file(config).unwrap().auth.unwrap()).unwrap();
    let token = Token::new(str::from_utf8(token).unwrap().trim_end()).unwrap();
    match tokens.check(&token) {
        Decision::Now(verdict) => verdict.unwrap(),
        Decision::Later(_) => panic!("a secret is there at once"),
    }
}

#[tokio::test]
async fn a_token_of_the_command_is_good_for_its_gateway() {
    let folder = Folder::new();
    let config = folder.file("gateway.toml", AUTH);
    let plain = run(&["token", "--config", &config, "--user", "42"]).await;
    assert!(plain.status.success(), "{plain:?}");
    let found = identity(config.as_ref(), &plain.stdout);
    assert_eq!((found.user.as_deref(), found.grants.as_deref()), (Some("42"), None));
    let lifetime = found.expires.unwrap().duration_since(found.issued.unwrap()).unwrap();
    assert_eq!(lifetime.as_secs(), 3600);

    let room = "room/{room}=subscribe,publish";
    let granted = ["--ttl", "60", "--channel", room, "--channel", "news=history"];
    let granted = run(&[&["token", "--config", &config, "--user", "42"], &granted[..]].concat()).await;
    let found = identity(config.as_ref(), &granted.stdout);
    let grants = found.grants.as_deref().unwrap();
    let patterns: Vec<&str> = grants.0.iter().map(|grant| &*grant.pattern).collect();
    assert_eq!((patterns, grants.0[0].allow.len()), (vec!["room/{room}", "news"], 2));
    assert_eq!(found.expires.unwrap().duration_since(found.issued.unwrap()).unwrap().as_secs(), 60);
}

#[tokio::test]
async fn the_first_line_of_a_file_of_secrets_signs() {
    let folder = Folder::new();
    let secrets = folder.file("secrets", "0123456789abcdef0123456789abcdef\nfedcba9876543210fedcba9876543210\n");
    let config = folder.file("gateway.toml", &format!("auth.secret_file = '{secrets}'"));
    for arguments in [["--config", &config], ["--secret-file", &secrets]] {
        let made = run(&[&["token", "--user", "42"], &arguments[..]].concat()).await;
        assert_eq!(identity(config.as_ref(), &made.stdout).user.as_deref(), Some("42"), "{made:?}");
    }
}

#[tokio::test]
async fn a_token_that_no_gateway_accepts_is_not_made() {
    let folder = Folder::new();
    let config = folder.file("gateway.toml", AUTH);
    let open = folder.file("open.toml", "[limits]\n");
    let public = folder.file("public.toml", "auth.public_key_file = 'key.pem'");
    let long = "x".repeat(129);
    let of = |config: &str, user: &str, rest: &[&str]| {
        let arguments = [&["token", "--config", config, "--user", user], rest].concat();
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (arguments, says) in [
        (of(&open, "42", &[]), "it has no table [auth]"),
        (of(&public, "42", &[]), "[auth] has no secret"),
        (of(&config, "", &[]), "a user's name has 1 to 128 bytes"),
        (of(&config, &long, &[]), "a user's name has 1 to 128 bytes"),
        (of(&config, "42", &["--ttl", "0"]), "0 is not in 1..=315360000"),
        (of(&config, "42", &["--channel", "room/1"]), "is not a pattern and actions"),
        (of(&config, "42", &["--channel", "room/1=rule"]), "is not one of subscribe, publish, presence and history"),
        (of(&config, "42", &["--channel", "a=publish"].repeat(65)), "a token holds 64 grants at most"),
        (of(&config, "42", &["--secret-file", "missing"]), "missing: "),
        (vec!["token".to_owned(), "--user".to_owned(), "42".to_owned()], "--config <FILE>"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let made = run(&arguments).await;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.code() == Some(2) && made.stdout.is_empty() && said.contains(says), "{says}: {made:?}");
        assert!(!said.contains("0123456789abcdef"), "{said}");
    }
}
