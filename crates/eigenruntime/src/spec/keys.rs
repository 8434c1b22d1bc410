//! Keys that occur twice.

use std::collections::BTreeMap;

use super::collector::{Collector, Place};
use super::excerpt::excerpt;
use super::node::Entry;
use super::path::FieldPath;
use super::rule::Rule;

/// `duplicate-key`: a key occurs once in its mapping, anywhere in the spec.
///
/// `path` makes the mapping's path. Its merge keys must not be resolved yet: what they bring in may be defined here
/// too, but a second one is refused like any other key.
pub(super) fn check(entries: &[Entry], path: impl Fn() -> FieldPath, out: &mut Collector<'_>) {
    let mut seen = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.name() else {
            continue;
        };
        let span = &entry.key.span;
        let Some(first) = seen.get(name) else {
            seen.insert(name, span);
            continue;
        };
        let line = out.line(first);
        out.error(
            Rule::DuplicateKey,
            Place {
                span: span.clone(),
                path: path().field(name),
            },
            format!("`{}` is already defined on line {line}", excerpt(name)),
            "remove or rename one of the two: some readers refuse the spec, others keep either",
        );
    }
}
