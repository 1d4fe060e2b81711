//! Agrees on permessage-deflate (RFC 7692, section 7.1), always without context takeover. Each message stands by
//! itself. So all sockets share one compressed message, and none keeps a window. Pure.

/// Returns the answer to one offer of a client. None if the gateway cannot meet the offer.
pub(super) fn agree(offer: &str) -> Option<&'static str> {
    let mut parameters = offer.split(';').map(str::trim);
    if parameters.next() != Some("permessage-deflate") {
        return None;
    }
    let (mut seen, mut whole_window) = (Vec::new(), false);
    for parameter in parameters {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter, None),
        };
        let bits = value.map(|value| value.parse::<u8>().ok().filter(|bits| (8..=15).contains(bits)));
        match (name, bits) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            // This is a hint. The gateway reads a smaller window like any other.
            ("client_max_window_bits", None | Some(Some(_))) => {}
            // Our messages look back over 32 KB. A client without room for that gets uncompressed messages.
            ("server_max_window_bits", Some(Some(15))) => whole_window = true,
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(if whole_window {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15"
    } else {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_of_browsers_are_met_and_impossible_ones_declined() {
        let plain = Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
        for offer in [
            "permessage-deflate",
            " permessage-deflate; client_max_window_bits",
            "permessage-deflate ; client_max_window_bits=\"10\" ; server_no_context_takeover",
        ] {
            assert_eq!(agree(offer), plain, "{offer}");
        }
        let whole = agree("permessage-deflate; server_max_window_bits=15").unwrap();
        assert!(whole.ends_with("; server_max_window_bits=15"));
        for offer in [
            "x-webkit-deflate-frame",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; other",
            "",
        ] {
            assert_eq!(agree(offer), None, "{offer}");
        }
    }
}
