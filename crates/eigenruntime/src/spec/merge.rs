//! Merge keys: `<<: *defaults`.
//!
//! They are not part of YAML 1.2, but Go's `yaml.v3`, with which every known reader of specs is written, resolves
//! them, so a spec that uses them is the mapping that results.

use super::node::{Entry, Form, Node, Value};

/// Replaces the merge keys of a mapping by the entries they bring in.
///
/// A key of the mapping itself wins, then the mapping merged first. A merge key with anything but a mapping or a list
/// of mappings stays, for the rules to find.
pub(super) fn resolve(entries: &mut Vec<Entry>) {
    if !entries.iter().any(is_mergeable) {
        return;
    }
    let (merges, own): (Vec<_>, Vec<_>) =
        std::mem::take(entries).into_iter().partition(is_mergeable);
    *entries = own;
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
    for mut entry in brought {
        if entry.name().is_none_or(|name| seen.insert(name.to_owned())) {
            entry.merged = true;
            entries.push(entry);
        }
    }
}

/// Tells whether `entry` is a merge key with what can be merged.
pub(super) fn is_mergeable(entry: &Entry) -> bool {
    let mergeable = match &entry.value.value {
        Value::Mapping(_) => true,
        Value::Sequence(items) => items.iter().all(|item| item.entries().is_some()),
        _ => false,
    };
    mergeable
        && matches!(&entry.key.value, Value::Scalar { text, form: Form::Plain } if &**text == "<<")
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
