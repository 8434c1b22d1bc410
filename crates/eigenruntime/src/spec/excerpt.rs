//! Text of a spec, made safe to repeat in a message.

use eigenpack_oci::is_deceptive;

/// How many characters of a text a message repeats.
const MAX_CHARS: usize = 60;

/// Shortens `text` and replaces what could disturb a terminal or mislead a reader.
///
/// A spec can come from a stranger, and its faults are shown on a terminal.
pub(super) fn excerpt(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars
        .by_ref()
        .take(MAX_CHARS)
        .map(|c| {
            if is_deceptive(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Returns the candidate that `text` is most likely a misspelling of.
pub(super) fn suggestion<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // No field's name is longer, and the comparison's cost grows with the product of the lengths.
    if text.chars().count() > 32 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let distance = |candidate: &str| strsim::damerau_levenshtein(&plain(text), &plain(candidate));
    candidates
        .iter()
        .copied()
        .filter(|candidate| distance(candidate) <= candidate.len() / 3)
        // The separators decide between two that differ in them alone.
        .min_by_key(|candidate| {
            let exact = strsim::levenshtein(&text.to_lowercase(), &candidate.to_lowercase());
            (distance(candidate), exact)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_and_shortens() {
        assert_eq!(
            excerpt("a\u{1b}[31mb\nc\u{202e}d\u{ad}"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(excerpt(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(excerpt(&"é".repeat(61)), "é".repeat(60) + "…");
    }

    #[test]
    fn suggests_what_was_meant() {
        let known = [
            "registry",
            "digest",
            "command",
            "env",
            "ports",
            "resources",
            "apiVersion",
        ];
        assert_eq!(suggestion("registy", &known), Some("registry"));
        assert_eq!(suggestion("Digest", &known), Some("digest"));
        assert_eq!(suggestion("api_version", &known), Some("apiVersion"));
        assert_eq!(suggestion("evn", &known), Some("env"));
        assert_eq!(suggestion("image", &known), None);
        assert_eq!(suggestion(&"registry".repeat(100_000), &known), None);
    }
}
