//! What a template leaves behind when it is rendered with the wrong data, or not at all.

/// Returns the mark of a template that `text` holds.
///
/// Only marks that cannot be meant are looked for. `${NAME}` is none: a shell in the component may expand it.
pub(super) fn residue(text: &str) -> Option<&'static str> {
    ["<no value>", "<nil>", ACTION]
        .into_iter()
        .find(|mark| text.contains(mark))
        .or_else(|| has_failed_verb(text).then_some("%!"))
}

/// The start of a Go template's action; some programs take such text as an argument.
pub(super) const ACTION: &str = "{{";

/// Tells whether Go's `fmt` failed here: `%!d(string=x)`, `%!s(<nil>)`, `%!(EXTRA …)`.
fn has_failed_verb(text: &str) -> bool {
    text.match_indices("%!").any(|(index, mark)| {
        let rest = &text[index + mark.len()..];
        rest.trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .starts_with('(')
            && rest.find('(').is_some_and(|at| at <= 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_marks_and_nothing_else() {
        assert_eq!(residue("<no value>"), Some("<no value>"));
        assert_eq!(residue("sha256:<nil>"), Some("<nil>"));
        assert_eq!(residue("{{ .Digest }}"), Some("{{"));
        assert_eq!(residue("v%!d(string=1)"), Some("%!"));
        assert_eq!(residue("%!(EXTRA int=1)"), Some("%!"));
        for innocent in ["${HOME}", "100%!", "%!ab(", "<none>", "} }", "%!é("] {
            assert_eq!(residue(innocent), None, "{innocent}");
        }
    }
}
