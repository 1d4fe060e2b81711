//! A key, which verifies signatures of its own algorithm only.
//!
//! Each way to make one checks the key whole, so that no token can meet a key that is broken or too weak.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as CRYPTO;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{self as jwt, DecodingKey, DecodingKeyKind};

use super::auth::{Algorithm, ShortSecret, SigningSecret};

/// The sizes of an RSA modulus in bytes: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A key that verifies signatures.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) id: KeyId,
    key: DecodingKey,
}

/// Names a key by its material and its algorithm. Two keys with one name vouch for the same tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyId([u8; 32]);

/// Why bytes are no key.
///
/// # Examples
/// ```
/// use throughline::{Auth, BadAuth, BadKey, Tokens};
///
/// let mut auth = Auth::default();
/// auth.public_key_files.push("Cargo.toml".into());
/// assert!(matches!(Tokens::new(&auth), Err(BadAuth::Key { why: BadKey::NotPem, .. })));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// They are not a public key in PEM.
    #[error("it must hold one public key in PEM, which begins with -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// They hold a private key, which the gateway must not have.
    #[error("it holds a private key; `openssl pkey -in FILE -pubout` prints the public one")]
    Private,
    /// They hold a certificate.
    #[error("it holds a certificate; `openssl x509 -in FILE -pubkey -noout` prints its public key")]
    Certificate,
    /// The key has a kind or a size that no algorithm here has.
    #[error("its key must be RSA of 2,048 to 8,192 bits, P-256 or Ed25519")]
    Kind,
}

impl Key {
    /// Returns the key of a secret.
    pub(super) fn of_secret(secret: &SigningSecret) -> Result<Self, ShortSecret> {
        let key = DecodingKey::from_secret(secret.reveal()).map_err(|_| ShortSecret)?;
        Ok(Self::new(Algorithm::Hs256, key))
    }

    /// Reads a public key in PEM. Its kind decides its algorithm.
    pub(super) fn of_pem(pem: &[u8]) -> Result<Self, BadKey> {
        // The library accepts private keys and certificates, too.
        let text = str::from_utf8(pem).map_err(|_| BadKey::NotPem)?;
        let labels: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")).collect();
        match labels[..] {
            ["PUBLIC KEY-----" | "RSA PUBLIC KEY-----"] => {}
            [label] if label.ends_with("PRIVATE KEY-----") => return Err(BadKey::Private),
            ["CERTIFICATE-----"] => return Err(BadKey::Certificate),
            _ => return Err(BadKey::NotPem),
        }
        let read = DecodingKey::from_rsa_pem(pem).map(|key| (Algorithm::Rs256, key));
        let read = read.or_else(|_| DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::Es256, key)));
        let read = read.or_else(|_| DecodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDsa, key)));
        let (algorithm, key) = read.map_err(|_| BadKey::Kind)?;
        Self::checked(algorithm, key)
    }

    /// Reads a key of a key set. It is none if its kind, its use or its own algorithm does not fit one of ours. A key
    /// set is public, so a secret in it is none either.
    pub(super) fn of_jwk(jwk: &Jwk) -> Result<Self, BadKey> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::Rs256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::Es256,
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDsa,
            _ => return Err(BadKey::Kind),
        };
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        let agrees = common.key_algorithm.is_none_or(|own| own.to_string() == algorithm.name());
        if !(signs && verifies && agrees) {
            return Err(BadKey::Kind);
        }
        Self::checked(algorithm, DecodingKey::from_jwk(jwk).map_err(|_| BadKey::Kind)?)
    }

    /// Verifies a signature of a message.
    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        // The library's default provider is global to the process, and another crate may change it.
        let verifier = (CRYPTO.verifier_factory)(&self.algorithm.into(), &self.key);
        verifier.is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }

    fn checked(algorithm: Algorithm, key: DecodingKey) -> Result<Self, BadKey> {
        let is_good = match (algorithm, key.kind()) {
            (Algorithm::Rs256, DecodingKeyKind::RsaModulusExponent { n, e }) => is_strong(n, e),
            (Algorithm::Rs256, DecodingKeyKind::SecretOrDer(der)) => {
                (CRYPTO.key_utils.rsa_pub_components_from_public_key)(der).is_ok_and(|(n, e)| is_strong(&n, &e))
            }
            (Algorithm::Es256, DecodingKeyKind::SecretOrDer(point)) => {
                point.len() == 65 && is_public(&ECDSA_P256_SHA256_FIXED, point)
            }
            (Algorithm::EdDsa, DecodingKeyKind::SecretOrDer(point)) => point.len() == 32 && is_public(&ED25519, point),
            _ => false,
        };
        if is_good { Ok(Self::new(algorithm, key)) } else { Err(BadKey::Kind) }
    }

    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        let mut material = format!("{algorithm} ").into_bytes();
        match key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => material.extend_from_slice(bytes),
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                material.extend_from_slice(&n.len().to_be_bytes());
                material.extend_from_slice(n);
                material.extend_from_slice(e);
            }
        }
        Self { algorithm, id: KeyId(sha256(&material)), key }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm)
    }
}

impl From<Algorithm> for jwt::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Hs256 => Self::HS256,
            Algorithm::Rs256 => Self::RS256,
            Algorithm::Es256 => Self::ES256,
            Algorithm::EdDsa => Self::EdDSA,
        }
    }
}

/// Returns the SHA-256 of these bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Returns true for an RSA key of an allowed size. Its exponent must be odd and above 1.
fn is_strong(modulus: &[u8], exponent: &[u8]) -> bool {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
    MODULUS_BYTES.contains(&(modulus.len() - zeros)) && exponent.len() <= 8 && is_odd && exponent != [1]
}

fn is_public(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    ParsedPublicKey::new(algorithm, key).is_ok()
}
