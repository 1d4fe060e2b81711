//! Secrets, times and the cache.

use serde_json::json;

use super::maker::hs256;
use super::*;

fn tokens(secrets: &[&str]) -> Tokens {
    let secrets = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
    Tokens::new(&Auth { secrets, ..Auth::default() }).unwrap()
}

#[test]
fn a_good_token_gives_its_user_with_its_grants_and_its_times() {
    let grants = json!([{"pattern": "room/{room}", "allow": ["subscribe", "publish"]}]);
    let claims = json!({"sub": "42", "exp": 2000, "iat": 1000.5, "channels": grants, "other": [1]});
    let identity = now(tokens(&[SECRET]).check_at(&token(hs256(SECRET.as_bytes(), &claims)), day(1500))).unwrap();
    assert_eq!(identity.user.as_deref(), Some("42"));
    assert_eq!(identity.expires, Some(UNIX_EPOCH + Duration::from_secs(2000)));
    assert_eq!(identity.issued, Some(UNIX_EPOCH + Duration::from_millis(1_000_500)));
    assert_eq!(identity.grants.as_ref().unwrap().0[0].pattern, "room/{room}");
}

#[test]
fn while_a_secret_replaces_another_both_hold() {
    let (old, new) = ("the old secret is as long as this one", SECRET);
    let tokens = tokens(&[new, old]);
    let claims = json!({"sub": "42", "exp": 2000});
    for secret in [old, new] {
        assert!(now(tokens.check_at(&token(hs256(secret.as_bytes(), &claims)), day(1))).is_ok());
    }
    let other = token(hs256(b"a secret that no gateway ever had!", &claims));
    assert_eq!(fault(now(tokens.check_at(&other, day(1)))), BadToken::Signature);
}

#[test]
fn a_token_holds_from_nbf_to_exp_and_the_leeway_widens_both() {
    let tokens = tokens(&[SECRET]);
    let good = token(hs256(SECRET.as_bytes(), &json!({"sub": "42", "nbf": 1000, "exp": 2000})));
    for (time, verdict) in [
        (969, Some(BadToken::Early)),
        (970, None),
        (2000, None),
        (2029, None),
        (2030, Some(BadToken::Expired)),
        (9000, Some(BadToken::Expired)),
        (1500, None),
    ] {
        let said = now(tokens.check_at(&good, day(time)));
        assert_eq!(said.map(|_| ()).err(), verdict.map(Refusal::from), "{time}");
    }
}

#[test]
fn a_token_that_is_checked_again_costs_no_verification() {
    let tokens = tokens(&[SECRET]);
    let good = token(hs256(SECRET.as_bytes(), &json!({"sub": "42", "exp": 2000})));
    for _ in 0..100 {
        assert!(now(tokens.check_at(&good, day(1))).is_ok());
    }
    assert_eq!(tokens.verifications(), 1);
}

#[test]
fn of_threads_that_race_with_one_token_one_verifies_it() {
    let tokens = tokens(&[SECRET]);
    let good = token(hs256(SECRET.as_bytes(), &json!({"sub": "42", "exp": 2000})));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(now(tokens.check_at(&good, day(1))).is_ok()));
        }
    });
    assert_eq!(tokens.verifications(), 1);
}

/// A stranger makes as many bad tokens as it likes. They must push no good one out.
#[test]
fn bad_tokens_push_no_good_one_out_of_the_cache() {
    let tokens = tokens(&[SECRET]);
    let good = token(hs256(SECRET.as_bytes(), &json!({"sub": "42", "exp": 2000})));
    assert!(now(tokens.check_at(&good, day(1))).is_ok());
    for number in 0..20_000 {
        let forged = token(format!("{}{number:06}", good.reveal()));
        assert!(now(tokens.check_at(&forged, day(1))).is_err());
    }
    let before = tokens.verifications();
    assert!(now(tokens.check_at(&good, day(1))).is_ok());
    assert_eq!(tokens.verifications(), before);
}
