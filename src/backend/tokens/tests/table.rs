//! The bad tokens of `tests/vectors/tokens.json`, which other tests send over each transport.
//!
//! `THROUGHLINE_BLESS=1 cargo test --lib bad_tokens` makes the file anew, with new keys.

use serde::Deserialize;
use serde_json::{Value, json};

use super::maker::{Pair, base64url, hmac_of, signed};
use super::remote::{KeyServer, running};
use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tokens.json");
const AUDIENCE: &str = "throughline";
const ISSUER: &str = "https://id.example.org";
/// The year 2100, and a time that has passed.
const FUTURE: u64 = 4_102_444_800;
const PAST: u64 = 1_577_836_800;

#[derive(Deserialize)]
struct Table {
    audience: String,
    issuer: String,
    jwks: Value,
    good: Vec<Good>,
    bad: Vec<Bad>,
}

#[derive(Deserialize)]
struct Good {
    name: String,
    token: Box<str>,
    user: String,
}

#[derive(Deserialize)]
struct Bad {
    name: String,
    #[serde(default)]
    token: String,
    repeat: Option<Repeat>,
    code: String,
    message: String,
}

/// A text that is too long for a table.
#[derive(Deserialize)]
struct Repeat {
    text: String,
    times: usize,
}

#[tokio::test]
async fn each_of_the_bad_tokens_is_refused_with_its_own_sentence_and_the_good_ones_are_not() {
    if std::env::var_os("THROUGHLINE_BLESS").is_some() {
        std::fs::write(FILE, format!("{}\n", made())).unwrap();
    }
    let table: Table = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let server = KeyServer::start(table.jwks["keys"].as_array().unwrap()).await;
    let auth = Auth { audience: Some(table.audience), issuer: Some(table.issuer), ..server.auth() };
    let tokens = running(&auth);
    for Good { name, token, user } in table.good {
        let identity = whenever(tokens.check(&Token::new(token).unwrap())).await;
        assert_eq!(identity.unwrap_or_else(|why| panic!("{name}: {why}")).user.as_deref(), Some(&*user), "{name}");
    }
    assert!(table.bad.len() >= 20);
    for Bad { name, token, repeat, code, message } in table.bad {
        let text = repeat.map_or(token, |repeat| repeat.text.repeat(repeat.times));
        let refusal = match Token::new(&*text) {
            Ok(token) => whenever(tokens.check(&token)).await.expect_err(&name),
            Err(limit) => limit.into(),
        };
        assert_eq!((refusal.code().name(), refusal.message()), (&*code, message), "{name}");
        assert!(text.is_empty() || !refusal.message().contains(&text), "{name}: the refusal shows the token");
    }
}

/// Returns a new table.
fn made() -> String {
    let [one, two, ec, ed, stranger] = [Pair::rsa(), Pair::rsa(), Pair::ec(), Pair::ed(), Pair::rsa()];
    let good = |pair: &Pair, kid| {
        let name = format!("a token of {}", pair.algorithm());
        json!({"name": name, "token": pair.token(kid, &claims("exp", FUTURE.into())), "user": "42"})
    };
    let bad: Vec<Value> = bad_headers(&one, &ec, &stranger).into_iter().chain(bad_claims(&one)).collect();
    let table = json!({
        "audience": AUDIENCE,
        "issuer": ISSUER,
        "jwks": {"keys": [one.jwk("one"), two.jwk("two"), ec.jwk("ec"), ed.jwk("ed")]},
        "good": [good(&one, "one"), good(&two, "two"), good(&ec, "ec"), good(&ed, "ed")],
        "bad": bad,
    });
    serde_json::to_string_pretty(&table).unwrap()
}

/// Returns the claims of a good token with another value of one.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({"sub": "42", "exp": FUTURE, "aud": AUDIENCE, "iss": ISSUER});
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims("sub", "42".into());
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn row(name: &str, token: impl Into<String>, why: BadToken) -> Value {
    let refusal = Refusal::from(why);
    json!({"name": name, "token": token.into(), "code": refusal.code().name(), "message": refusal.message()})
}

