//! What of a mapping is to be hidden from those who are shown its lines.

use super::collector::Collector;
use super::merge;
use super::model::is_secret_type;
use super::node::{Entry, Node};

/// The keys that say what a variable is. What a secret has at any other key may be its value under a misspelt name.
const DESCRIPTION: &[&str] = &["name", "type", "kind", "required"];

/// Marks the values of a mapping that says it is a secret, so that no line that is shown gives them away.
///
/// Every mapping is asked, wherever it stands: one that the rules do not take for a variable is shown with its fault
/// all the same. Merge keys must not be resolved yet, since a value that another one replaces stands in the text too.
pub(super) fn mark(entries: &[Entry], out: &mut Collector<'_>) {
    if is_secret(entries) {
        mark_values(entries, out);
    }
}

fn is_secret(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| {
        let says =
            is_key(entry, &["type", "kind"]) && entry.value.text().is_some_and(is_secret_type);
        says || merge::mappings(entry).any(is_secret)
    })
}

fn mark_values(entries: &[Entry], out: &mut Collector<'_>) {
    for entry in entries.iter().filter(|entry| !is_key(entry, DESCRIPTION)) {
        if merge::is_mergeable(entry) {
            merge::mappings(entry).for_each(|inner| mark_values(inner, out));
        } else {
            mark_value(&entry.value, out);
        }
    }
}

fn mark_value(value: &Node, out: &mut Collector<'_>) {
    let span = &value.span;
    let text = out.text();
    // A value that begins with `!` or `&` is a tag or an anchor to YAML, and what it names may be nothing.
    let mut start = span.start;
    while let Some(word) = text[..start].split_whitespace().next_back() {
        if !word.starts_with(['!', '&']) {
            break;
        }
        start = text[..start].trim_end().len() - word.len();
    }
    let end = if value.is_unwritten() {
        let rest = &text[span.end..];
        span.end + rest.find(['\n', '\r']).unwrap_or(rest.len())
    } else {
        span.start + text[span.clone()].trim_end().len()
    };
    out.mark_secret(start..end);
}

fn is_key(entry: &Entry, names: &[&str]) -> bool {
    let key = entry.name().unwrap_or_default();
    names.iter().any(|name| name.eq_ignore_ascii_case(key))
}
