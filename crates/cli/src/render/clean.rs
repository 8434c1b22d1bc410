//! Making text from outside safe to show, and safe to paste.

use eigenpack::oci::is_deceptive;

/// Returns `text` with every character that could act on a terminal, or deceive its reader, written as an escape.
///
/// Nothing is left out: an auditor must see that there was something.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => cleaned.push('\n'),
            _ if is_deceptive(character) => cleaned.extend(character.escape_unicode()),
            _ => cleaned.push(character),
        }
    }
    cleaned
}

/// Returns `text` as one word of a POSIX shell.
pub(crate) fn shell_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@=,+-%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_could_act_on_a_terminal() {
        assert_eq!(
            clean("a\u{1b}[31mb\r\u{202e}c"),
            "a\\u{1b}[31mb\\u{d}\\u{202e}c"
        );
        assert_eq!(
            clean("a\u{61c}\u{ad}b\u{e0041}"),
            "a\\u{61c}\\u{ad}b\\u{e0041}"
        );
        assert_eq!(clean("é ✓\n"), "é ✓\n");
    }

    #[test]
    fn quotes_for_a_shell() {
        assert_eq!(shell_quoted("specs/a.yaml"), "specs/a.yaml");
        assert_eq!(shell_quoted("it's $HOME!"), "'it'\\''s $HOME!'");
        assert_eq!(shell_quoted(""), "''");
    }
}
