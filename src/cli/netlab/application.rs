//! The application behind the hostile network: its address, and what its clients see while it is not there.
//!
//! It is on this machine: a hostile network that carried elsewhere would be an open proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use maud::html;

use crate::netlab::{Answer, Upstream};
use crate::server::page;

/// An application on this machine.
pub(super) struct Application {
    shown: String,
    path: String,
    addrs: Vec<SocketAddr>,
}

impl Application {
    /// Parses the URL that a browser would open.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("--to {url}: {why}; it looks like http://127.0.0.1:5173");
        let uri = url.parse::<Uri>().map_err(|error| bad(&error.to_string()))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(bad("TLS is not spoken here, so start the application without it")),
            _ => return Err(bad("it is not an http:// URL (WebSockets pass through it too)")),
        }
        let authority = uri.authority().ok_or_else(|| bad("the host is missing"))?;
        let port = authority.port_u16().unwrap_or(80);
        let hosts = loopback(authority.host().trim_matches(['[', ']'])).ok_or_else(|| {
            bad("the host is not this machine, and a hostile network that carried elsewhere would be an open proxy")
        })?;
        let addrs = hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect();
        // A user's name and password are not shown.
        let authority = authority.as_str().rsplit('@').next().unwrap_or_default();
        Ok(Self { shown: format!("http://{authority}{}", uri.path()), path: uri.path().to_owned(), addrs })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn upstream(&self) -> Upstream {
        let content = html! {
                p { "The hostile network works, but nothing listens at " code { (self.shown) } "." }
                p { "Start the application, or start " code { "throughline netlab" } " with another " code { "--to" } "." }
        };
        let html = page("The application is not there", &content.into_string());
        Upstream::application(self.addrs.clone(), Answer { html, ..Answer::status(502) })
    }
}

/// Returns the addresses of a host that is this machine. A development server that says localhost listens on either of
/// two.
fn loopback(host: &str) -> Option<Vec<IpAddr>> {
    if host.rsplit('.').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost")) {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback).map(|host| vec![host])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_on_this_machine_and_shown_without_its_secrets() {
        for (url, shown, count) in [
            ("http://127.0.0.1:5173", "http://127.0.0.1:5173/", 1),
            ("http://user:word@localhost:3000/app?token=x", "http://localhost:3000/app", 2),
            ("http://app.localhost", "http://app.localhost/", 2),
            ("http://[::1]:80/", "http://[::1]:80/", 1),
        ] {
            let application = Application::parse(url).unwrap();
            assert_eq!((application.shown(), application.addrs.len()), (shown, count), "{url}");
        }
    }

    #[test]
    fn every_other_url_is_refused_with_a_reason() {
        for (url, why) in [
            ("http://example.org", "open proxy"),
            ("http://10.0.0.1:80", "open proxy"),
            ("http://127.0.0.1.example.org", "open proxy"),
            ("http://localhost.example.org", "open proxy"),
            ("http://0.0.0.0:5173", "open proxy"),
            ("https://localhost", "TLS"),
            ("ws://localhost", "http://"),
            ("localhost:5173", "http://"),
            ("", "http://"),
        ] {
            let Err(said) = Application::parse(url) else { panic!("{url} is taken") };
            assert!(said.contains(why), "{url}: {said}");
        }
    }
}
