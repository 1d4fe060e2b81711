//! The address of a gateway, the token for it, and a connection to it: plain or by TLS. This module knows no HTTP.
//!
//! TLS trusts the certificates that this machine trusts, as its browsers do. Behind a company's inspecting proxy, that
//! tells a trusted interception from an untrusted one.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper::Uri;
use rustls_native_certs::load_native_certs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use crate::protocol::token::Token;

/// The most that is read of a file with a token, in bytes: more than a token may have.
const MOST_OF_A_TOKEN_FILE: u64 = 16 * 1024;

/// A connection, of either kind.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// Why there is no connection.
pub(super) enum NoConnection {
    /// The machine refuses: nothing listens at the port.
    Closed,
    /// TCP did not get there, for this reason.
    Tcp(String),
    /// TCP got there, but TLS did not; this is its complaint.
    Tls(String),
}

impl NoConnection {
    pub(super) fn why(self) -> String {
        match self {
            Self::Closed => "the connection is refused, so nothing listens there".to_owned(),
            Self::Tcp(why) | Self::Tls(why) => why,
        }
    }
}

/// The address of a gateway, parsed, and a token for it.
pub(super) struct Target {
    /// The address without user, query and fragment; it ends in a slash.
    shown: String,
    authority: String,
    host: String,
    port: u16,
    /// The path before `/rt`.
    base: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    token: Option<Token>,
}

impl Target {
    /// Parses a gateway's address. The address of its `/doctor` or `/rt` is accepted too.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("{url:?} is not a gateway's address ({why}); it looks like https://example.org");
        let plain = url.split(['?', '#']).next().unwrap_or_default();
        let uri = plain.parse::<Uri>().map_err(|error| bad(&error.to_string()))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().ok_or_else(|| bad("the host is missing"))?;
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(bad("it starts with http:// or https://")),
        };
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(default);
        // The user's name and password are dropped.
        let authority = authority.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        let path = uri.path().trim_end_matches('/');
        let base = path.strip_suffix("/doctor").or(path.strip_suffix("/rt")).unwrap_or(path).to_owned();
        let tls = match scheme {
            "https" => {
                Some((connector()?, ServerName::try_from(host.clone()).map_err(|error| bad(&error.to_string()))?))
            }
            _ => None,
        };
        Ok(Self { shown: format!("{scheme}://{authority}{base}/"), authority, host, port, base, tls, token: None })
    }

    /// Returns the same gateway with the token on the first line of this file, if one is named.
    ///
    /// # Errors
    /// A sentence that names the file, and never shows its content.
    pub(super) fn with_token_of(self, file: Option<&Path>) -> Result<Self, String> {
        let Some(path) = file else { return Ok(self) };
        let bad = |why: &dyn Display| format!("{}: {why}", path.display());
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MOST_OF_A_TOKEN_FILE).read_to_string(&mut text));
        read.map_err(|error| bad(&error))?;
        let line = text.lines().next().unwrap_or_default().trim();
        if line.is_empty() {
            return Err(bad(&"its first line must be a token"));
        }
        let token = Token::new(line).map_err(|why| bad(&why))?;
        Ok(Self { token: Some(token), ..self })
    }

    /// Returns the token that each hello must carry that attaches a leg.
    pub(super) const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns its address on this machine, if it is plain HTTP on a loopback address.
    pub(super) fn loopback(&self) -> Option<SocketAddr> {
        let host = if self.host == "localhost" { "127.0.0.1" } else { &self.host };
        let address = SocketAddr::new(host.parse().ok()?, self.port);
        (self.tls.is_none() && address.ip().is_loopback()).then_some(address)
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the path of one of the session's routes.
    pub(super) fn route(&self, route: &str) -> String {
        format!("{}/rt/{route}", self.base)
    }

    /// Returns whether its name has an address.
    pub(super) async fn has_address(&self) -> bool {
        tokio::net::lookup_host((&*self.host, self.port)).await.is_ok_and(|mut addresses| addresses.next().is_some())
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Socket>, NoConnection> {
        self.connect_by(|tcp| tcp).await
    }

    /// Connects as `connect` does, with a layer of the caller's between TCP and the rest.
    pub(super) async fn connect_by<S: Socket + 'static>(
        &self,
        between: impl FnOnce(TcpStream) -> S,
    ) -> Result<Box<dyn Socket>, NoConnection> {
        let tcp = TcpStream::connect((&*self.host, self.port)).await.map_err(|error| unreachable(&error))?;
        // The system must not gather small writes, since round trips are measured.
        let _ = tcp.set_nodelay(true);
        let tcp = between(tcp);
        let Some((connector, name)) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        match connector.connect(name.clone(), tcp).await {
            Ok(tls) => Ok(Box::new(tls)),
            // A cut or a reset says nothing about certificates.
            Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(unreachable(&error)),
            Err(error) => Err(NoConnection::Tls(untrusted(&error))),
        }
    }
}

/// Says in words why TCP did not get there.
fn unreachable(error: &io::Error) -> NoConnection {
    let text = error.to_string();
    NoConnection::Tcp(match error.kind() {
        io::ErrorKind::ConnectionRefused => return NoConnection::Closed,
        io::ErrorKind::TimedOut => "nothing answers".to_owned(),
        // The system has no error kind for this.
        _ if text.contains("lookup") => "no address is known for that name".to_owned(),
        _ => text,
    })
}

/// Says in words why TLS does not trust a certificate, if there are words for it.
fn untrusted(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(why)) = cause else { return error.to_string() };
    let words = match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no authority that this machine trusts has signed its certificate"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, by this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        // An authority's own certificate is not a server's, and most self-signed ones are of that kind.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is self-signed: have this machine trust it, by SSL_CERT_FILE for one run"
        }
        other => return format!("its certificate is not valid: {other}"),
    };
    words.to_owned()
}

fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    if roots.is_empty() {
        return Err(
            "this machine has no root certificates (package ca-certificates), so https cannot be checked".to_owned()
        );
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_and_shown_without_its_secrets() {
        for (url, shown, control) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "/rt/control"),
            ("http://user:word@a.example/chat/doctor?token=x#y", "http://a.example/chat/", "/chat/rt/control"),
            ("http://[::1]:80/rt", "http://[::1]:80/", "/rt/control"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.shown(), &*target.route("control")), (shown, control), "{url}");
        }
        for bad in ["example.org", "ftp://example.org", "http://", "/doctor", ""] {
            assert!(Target::parse(bad).is_err(), "{bad:?}");
        }
    }
    /// The fault that rustls wraps if it has no name of its own for one.
    #[derive(Debug, thiserror::Error)]
    #[error("{self:?}")]
    struct CaUsedAsEndEntity;

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_in_words() {
        let self_signed = CertificateError::Other(rustls::OtherError(Arc::new(CaUsedAsEndEntity)));
        for (fault, says) in [
            (self_signed, "self-signed"),
            (CertificateError::UnknownIssuer, "no authority that this machine trusts"),
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::NotValidForName, "for another name"),
            (CertificateError::Revoked, "its certificate is not valid: "),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(fault));
            let said = untrusted(&error);
            assert!(said.contains(says) && !said.contains("Error"), "{says:?} in {said}");
        }
    }
}
