//! JSON with the escapes of Go's `encoding/json`.
//!
//! The original tool is written in Go, whose encoder escapes `<`, `>`, `&` and the two Unicode line separators inside
//! strings. The same inputs must give the same digest, so the same escapes are made here. These characters stand in
//! JSON only inside strings, which makes replacing them in the finished text right.

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Writes `value` on one line without spaces.
pub(super) fn compact(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    write(value, CompactFormatter)
}

/// Writes `value` indented by two spaces, without a final newline.
pub(super) fn indented(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    write(value, PrettyFormatter::with_indent(b"  "))
}

fn write(value: &impl Serialize, formatter: impl Formatter) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut json, formatter,
    ))?;
    Ok(escape(&json))
}

fn escape(json: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        let (replacement, used): (&[u8], usize) = match (byte, after) {
            (b'<', _) => (b"\\u003c", 1),
            (b'>', _) => (b"\\u003e", 1),
            (b'&', _) => (b"\\u0026", 1),
            (0xe2, [0x80, 0xa8, ..]) => (b"\\u2028", 3),
            (0xe2, [0x80, 0xa9, ..]) => (b"\\u2029", 3),
            _ => (&rest[..1], 1),
        };
        escaped.extend_from_slice(replacement);
        rest = &rest[used..];
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_as_go_does() {
        let json = compact(&"<a href=\"x\">&\u{2028}\u{2029}é\u{2027}\t\u{1}").unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\u2028\\u2029é\u{2027}\\t\\u0001\""
        );
    }

    proptest! {
        #[test]
        fn reads_back_as_written(text in "\\PC*|[<>&\u{2020}-\u{2030}\\\\\"]{0,20}") {
            for json in [compact(&text).unwrap(), indented(&text).unwrap()] {
                prop_assert_eq!(&serde_json::from_slice::<String>(&json).unwrap(), &text);
            }
        }
    }
}
