//! A gateway that fetches its key set over https.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Running, with_variables, within_patience};
use crate::tls::terminate;

const KEY: &str = "the-only-key";

/// A key on P-256, which signs tokens.
struct Key(rcgen::KeyPair);

impl Key {
    fn new() -> Self {
        Self(rcgen::KeyPair::generate().unwrap())
    }

    /// Returns the set that an identity provider serves.
    fn set(&self) -> Value {
        // An uncompressed point: a byte that says so, and two coordinates.
        let (x, y) = self.0.public_key_raw()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "kid": KEY, "x": x, "y": y }] })
    }

    fn token(&self) -> String {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3600);
        let header = Header { kid: Some(KEY.to_owned()), ..Header::new(Algorithm::ES256) };
        let claims = json!({ "sub": "42", "exp": expires.as_secs() });
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(self.0.serialized_der())).unwrap()
    }
}

/// Serves a key set over HTTP.
async fn serve(set: Value) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = set.to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && socket.read_buf(&mut head).await.is_ok_and(|length| length > 0) {}
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    address
}

/// Returns a gateway that trusts this certificate and fetches its key set from here.
async fn gateway(keys: SocketAddr, trusted: &Path) -> Running {
    let url = format!("https://localhost:{}/keys", keys.port());
    let variables =
        [("THROUGHLINE_AUTH__JWKS_URL", &*url), ("SSL_CERT_FILE", trusted.to_str().unwrap()), ("RUST_LOG", "warn")];
    Running::of(with_variables(&variables, &["serve", "--listen", "127.0.0.1:0"])).await
}

/// Opens a plain stream with a token. Returns its beginning, or the whole refusal.
async fn open(gateway: &Running, token: &str) -> String {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!("Host: {}\r\nAuthorization: Bearer {token}", gateway.address);
    let request = format!("GET /rt/stream?channel=c HTTP/1.1\r\n{head}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let is_whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer);
        text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.contains('\n') || body.ends_with('}'))
    };
    while !is_whole(&answer) {
        assert!(within_patience(socket.read_buf(&mut answer)).await.unwrap() > 0, "closed before its answer");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_key_set_is_fetched_over_https_from_a_server_with_a_trusted_certificate() {
    let key = Key::new();
    let (keys, certificate) = terminate(serve(key.set()).await).await;
    let answer = open(&gateway(keys, &certificate).await, &key.token()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn tokens_are_unavailable_while_the_certificate_of_the_key_server_is_not_trusted() {
    let key = Key::new();
    let behind = serve(key.set()).await;
    let (keys, _) = terminate(behind).await;
    let (_, of_another) = terminate(behind).await;
    let mut gateway = gateway(keys, &of_another).await;
    let answer = open(&gateway, &key.token()).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""code":"unavailable""#), "{answer}");
    let said = gateway.logs("certificate").await;
    assert!(said.contains("https://localhost"), "{said}");
}
