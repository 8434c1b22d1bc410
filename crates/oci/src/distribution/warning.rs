//! Warnings that a registry sends beside its answers (distribution specification, "Warnings").

use crate::deceptive::without_control_characters;

/// The most bytes of `Warning` headers of one answer that are read; registries must not send more.
pub const MAX_WARNING_SIZE: usize = 4096;

/// Reads the warnings in the `Warning` headers of an answer, safe to be shown.
///
/// Only those count that the specification knows: code 299, agent `-`, no date. The others speak of HTTP's caches (RFC
/// 7234, section 5.5).
pub fn parse_warnings<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut left = MAX_WARNING_SIZE;
    let mut warnings = Vec::new();
    for header in headers {
        let Some(rest) = left.checked_sub(header.len()) else {
            break;
        };
        left = rest;
        let mut unread = header;
        while let Some((warning, rest)) = next_warning(unread) {
            unread = rest;
            warnings.extend(
                warning
                    .map(|text| without_control_characters(text.trim()))
                    .filter(|text| !text.is_empty()),
            );
        }
    }
    warnings
}

/// Takes one warning off a list of them: its text, if it is one for us, and the rest of the list. `None` is the end, or
/// something that is no list of warnings.
fn next_warning(list: &str) -> Option<(Option<String>, &str)> {
    let list = list.trim_start_matches([' ', '\t', ',']);
    let (code, rest) = list.split_once(' ')?;
    let (agent, rest) = rest.trim_start().split_once(' ')?;
    let (text, rest) = quoted(rest.trim_start())?;
    let rest = rest.trim_start();
    let (is_dated, rest) = match quoted(rest) {
        Some((_, rest)) => (true, rest.trim_start()),
        None => (false, rest),
    };
    if !rest.is_empty() && !rest.starts_with(',') {
        return None;
    }
    let is_ours = code == "299" && agent == "-" && !is_dated;
    Some((is_ours.then_some(text), rest))
}

/// Takes a quoted string off the front of a text.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut unquoted = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((unquoted, &inside[at + 1..])),
            '\\' => unquoted.push(characters.next()?.1),
            other => unquoted.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(header: &str) -> Vec<String> {
        parse_warnings([header])
    }

    #[test]
    fn reads_what_the_specification_knows_and_nothing_else() {
        assert_eq!(
            read(r#"299 - "Your token expires.""#),
            ["Your token expires."]
        );
        assert_eq!(
            read(r#"299 - "one, \"two\"" , 299 - "three""#),
            [r#"one, "two""#, "three"]
        );
        assert_eq!(
            read(
                r#"110 - "stale", 299 proxy "other", 299 - "old" "Wed, 21 Oct 2026 07:28:00 GMT",299 - "ours""#
            ),
            ["ours"]
        );
        for nothing in [
            "",
            "299",
            "299 -",
            "299 - text",
            r#"299 - "open"#,
            r#"299 - """#,
        ] {
            assert_eq!(read(nothing), Vec::<String>::new(), "{nothing}");
        }
        assert_eq!(
            read(r#"299 - "good" and more, 299 - "bad""#),
            Vec::<String>::new()
        );
        assert_eq!(read("299 - \"a\u{1b}[31mb\u{202e}c\""), ["a[31mbc"]);
    }

    #[test]
    fn reads_no_more_than_a_registry_may_send() {
        let long = format!("299 - \"{}\"", "x".repeat(MAX_WARNING_SIZE - 8));
        assert_eq!(parse_warnings([long.as_str(), r#"299 - "y""#]).len(), 1);
        let too_long = format!("{long} ");
        assert_eq!(read(&too_long), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_survives_being_quoted(text in "[a-zé\"\\\\,; -]{0,40}") {
            let quoted: String = text
                .chars()
                .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
                .collect();
            let expected = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            let read = read(&format!("299 - \"{quoted}\""));
            prop_assert_eq!(read, Vec::from_iter(expected));
        }

        #[test]
        fn nothing_makes_it_panic(header in "[29 \\-\",\\\\a]{0,40}|\\PC{0,20}") {
            read(&header);
        }
    }
}
