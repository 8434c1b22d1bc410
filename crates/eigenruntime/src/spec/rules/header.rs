//! The fields at the top of a spec.

use super::Document;
use crate::spec::collector::{Collector, Place};
use crate::spec::excerpt::{excerpt, suggestion};
use crate::spec::rule::Rule;

const API_VERSIONS: &[&str] = &["eigenruntime.io/v1alpha1", "eigenruntime.io/v1"];
const KINDS: &[&str] = &["Hourglass", "Runtime"];

/// The longest name in characters: that of a DNS name, which most places a name ends up in can hold.
const MAX_NAME: usize = 253;
const MAX_IDENTIFIER: usize = 63;

/// `unknown-api-version`: the `apiVersion` is a known one.
pub(super) fn api_version(document: &Document<'_>, out: &mut Collector<'_>) {
    let Some((text, place)) = header(document, "apiVersion") else {
        return;
    };
    if !API_VERSIONS.contains(&text) {
        let message = format!("`{}` is not a known `apiVersion`", excerpt(text));
        let help = "use `eigenruntime.io/v1alpha1` or `eigenruntime.io/v1`";
        out.warning(Rule::UnknownApiVersion, place, message, help);
    }
}

/// `malformed-kind` and `unknown-kind`: the `kind` is an identifier, and a known one.
pub(super) fn kind(document: &Document<'_>, out: &mut Collector<'_>) {
    let Some((text, place)) = header(document, "kind") else {
        return;
    };
    if !is_identifier(text) {
        // The kind becomes a part of a URL in the artifact.
        let message = format!("`{}` is not an identifier", excerpt(text));
        let help = "use letters, digits, `.`, `-` and `_`, at most 63, such as `Hourglass`";
        out.error(Rule::MalformedKind, place, message, help);
    } else if !KINDS.contains(&text) {
        let message = format!("`{}` is not a known kind", excerpt(text));
        let help = match suggestion(text, KINDS) {
            Some(kind) => format!("did you mean `{kind}`?"),
            None => "known are `Hourglass` and `Runtime`".to_owned(),
        };
        out.warning(Rule::UnknownKind, place, message, help);
    }
}

/// `malformed-name`: the name is plain, short and on one line.
pub(super) fn name(document: &Document<'_>, out: &mut Collector<'_>) {
    if let Some((text, place)) = header(document, "name") {
        check_name(text, place, out);
    }
}

/// `malformed-version`: the version is short and without spaces.
pub(super) fn version(document: &Document<'_>, out: &mut Collector<'_>) {
    let Some((text, place)) = header(document, "version") else {
        return;
    };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if text.contains(odd) || text.chars().count() > MAX_IDENTIFIER {
        let message = format!("`{}` is not a version", excerpt(text));
        let help = "write a number or a version such as `v1.2.0`, at most 63 characters";
        out.error(Rule::MalformedVersion, place, message, help);
    }
}

fn header<'a>(document: &Document<'a>, name: &str) -> Option<(&'a str, Place)> {
    let field = document.root.field(name)?;
    let text = field.sound_text().filter(|text| !text.trim().is_empty())?;
    Some((text, field.value_place()))
}

/// Reports what keeps `text` from being a name.
///
/// A name ends up in an annotation, in file names and on terminals. What disturbs those is an error, what is only
/// unusual a warning.
pub(super) fn check_name(text: &str, place: Place, out: &mut Collector<'_>) {
    let shown = excerpt(text);
    let help = "use letters, digits, `.`, `-` and `_`";
    let mut error = |flaw: &str| {
        out.error(
            Rule::MalformedName,
            place.clone(),
            format!("the name `{shown}` {flaw}"),
            help,
        );
    };
    if text.contains(char::is_control) {
        error("has a line break or another control character");
    } else if text.trim() != text {
        error("begins or ends with a space");
    } else if text.chars().count() > MAX_NAME {
        error("has more than 253 characters");
    } else if let Some(odd) = text.chars().find(|c| !is_plain(*c) && *c != ' ') {
        let message = format!(
            "the name `{shown}` has the unusual character `{}`",
            excerpt(&odd.to_string())
        );
        out.warning(Rule::MalformedName, place, message, help);
    }
}

/// Tells whether a text is letters, digits, `.`, `-` and `_`, and not too many of them.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() <= MAX_IDENTIFIER
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}
