//! Keys in files, and settings that cannot be used.

use std::path::PathBuf;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use serde_json::json;

use super::maker::{Pair, hmac_of, pem, signed};
use super::*;
use crate::backend::tokens::auth::{Algorithm, BadKeys};
use crate::backend::tokens::key::BadKey;

/// A public key on a curve that ES256 does not have.
const P_384: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEaRVnfLFComN5/FfKatKfZiymUqWeGgy6
r0YWARe5ZTWFT6tJhUyS6mfogIiDw/IBy1hJzMx0Wp3IMRAqhY3Tn8koSHNZ05uu
4NtJGdw89/xz3wLR17hwXlOKVLmDs+vz
-----END PUBLIC KEY-----
";
/// A public key that is too short.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCzuxFeuDseKdr+OqMD0cHR4P5q
uHF8byObfF/45jwYEq+Qb+evVDku6gKprTkWe850qGcVFgzED67AOYXI9gnlwsdS
68iEcokuqynDZfNxKEgk9D66CkdMOhj7yOPLESidU0TgssIkwmvCuxCglNCrxf+v
b/DhI5WBM+XoPhM21QIDAQAB
-----END PUBLIC KEY-----
";

/// A file that is removed with this value.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("throughline-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn with_keys(files: &[&File], algorithms: &[Algorithm]) -> Result<Tokens, BadAuth> {
    let public_key_files = files.iter().map(|file| file.0.clone()).collect();
    Tokens::new(&Auth { public_key_files, algorithms: algorithms.to_vec(), ..Auth::default() })
}

#[test]
fn a_public_key_verifies_tokens_of_the_algorithm_of_its_kind() {
    let claims = json!({"sub": "42", "exp": 2000});
    let pairs = [Pair::rsa(), Pair::ec(), Pair::ed()];
    let files: Vec<File> = pairs.iter().map(|pair| File::new(&pair.pem())).collect();
    let all = with_keys(&files.iter().collect::<Vec<_>>(), &[]).unwrap();
    for (place, pair) in pairs.iter().enumerate() {
        let good = token(pair.token("any", &claims));
        assert!(now(all.check_at(&good, day(1))).is_ok(), "{}", pair.algorithm());
        let without = with_keys(&[&files[(place + 1) % 3]], &[]).unwrap();
        assert_eq!(fault(now(without.check_at(&good, day(1)))), BadToken::Algorithm);
    }
}

/// The public key is public. If the header could choose HS256, each reader of the key could sign.
#[test]
fn a_public_key_is_never_a_secret() {
    let pair = Pair::rsa();
    let file = File::new(&pair.pem());
    let tokens = with_keys(&[&file], &[]).unwrap();
    let forged = signed(&json!({"alg": "HS256"}), &json!({"sub": "42", "exp": 2000}), |message| {
        hmac_of(pair.pem().as_bytes(), message)
    });
    assert_eq!(fault(now(tokens.check_at(&token(forged), day(1)))), BadToken::Algorithm);
    assert_eq!(tokens.verifications(), 0);
}

#[test]
fn a_file_that_holds_no_fitting_key_is_named() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let broken = Pair::ec().pem().replace("MFkw", "MFkx");
    let two = Pair::ed().pem().repeat(2);
    let certificate = pem("CERTIFICATE", b"x");
    for (text, why) in [
        ("", BadKey::NotPem),
        ("0123456789abcdef0123456789abcdef", BadKey::NotPem),
        (&two, BadKey::NotPem),
        (&pem("PRIVATE KEY", private.as_ref()), BadKey::Private),
        (&pem("EC PRIVATE KEY", b"x"), BadKey::Private),
        (&certificate, BadKey::Certificate),
        (&pem("PUBLIC KEY", b"x"), BadKey::Kind),
        (&broken, BadKey::Kind),
        (P_384, BadKey::Kind),
        (RSA_1024, BadKey::Kind),
    ] {
        let file = File::new(text);
        let error = with_keys(&[&file], &[]).unwrap_err();
        assert!(error.to_string().starts_with(&file.0.display().to_string()), "{error}");
        assert!(matches!(error, BadAuth::Key { why: found, .. } if found == why), "{text}: {error}");
    }
}

#[test]
fn the_algorithms_must_be_those_of_the_keys() {
    let file = File::new(&Pair::ed().pem());
    assert!(with_keys(&[&file], &[Algorithm::EdDsa]).is_ok());
    let error = with_keys(&[&file], &[Algorithm::Rs256]).unwrap_err();
    assert!(matches!(error, BadAuth::NotListed { algorithm: Algorithm::EdDsa, .. }), "{error}");
    let error = with_keys(&[&file], &[Algorithm::EdDsa, Algorithm::Rs256]).unwrap_err();
    assert!(matches!(error, BadAuth::NoKeyFor(Algorithm::Rs256)), "{error}");
    assert!(matches!(with_keys(&[], &[]).unwrap_err(), BadAuth::Keys(BadKeys::None)));
    assert!(matches!(with_keys(&[&file; 17], &[]).unwrap_err(), BadAuth::TooMany));
}

#[test]
fn a_file_of_secrets_has_one_on_each_line() {
    let old = "the old secret is as long as this one";
    let file = File::new(&format!("{SECRET}\r\n\n{old}\n"));
    let auth = |file: &File| Auth { secret_file: Some(file.0.clone()), ..Auth::default() };
    let tokens = Tokens::new(&auth(&file)).unwrap();
    for secret in [SECRET, old] {
        let good = token(maker::hs256(secret.as_bytes(), &json!({"sub": "42", "exp": 2000})));
        assert!(now(tokens.check_at(&good, day(1))).is_ok());
    }
    let short = File::new(&format!("{SECRET}\nhunter2\n"));
    let error = Tokens::new(&auth(&short)).unwrap_err();
    assert!(matches!(error, BadAuth::Secret { line: 2, .. }) && !error.to_string().contains("hunter2"), "{error}");
    assert!(matches!(Tokens::new(&auth(&File::new("\n"))).unwrap_err(), BadAuth::NoSecret(_)));
    let many = File::new(&format!("{SECRET}\n").repeat(17));
    assert!(matches!(Tokens::new(&auth(&many)).unwrap_err(), BadAuth::TooMany));
}
