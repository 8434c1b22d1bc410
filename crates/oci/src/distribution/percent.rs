//! Percent encoding, strict where it is read: what is not exactly one text is refused.

/// Appends `text` to `out`, with everything but RFC 3986's unreserved characters encoded.
///
/// `+` is encoded too: most servers read it as a space in a query.
pub(super) fn encode_into(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
    }
}

/// Decodes `text` once; `None` where an escape is cut or no hexadecimal, or the result is not UTF-8 or holds a control
/// character.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            plain => plain,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_one_text() {
        for bad in ["%", "%4", "%zz", "%+1", "%00", "%0a", "%ff", "a\u{7f}"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(decode("%2e%2E%252e").as_deref(), Some("..%2e"));
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in "[^\\pC]{0,40}") {
            let mut encoded = String::new();
            encode_into(&mut encoded, &text);
            prop_assert_eq!(decode(&encoded), Some(text));
        }

        #[test]
        fn never_panics(text in "(%|[0-9a-f]|\\PC){0,40}") {
            let _ = decode(&text);
        }
    }
}
