//! Merge keys: `<<: *defaults`.
//!
//! They are not part of YAML 1.2, but Go's `yaml.v3`, with which every known reader of specs is written, resolves
//! them, so a spec that uses them is the mapping that results.

use super::collector::{Collector, Place};
use super::node::{Entry, Form, Node, Value};
use super::path::FieldPath;
use super::rule::Rule;
use super::template;

const MERGE: &str = "<<";

/// Replaces the merge keys of a mapping by the entries they bring in.
///
/// A key of the mapping itself wins, then the mapping merged first. A merge key with anything but a mapping or a list
/// of mappings is reported as `wrong-type` at the mapping's `path`, since readers refuse the whole spec for it. It stays
/// among the entries, but is no field.
pub(super) fn resolve(
    entries: &mut Vec<Entry>,
    path: impl Fn() -> FieldPath,
    out: &mut Collector<'_>,
) {
    if !entries.iter().any(is_merge_key) {
        return;
    }
    let (merges, own): (Vec<_>, Vec<_>) =
        std::mem::take(entries).into_iter().partition(is_mergeable);
    *entries = own;
    for entry in entries.iter().filter(|entry| is_merge_key(entry)) {
        refuse(entry, &path(), out);
    }
    let mut brought: Vec<Entry> = Vec::new();
    for merge in merges {
        match merge.value.value {
            Value::Mapping(inner) => brought.extend(inner),
            Value::Sequence(items) => brought.extend(items.into_iter().flat_map(into_entries)),
            _ => {}
        }
    }
    let mut seen: std::collections::BTreeSet<_> = entries
        .iter()
        .filter_map(|entry| entry.name().map(str::to_owned))
        .collect();
    for entry in brought {
        if entry.name().is_none_or(|name| seen.insert(name.to_owned())) {
            entries.push(entry);
        }
    }
}

fn refuse(entry: &Entry, path: &FieldPath, out: &mut Collector<'_>) {
    let (key, value) = (&entry.key, &entry.value);
    if value.text().and_then(template::residue).is_some() {
        return;
    }
    let shown = if value.is_unwritten() { key } else { value };
    let place = Place {
        span: shown.span.clone(),
        path: path.field(MERGE),
    };
    let message = format!(
        "`<<` merges mappings, but this is {}",
        match value.items() {
            Some(_) => "a list with something else in it",
            None => value.type_name(),
        }
    );
    let help = "refer to a mapping, such as `<<: *defaults`, or write the key in quotes";
    out.error(Rule::WrongType, place, message, help);
}

/// Tells whether `entry` is a merge key, whatever its value.
pub(super) fn is_merge_key(entry: &Entry) -> bool {
    let tagged = entry.key.custom_tag.as_deref() == Some("!!merge");
    match &entry.key.value {
        Value::Scalar { text, form } => &**text == MERGE && (tagged || *form == Form::Plain),
        _ => false,
    }
}

/// Tells whether `entry` is a merge key with what can be merged.
pub(super) fn is_mergeable(entry: &Entry) -> bool {
    let mergeable = match &entry.value.value {
        Value::Mapping(_) => true,
        Value::Sequence(items) => items.iter().all(|item| item.entries().is_some()),
        _ => false,
    };
    mergeable && is_merge_key(entry)
}

/// Returns the entries of each mapping that `entry` merges: none, if it is no merge key.
pub(super) fn mappings(entry: &Entry) -> impl Iterator<Item = &[Entry]> {
    let nodes = match &entry.value.value {
        _ if !is_mergeable(entry) => &[],
        Value::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    nodes.iter().filter_map(Node::entries)
}

fn into_entries(node: Node) -> Vec<Entry> {
    match node.value {
        Value::Mapping(entries) => entries,
        _ => Vec::new(),
    }
}
