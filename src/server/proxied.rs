//! The header of the PROXY protocol: the first bytes of a connection of a proxy, which state the client's address.
//!
//! It reads exactly the header and nothing behind it, from listed proxies only.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The time for the header. A proxy sends it before anything else.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest header. The addresses need 52 bytes of version 2, and the rest is for a proxy's remarks.
const LONGEST: usize = 536;
/// The longest line of version 1.
const LONGEST_LINE: usize = 107;
/// The start of version 2. It is shorter than every header of version 1.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The part of version 2 that ends with the length of the rest.
const FIXED: usize = 16;

/// No valid header came in time.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadHeader {
    /// The bytes are none.
    #[error("no header of the PROXY protocol, version 1 or 2")]
    Malformed,
    /// It is longer than [`LONGEST`].
    #[error("a header of the PROXY protocol of {0} bytes; the limit is {LONGEST}")]
    TooLong(usize),
    /// It did not come in time.
    #[error("no header of the PROXY protocol came within 5 s")]
    Late,
    /// The connection broke.
    #[error("the connection ended within the header of the PROXY protocol: {0}")]
    Ended(#[from] io::Error),
}

/// Reads the header. Returns the address of the client, or `None` if the proxy itself connects.
///
/// # Errors
/// No valid header came in time. The connection must be closed.
pub(super) async fn client(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, BadHeader> {
    tokio::time::timeout(DEADLINE, read(from)).await.unwrap_or(Err(BadHeader::Late))
}

async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, BadHeader> {
    let mut bytes = [0; LONGEST];
    from.read_exact(&mut bytes[..SIGNATURE.len()]).await?;
    let length = if bytes.starts_with(SIGNATURE) {
        from.read_exact(&mut bytes[SIGNATURE.len()..FIXED]).await?;
        let length = FIXED + usize::from(u16::from_be_bytes([bytes[FIXED - 2], bytes[FIXED - 1]]));
        let rest = bytes.get_mut(FIXED..length).ok_or(BadHeader::TooLong(length))?;
        from.read_exact(rest).await?;
        length
    } else if bytes.starts_with(b"PROXY ") {
        // Byte by byte, because the request of the client may follow at once.
        let mut length = SIGNATURE.len();
        while bytes[length - 1] != b'\n' {
            if length >= LONGEST_LINE {
                return Err(BadHeader::Malformed);
            }
            bytes[length] = from.read_u8().await?;
            length += 1;
        }
        length
    } else {
        return Err(BadHeader::Malformed);
    };
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(&bytes[..length], config) {
        Ok((header, end)) if end == length => Ok(header.proxied_address().map(|proxied| proxied.source.ip())),
        _ => Err(BadHeader::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the outcome, and what is left unread.
    async fn of(bytes: &[u8]) -> (Result<Option<String>, String>, usize) {
        let mut from = bytes;
        let outcome = client(&mut from).await;
        (outcome.map(|client| client.map(|client| client.to_string())).map_err(|why| why.to_string()), from.len())
    }

    /// Returns a header of version 2 with IPv4 addresses, and so many more bytes.
    fn second(command: u8, more: usize) -> Vec<u8> {
        let length = u16::try_from(12 + more).unwrap().to_be_bytes();
        let addresses = [203, 0, 113, 9, 10, 0, 0, 1, 0x10, 0, 0, 80];
        let remark = if more == 0 { Vec::new() } else { [&[4, 0, 0][..], &vec![0; more - 3]].concat() };
        let mut bytes = [SIGNATURE.as_slice(), &[command, 0x11], &length, &addresses, &remark].concat();
        if more > 0 {
            let remark = u16::try_from(more - 3).unwrap().to_be_bytes();
            bytes[29..31].copy_from_slice(&remark);
        }
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn both_versions_state_the_client_and_leave_the_request_unread() {
        let client = |text: &str| Ok(Some(text.to_owned()));
        let request = b"GET / HTTP/1.1\r\n\r\n";
        for (header, expected) in [
            (b"PROXY TCP4 203.0.113.9 10.0.0.1 4096 80\r\n".to_vec(), client("203.0.113.9")),
            (b"PROXY TCP6 2001:db8::9 ::1 4096 80\r\n".to_vec(), client("2001:db8::9")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Ok(None)),
            (second(0x21, 0), client("203.0.113.9")),
            (second(0x21, 508), client("203.0.113.9")),
            (second(0x20, 0), Ok(None)),
        ] {
            let (outcome, left) = of(&[&header, request.as_slice()].concat()).await;
            assert_eq!((outcome, left), (expected, request.len()), "{}", header.escape_ascii());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_is_malformed_too_long_or_late_is_refused() {
        let malformed = BadHeader::Malformed.to_string();
        for bytes in [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.999 10.0.0.1 4096 80\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.9 10.0.0.1 4096 80\n".to_vec(),
            [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat(),
            second(0x31, 0),
        ] {
            assert_eq!(of(&bytes).await.0, Err(malformed.clone()), "{}", bytes.escape_ascii());
        }
        assert_eq!(of(&second(0x21, 509)).await.0, Err(BadHeader::TooLong(537).to_string()));
        let (mut near, _far) = tokio::io::duplex(64);
        assert!(matches!(client(&mut near).await, Err(BadHeader::Late)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0_usize..4, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let start = [&b""[..], b"PROXY ", b"PROXY TCP4 ", SIGNATURE][start];
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _ = runtime.block_on(of(&[start, &bytes].concat()));
        }
    }
}
