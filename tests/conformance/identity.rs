//! Users: their tokens, when these expire, and what a client without a token may do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use throughline::backend::tokens::auth::Auth;
use throughline::protocol::Transport;
use throughline::server::config::Config;

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::http;
use crate::on_every_transport;

const SECRET: &str = "a secret of the tests, 32 bytes or more";
const HOUR: Duration = Duration::from_secs(3_600);
/// `exp` has whole seconds, so this is the shortest token that is valid for at least one.
const SHORT: Duration = Duration::from_secs(2);
const PUBLICATIONS: u64 = 2_000;

pub(crate) fn signing_in(config: &mut Config) {
    let mut auth = Auth::default();
    auth.secrets.push(SECRET.parse().unwrap());
    auth.leeway = Duration::ZERO;
    config.auth = Some(auth);
}

pub(crate) fn token(user: &str, life: Duration) -> String {
    token_with(user, life, &json!({}))
}

pub(crate) fn token_with(user: &str, life: Duration, more: &Value) -> String {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + life;
    let mut claims = json!({ "sub": user, "exp": expires.as_secs() });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

/// Returns a client that says this token in its hellos.
pub(crate) fn client(gateway: &Running, token: &str) -> Client {
    let mut client = Client::new(gateway);
    client.says = json!({ "token": token });
    client
}

async fn signed_in(gateway: &Running, transport: Transport, token: &str) -> (Client, u32) {
    let mut client = client(gateway, token);
    let leg = client.attach(transport).await;
    (client, leg)
}

/// Sends a fresh token, and returns the answer.
async fn refresh(client: &mut Client, leg: u32, token: &str) -> Value {
    client.link(leg, &json!({ "token": token }).to_string()).await;
    loop {
        match client.see(leg).await {
            Seen::Link(frame) if frame.get("token").is_some() => return frame["token"].clone(),
            Seen::New(frame) => client.inbox.push_back(frame),
            Seen::End(code) => panic!("{code} instead of an answer"),
            Seen::Closed | Seen::Refused(_) => panic!("no answer"),
            _ => {}
        }
    }
}

/// Waits until a token of this life, made now, has expired.
async fn expired(gateway: &Running, transport: Transport, life: Duration) {
    let (mut witness, leg) = signed_in(gateway, transport, &token("witness", life)).await;
    assert_eq!(witness.ended(leg).await, "unauthorized");
}

on_every_transport! {
    async fn a_user_signs_in_and_the_welcome_says_so(transport) {
        let gateway = Running::with(signing_in).await;
        let mut client = client(&gateway, &token("42", HOUR));
        let leg = client.open(transport, true).await;
        let welcome = client.activated(leg).await;
        assert_eq!(welcome["user"], "42");
        let left = welcome["expires_ms"].as_u64().unwrap();
        assert!((3_500_000..=3_600_000).contains(&left), "{left}");
        client.flush(leg).await;
        client.subscribe(leg, "c").await;
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }

    async fn a_token_that_expires_ends_the_leg_and_a_fresh_one_brings_all_that_was_published_meanwhile(transport) {
        let gateway = Running::with(signing_in).await;
        let (mut client, leg) = signed_in(&gateway, transport, &token("42", SHORT)).await;
        client.subscribe(leg, "c").await;
        assert_eq!(client.ended(leg).await, "unauthorized");
        for number in 0..PUBLICATIONS {
            gateway.handle.publish("c", json!(number)).await.unwrap();
        }
        // Nothing brings the expired token back.
        let again = client.open(transport, true).await;
        assert_eq!(refused(&mut client, again).await, "unauthorized");
        client.says = json!({ "token": token("42", HOUR) });
        let fresh = client.attach(transport).await;
        for number in 0..PUBLICATIONS {
            assert_eq!(client.next(fresh).await.value()["data"], number);
        }
        assert_eq!((client.overrun, client.repeated), (0, 0));
    }

    async fn a_fresh_token_in_time_ends_nothing(transport) {
        let gateway = Running::with(signing_in).await;
        let (mut client, leg) = signed_in(&gateway, transport, &token("42", SHORT)).await;
        client.subscribe(leg, "c").await;
        let fresh = token("42", HOUR);
        let answer = refresh(&mut client, leg, &fresh).await;
        client.says = json!({ "token": fresh });
        assert!(answer["expires_ms"].as_u64().unwrap() > 3_500_000, "{answer}");
        expired(&gateway, transport, SHORT).await;
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }

    async fn a_fresh_token_that_is_refused_changes_nothing(transport) {
        let gateway = Running::with(signing_in).await;
        let (mut client, leg) = signed_in(&gateway, transport, &token("42", HOUR)).await;
        for bad in ["not.a.token", &token("43", HOUR)] {
            let answer = refresh(&mut client, leg, bad).await;
            assert_eq!(answer["code"], "unauthorized", "{answer}");
        }
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }

    async fn a_client_without_a_token_attaches_and_reaches_no_channel(transport) {
        let gateway = Running::with(signing_in).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for verb in ["\"sub\":\"c\"", "\"pub\":\"c\""] {
            let answer = client.request(leg, verb, ",\"data\":1").await;
            assert_eq!(answer["code"], "unauthorized", "{answer}");
        }
        // Signing in is another session.
        let answer = refresh(&mut client, leg, &token("42", HOUR)).await;
        assert_eq!(answer["code"], "unauthorized", "{answer}");
    }

    async fn anonymous_clients_stay_where_the_configuration_says_so(transport) {
        let gateway = Running::with(|config| {
            signing_in(config);
            config.auth.as_mut().unwrap().anonymous = true;
        }).await;
        let mut client = Client::new(&gateway);
        let leg = client.open(transport, true).await;
        let welcome = client.activated(leg).await;
        assert_eq!((welcome.get("user"), welcome.get("expires_ms")), (None, None));
        client.flush(leg).await;
        client.subscribe(leg, "c").await;
    }

    async fn a_session_of_a_user_is_closed_to_others_and_to_nobody(transport) {
        let gateway = Running::with(signing_in).await;
        let (mut client, leg) = signed_in(&gateway, transport, &token("42", HOUR)).await;
        for (says, code) in [(json!({ "token": token("43", HOUR) }), "gone"), (json!({}), "unauthorized")] {
            let mut other = Client::at(gateway.address, &client.secret);
            (other.says, other.id) = (says, client.id.clone());
            other.skip_leg();
            let other_leg = other.open(transport, false).await;
            assert_eq!(refused(&mut other, other_leg).await, code);
        }
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }

    async fn the_end_of_a_session_follows_its_bye_and_the_frames_before_it_count(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let (mut reader, reading) = Client::online(&gateway, Transport::WebSocket).await;
        reader.subscribe(reading, "c").await;
        client.push(r#"{"pub":"c","data":1}"#);
        client.flush(leg).await;
        client.link(leg, r#"{"bye":{}}"#).await;
        assert_eq!(client.ended(leg).await, "gone");
        assert_eq!(reader.next(reading).await.value()["data"], 1);
        gateway.until("sessions", |sessions| sessions == 1).await;
    }

    async fn a_client_that_comes_back_in_time_keeps_its_session(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.link(leg, r#"{"bye":{"after_ms":1000}}"#).await;
        client.settle(leg).await;
        let back = client.attach(transport).await;
        // A session whose client stays away ends meanwhile.
        let (mut other, other_leg) = Client::online(&gateway, Transport::WebSocket).await;
        other.link(other_leg, r#"{"bye":{"after_ms":1000}}"#).await;
        assert_eq!(other.ended(other_leg).await, "gone");
        assert_eq!(client.publish(back, "c", "1").await, 1);
    }
}

/// Returns the code of a leg that is refused: by an `end`, or by the status of its answer.
pub(crate) async fn refused(client: &mut Client, leg: u32) -> String {
    loop {
        match client.see(leg).await {
            Seen::End(code) => return code,
            Seen::Refused(answer) => {
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                return body["code"].as_str().unwrap().to_owned();
            }
            Seen::Closed | Seen::Welcome(_) => panic!("the leg is not refused"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_plain_stream_takes_the_token_in_a_header_or_in_a_cookie() {
    within_patience(async {
        let gateway = Running::with(|config| {
            signing_in(config);
            config.auth.as_mut().unwrap().cookie = Some("session".to_owned());
            config.server.origins.push("https://example.org".parse().unwrap());
        })
        .await;
        let open = async |name: &str, value: &str| {
            let mut request = http::request(axum::http::Method::GET, "/rt/stream?channel=c", "");
            if !name.is_empty() {
                let name = axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            http::open(gateway.address, request).await.response.status().as_u16()
        };
        let token = token("42", HOUR);
        assert_eq!(open("authorization", &format!("Bearer {token}")).await, 200);
        assert_eq!(open("cookie", &format!("session={token}")).await, 200);
        assert_eq!(open("", "").await, 401);
        assert_eq!(open("authorization", "Bearer not.a.token").await, 401);
        assert_eq!(open("cookie", "session=not.a.token").await, 401);
    })
    .await;
}

#[tokio::test]
async fn a_plain_stream_ends_with_its_token() {
    within_patience(async {
        let gateway = Running::with(signing_in).await;
        let mut request = http::request(axum::http::Method::GET, "/rt/stream?channel=c", "");
        let bearer = format!("Bearer {}", token("42", SHORT));
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
        let opened = http::open(gateway.address, request).await;
        assert_eq!(opened.response.status(), 200);
        // The answer ends: without the end of the token it would not.
        http::whole(opened.response).await;
    })
    .await;
}
