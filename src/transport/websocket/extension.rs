//! Agreeing on permessage-deflate (RFC 7692, section 7.1), always without context takeover: each message stands by itself, so that one
//! compressed message goes to all, and no socket keeps a window. Pure.

/// The answer to one offer of a client; none where it cannot be met, and the next is looked at.
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
            // A hint: a client's smaller window is read like any other.
            ("client_max_window_bits", None | Some(Some(_))) => {}
            // What we send looks back over 32 KB: who has no room for that gets it as it is.
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
    fn what_browsers_offer_is_met_and_what_cannot_be_met_declined() {
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
