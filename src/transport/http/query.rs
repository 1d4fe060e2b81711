//! Parameters of a request's query, decoded strictly.
//!
//! A lenient decoder accepts `%zz` as it stands, and replaces bytes that are not text with U+FFFD. Then two names would
//! be one channel. Only the requested parameters are decoded. Others may hold any bytes.

use std::borrow::Cow;

use crate::protocol::code::{BadText, Mistake};

/// Returns the value of a parameter, if the query has it.
///
/// # Errors
/// A [`Mistake`] if the query has it twice, or if its value is not percent-encoded text.
pub fn parameter<'q>(query: &'q str, name: &str) -> Result<Option<Cow<'q, str>>, Mistake> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name || decode(key).is_ok_and(|key| key == name)).then_some(value)
    });
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Mistake::Repeated(name.to_owned()));
    }
    decode(value).map(Some).map_err(|why| Mistake::Parameter(name.to_owned(), why))
}

/// Decodes a text in percent-encoding. A plus is a space, as in forms.
fn decode(text: &str) -> Result<Cow<'_, str>, BadText> {
    if !text.contains(['%', '+']) {
        return Ok(text.into());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(|digit| digit.and_then(hexadecimal));
                let [Some(high), Some(low)] = digits else {
                    return Err(BadText::Escape);
                };
                high << 4 | low
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map(Cow::from).map_err(|_| BadText::NotUtf8)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(query: &str) -> Result<Option<Cow<'_, str>>, Mistake> {
        parameter(query, "channel")
    }

    fn broken(why: BadText) -> Mistake {
        Mistake::Parameter("channel".to_owned(), why)
    }

    #[test]
    fn a_parameter_is_found_by_its_name_and_decoded() {
        for (query, expected) in [
            ("channel=news", Some("news")),
            ("a=1&&channel=fleet%2F42&b", Some("fleet/42")),
            ("channel=a+b%20c%2B", Some("a b c+")),
            ("channel=%c3%BC%F0%9f%98%80", Some("ü😀")),
            ("channel=ü", Some("ü")),
            ("ch%61nnel=%00=%25", Some("\0=%")),
            ("channel", Some("")),
            ("channel=", Some("")),
            ("", None),
            ("channels=x&Channel=y&%ff=z&x=channel=1", None),
        ] {
            assert_eq!(value(query), Ok(expected.map(Cow::from)), "{query}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_in_percent_encoding_is_refused() {
        for bad in ["%", "a%", "%4", "%g1", "%1g", "%%41", "%+1", "% 1", "%u0041", "%ü", "%-1"] {
            assert_eq!(value(&format!("channel={bad}")), Err(broken(BadText::Escape)), "{bad}");
        }
        // Bytes that are no UTF-8: alone, too long a form, halves of a pair, beyond the last character.
        for bad in ["%ff", "%80", "%c3", "%c3%28", "%c0%80", "%e0%80%af", "%ed%a0%80", "%f4%90%80%80", "a%fe", "ü%c3"]
        {
            assert_eq!(value(&format!("channel={bad}")), Err(broken(BadText::NotUtf8)), "{bad}");
        }
    }

    #[test]
    fn a_parameter_that_comes_twice_is_refused_and_others_may_hold_anything() {
        let twice = Mistake::Repeated("channel".to_owned());
        assert_eq!(value("channel=a&channel=a"), Err(twice.clone()));
        assert_eq!(value("channel=a&ch%61nnel"), Err(twice));
        assert_eq!(value("channel=a&x=%&x=%ff&%zz=1"), Ok(Some("a".into())));
    }
}
