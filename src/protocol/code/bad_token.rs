//! The faults of a token. Each sentence is for the developer of an application. It must never hold a part of the token.

use crate::protocol::limits;

/// Why a token proves no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadToken {
    /// It is not a JSON Web Token in its compact form.
    #[error("it must be three parts of base64url between dots, the first two of them JSON objects")]
    Malformed,
    /// Its header has the algorithm `none`.
    #[error("its header has the algorithm none, and a token must be signed")]
    Unsigned,
    /// No key of the gateway has the algorithm in its header.
    #[error("no key of this gateway has the algorithm in its header")]
    Algorithm,
    /// Its header brings a key, or the address of one. Holds the name of that field.
    #[error("its header has `{0}`, and this gateway uses only keys of its own configuration")]
    OwnKey(&'static str),
    /// Its header has `crit`, which demands an extension.
    #[error("its header has `crit`, and this gateway has no such extension")]
    Critical,
    /// The key set has no key with the `kid` in its header.
    #[error("the key set has no key with the `kid` in its header")]
    UnknownKey,
    /// Its header has no `kid`, and several keys of the key set have its algorithm.
    #[error("its header needs a `kid`, because several keys of the key set have its algorithm")]
    NoKeyId,
    /// No key of the gateway made its signature.
    #[error("no key of this gateway made its signature")]
    Signature,
    /// It lacks this claim.
    #[error("it has no claim `{0}`")]
    Missing(&'static str),
    /// This claim has the wrong type.
    #[error("its claim `{0}` has the wrong type")]
    Type(&'static str),
    /// Its subject is empty or too long.
    #[error("its claim `sub` must be text of 1 to {limit} bytes", limit = limits::USER_BYTES)]
    Subject,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// An operator revoked the tokens of its user that are as old.
    #[error("it was revoked, so a fresh one is needed")]
    Revoked,
    /// It ends too late.
    #[error("its claim `exp` is more than a hundred years away; it counts seconds, not milliseconds")]
    Endless,
    /// It is not valid yet.
    #[error("its claim `nbf` is in the future")]
    Early,
    /// It is for another audience.
    #[error("its claim `aud` does not name this gateway's audience")]
    Audience,
    /// Another issuer made it.
    #[error("its claim `iss` is not this gateway's issuer")]
    Issuer,
    /// It holds too many grants.
    #[error("its claim `channels` may hold {limit} grants at most", limit = limits::GRANTS)]
    GrantCount,
    /// Its grants cannot be read.
    #[error(
        "its claim `channels` must be a list of {{\"pattern\":\"room/{{room}}\",\"allow\":[\"subscribe\"]}}; \
         allow may hold subscribe, publish, presence and history"
    )]
    Grants,
}
