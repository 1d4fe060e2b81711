//! A key set that a real HTTP server serves: its rotation, its absence, and tokens with unknown keys.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::maker::{Pair, base64url};
use super::*;
use crate::backend::tokens::fetch::{Fetcher, Unfetched};
use crate::protocol::code::Code;

/// A server that gives one answer to every request.
pub(super) struct KeyServer {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl KeyServer {
    pub(super) async fn start(keys: &[Value]) -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), ok(&json!({ "keys": keys }).to_string())).await
    }

    async fn listen(address: SocketAddr, answer: String) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let (shown, counted, address) = (Arc::clone(&answer), Arc::clone(&asked), listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                read_head(&mut stream).await;
                let answer = shown.lock().unwrap().clone();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, answer, asked, task }
    }

    fn serve(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = ok(&json!({ "keys": keys }).to_string());
    }

    pub(super) fn auth(&self) -> Auth {
        let url = format!("http://{}/keys", self.address).parse().unwrap();
        Auth { jwks_url: Some(url), ..Auth::default() }
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Returns a verifier whose key set is kept fresh.
pub(super) fn running(auth: &Auth) -> Tokens {
    let tokens = Tokens::new(auth).unwrap();
    let runner = tokens.clone();
    tokio::spawn(async move { runner.run().await });
    tokens
}

fn claims() -> Value {
    json!({"sub": "42", "exp": 4_000_000_000_u64})
}

#[tokio::test]
async fn the_keys_of_a_set_verify_tokens_and_the_first_token_waits_for_them() {
    let pairs = [("rsa", Pair::rsa()), ("ec", Pair::ec()), ("ed", Pair::ed())];
    let server = KeyServer::start(&pairs.each_ref().map(|(kid, pair)| pair.jwk(kid))).await;
    let tokens = running(&server.auth());
    for (kid, pair) in &pairs {
        let good = token(pair.token(kid, &claims()));
        assert_eq!(whenever(tokens.check(&good)).await.unwrap().user.as_deref(), Some("42"), "{kid}");
        assert!(now(tokens.check(&good)).is_ok());
        let other = token(pair.token(if *kid == "rsa" { "ec" } else { "rsa" }, &claims()));
        assert_eq!(fault(now(tokens.check(&other))), BadToken::Algorithm);
    }
    assert_eq!((tokens.verifications(), tokens.fetches()), (3, 1));
}

#[tokio::test]
async fn a_thousand_forged_kids_cause_two_fetches_at_most() {
    let pair = Pair::ec();
    let server = KeyServer::start(&[pair.jwk("known")]).await;
    let tokens = running(&server.auth());
    let forged: Vec<Token> =
        (0..1000).map(|number| token(pair.token(&format!("forged-{number}"), &claims()))).collect();
    for verdict in futures::future::join_all(forged.iter().map(|token| whenever(tokens.check(token)))).await {
        assert_eq!(fault(verdict), BadToken::UnknownKey);
    }
    for token in &forged {
        assert_eq!(fault(whenever(tokens.check(token)).await), BadToken::UnknownKey);
    }
    assert!(server.asked.load(Ordering::Relaxed) <= 2);
    assert_eq!(tokens.verifications(), 0);
    assert!(whenever(tokens.check(&token(pair.token("known", &claims())))).await.is_ok());
}

#[tokio::test]
async fn a_new_key_holds_at_its_first_token_and_a_removed_one_no_longer() {
    let (old, new) = (Pair::rsa(), Pair::ed());
    let server = KeyServer::start(&[old.jwk("old")]).await;
    let tokens = running(&server.auth());
    let [by_old, by_new] = [token(old.token("old", &claims())), token(new.token("new", &claims()))];
    assert!(whenever(tokens.check(&by_old)).await.is_ok());
    server.serve(&[new.jwk("new")]);
    assert!(whenever(tokens.check(&by_new)).await.is_ok());
    // The cache holds the token of the old key, but nothing vouches for it any more.
    assert!(whenever(tokens.check(&by_old)).await.is_err());
    assert_eq!(tokens.fetches(), 2);
}

#[tokio::test]
async fn without_a_key_server_tokens_are_unavailable_until_it_comes_back() {
    let pair = Pair::ed();
    let server = KeyServer::start(&[]).await;
    server.task.abort();
    assert!(server.task.await.unwrap_err().is_cancelled());
    let auth = Auth { jwks_url: Some(format!("http://{}/", server.address).parse().unwrap()), ..Auth::default() };
    let tokens = running(&auth);
    let good = token(pair.token("ed", &claims()));
    let refusal = whenever(tokens.check(&good)).await.unwrap_err();
    assert_eq!((refusal.code(), refusal.retry_after().is_some()), (Code::Unavailable, true));
    assert_eq!(now(tokens.check(&good)).unwrap_err().code(), Code::Unavailable);
    let answer = ok(&json!({"keys": [pair.jwk("ed")]}).to_string());
    let _back = KeyServer::listen(server.address, answer).await;
    // A later decision ends with a fetch, so this waits for the fetches.
    let mut waits = tokio::time::interval(Duration::from_millis(50));
    while whenever(tokens.check(&good)).await.is_err() {
        waits.tick().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_a_failure_that_leaves_the_last_good_set() {
    let pair = Pair::ec();
    let server = KeyServer::start(&[pair.jwk("known")]).await;
    let tokens = running(&server.auth());
    let good = token(pair.token("known", &claims()));
    assert!(whenever(tokens.check(&good)).await.is_ok());
    *server.answer.lock().unwrap() = ok("{}");
    let unknown = token(pair.token("unknown", &claims()));
    assert_eq!(fault(whenever(tokens.check(&unknown)).await), BadToken::UnknownKey);
    assert_eq!((tokens.fetches(), now(tokens.check(&good)).is_ok()), (2, true));
    // A day later nothing vouches for the set.
    let late = Moment { day: SystemTime::now(), at: Instant::now() + Duration::from_secs(86_400) };
    assert!(whenever(tokens.check_at(&good, Moment { at: late.at - Duration::from_secs(60), ..late })).await.is_ok());
    assert!(matches!(tokens.0.judge(&good, late), Err(Unproven::NoSet)));
}

#[tokio::test]
async fn no_redirect_is_followed_and_a_document_is_bounded() {
    let fetch = async |answer: String| {
        let server = KeyServer::listen("127.0.0.1:0".parse().unwrap(), answer).await;
        let fetcher = Fetcher::new(format!("http://{}/", server.address).parse().unwrap()).unwrap();
        (fetcher.fetch().await.map(|document| document.body.len()), server.asked.load(Ordering::Relaxed))
    };
    let redirect = "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".to_owned();
    assert!(matches!(fetch(redirect).await, (Err(Unfetched::Status(status)), 1) if status == 302));
    assert!(matches!(fetch(ok(&" ".repeat(256 * 1024))).await, (Ok(262_144), 1)));
    assert!(matches!(fetch(ok(&" ".repeat(256 * 1024 + 1))).await, (Err(Unfetched::Body), 1)));
    assert!(matches!(fetch("nothing of HTTP\r\n\r\n".to_owned()).await, (Err(Unfetched::Request(_)), _)));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_after_five_seconds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let began = Instant::now();
    assert!(matches!(Fetcher::new(url.parse().unwrap()).unwrap().fetch().await, Err(Unfetched::Slow)));
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[test]
fn keys_of_another_use_or_kind_are_ignored() {
    let (rsa, ec) = (Pair::rsa(), Pair::ec());
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let read = |keys: &[Value]| KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), |_| true);
    for bad in [
        with(rsa.jwk("1"), "use", "enc".into()),
        with(rsa.jwk("1"), "alg", "RS512".into()),
        with(rsa.jwk("1"), "alg", "HS256".into()),
        with(rsa.jwk("1"), "key_ops", json!(["encrypt"])),
        with(rsa.jwk("1"), "n", base64url([7; 128]).into()),
        with(rsa.jwk("1"), "e", "AQ".into()),
        with(ec.jwk("1"), "crv", "P-384".into()),
        with(ec.jwk("1"), "x", base64url([7; 32]).into()),
        with(ec.jwk("1"), "kid", 7.into()),
        json!({"kty": "oct", "k": base64url(SECRET), "kid": "1", "alg": "HS256"}),
        json!("a key"),
    ] {
        let set = read(&[bad.clone(), rsa.jwk("good")]).unwrap();
        assert_eq!(set.len(), 1, "{bad}");
        assert!(read(&[bad]).is_err());
    }
    let only_ec = |algorithm| algorithm == auth::Algorithm::Es256;
    let set = KeySet::read(json!({"keys": [rsa.jwk("1"), ec.jwk("2")]}).to_string().as_bytes(), only_ec).unwrap();
    assert!(set.find(auth::Algorithm::Es256, Some("2")).is_ok());
    assert_eq!(set.find(auth::Algorithm::Rs256, Some("1")).unwrap_err(), BadToken::UnknownKey);
    let many = |count| read(&vec![rsa.jwk("1"); count]);
    assert!(many(64).is_ok() && many(65).is_err());
}

#[test]
fn without_a_kid_the_algorithm_must_leave_no_choice() {
    let (rsa, ec, other) = (Pair::rsa(), Pair::ec(), Pair::ec());
    let set = json!({"keys": [rsa.jwk("1"), ec.jwk("2"), other.jwk("3")]}).to_string();
    let set = KeySet::read(set.as_bytes(), |_| true).unwrap();
    assert!(set.find(auth::Algorithm::Rs256, None).is_ok());
    assert_eq!(set.find(auth::Algorithm::Es256, None).unwrap_err(), BadToken::NoKeyId);
    assert_eq!(set.find(auth::Algorithm::EdDsa, None).unwrap_err(), BadToken::Algorithm);
}