fn bad_headers(one: &Pair, ec: &Pair, stranger: &Pair) -> Vec<Value> {
    let good = claims("sub", "42".into());
    let headed = |header: Value| signed(&header, &good, |message| one.sign(message));
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "RS256", "kid": "one"});
        header[name] = value;
        headed(header)
    };
    let valid = one.token("one", &good);
    let (message, _) = valid.rsplit_once('.').unwrap();
    let (header, rest) = valid.split_once('.').unwrap();
    let other = base64url(claims("sub", "root".into()).to_string());
    let listed = base64url(r#"["RS256","one"]"#);
    vec![
        row("another key's signature", stranger.token("one", &good), BadToken::Signature),
        row("an empty signature", format!("{message}."), BadToken::Signature),
        row(
            "claims that were changed",
            format!("{header}.{other}.{}", rest.split_once('.').unwrap().1),
            BadToken::Signature,
        ),
        row("the kid of another key", one.token("two", &good), BadToken::Signature),
        row("the kid of a key of another kind", one.token("ec", &good), BadToken::Algorithm),
        row("an unknown kid", one.token("three", &good), BadToken::UnknownKey),
        row("no kid where two keys fit", headed(json!({"alg": "RS256"})), BadToken::NoKeyId),
        row("the algorithm none", signed(&json!({"alg": "none"}), &good, |_| Vec::new()), BadToken::Unsigned),
        row(
            "the algorithm nOnE",
            signed(&json!({"alg": "nOnE", "kid": "one"}), &good, |_| Vec::new()),
            BadToken::Unsigned,
        ),
        row(
            "HS256 with the public RSA key as the secret",
            signed(&json!({"alg": "HS256", "kid": "one"}), &good, |message| hmac_of(one.pem().as_bytes(), message)),
            BadToken::Algorithm,
        ),
        row("an algorithm of another size", with("alg", "RS512".into()), BadToken::Algorithm),
        row("ES256 with the kid of an RSA key", ec.token("one", &good), BadToken::Algorithm),
        row("a jwk in the header", with("jwk", stranger.jwk("one")), BadToken::OwnKey("jwk")),
        row("a jku in the header", with("jku", "https://evil.example/keys".into()), BadToken::OwnKey("jku")),
        row("an x5u in the header", with("x5u", "https://evil.example/cert".into()), BadToken::OwnKey("x5u")),
        row("an x5c in the header", with("x5c", json!(["MII"])), BadToken::OwnKey("x5c")),
        row("an unknown crit", with("crit", json!(["exp"])), BadToken::Critical),
        row("a header without alg", headed(json!({"kid": "one"})), BadToken::Malformed),
        row("a header that is a list", format!("{listed}.{rest}"), BadToken::Malformed),
        row("nothing", "", BadToken::Malformed),
        row("garbage", "\u{0}\u{7f}é🦀", BadToken::Malformed),
        row("two parts", message, BadToken::Malformed),
        row("five parts, as encrypted tokens have", format!("{valid}.e30.e30"), BadToken::Malformed),
        row("padding", format!("{valid}="), BadToken::Malformed),
        row("a blank before it", format!(" {valid}"), BadToken::Malformed),
    ]
}

fn bad_claims(one: &Pair) -> Vec<Value> {
    let of = |name: &str, claims: Value, why: BadToken| row(name, one.token("one", &claims), why);
    let grant = json!({"pattern": "room/{room}", "allow": ["subscribe"]});
    let odd = json!([{"pattern": "room/{room}", "allow": ["rule"]}]);
    let limit = Refusal::from(Token::new("x".repeat(8193)).unwrap_err());
    vec![
        of("expired", claims("exp", PAST.into()), BadToken::Expired),
        of("not yet valid", claims("nbf", FUTURE.into()), BadToken::Early),
        of("no exp", without("exp"), BadToken::Missing("exp")),
        of("exp as text", claims("exp", FUTURE.to_string().into()), BadToken::Type("exp")),
        of("exp beyond every clock", claims("exp", json!(1e300)), BadToken::Type("exp")),
        of("nbf below 1970", claims("nbf", (-1).into()), BadToken::Type("nbf")),
        of("iat as a list", claims("iat", json!([1])), BadToken::Type("iat")),
        of("no sub", without("sub"), BadToken::Missing("sub")),
        of("an empty sub", claims("sub", "".into()), BadToken::Subject),
        of("a sub of 129 bytes", claims("sub", "s".repeat(129).into()), BadToken::Subject),
        of("a sub that is a number", claims("sub", 42.into()), BadToken::Subject),
        of("another audience", claims("aud", "other".into()), BadToken::Audience),
        of("other audiences", claims("aud", json!(["other", 7])), BadToken::Audience),
        of("no audience", without("aud"), BadToken::Audience),
        of("another issuer", claims("iss", "https://evil.example".into()), BadToken::Issuer),
        of("no issuer", without("iss"), BadToken::Issuer),
        of("65 grants", claims("channels", vec![grant; 65].into()), BadToken::GrantCount),
        of("an unknown action in a grant", claims("channels", odd), BadToken::Grants),
        of("channels as text", claims("channels", "room/1".into()), BadToken::Grants),
        of("claims that are a list", json!(["42", FUTURE]), BadToken::Malformed),
        json!({
            "name": "8,193 bytes",
            "repeat": {"text": "x", "times": 8193},
            "code": limit.code().name(),
            "message": limit.message(),
        }),
    ]
}
