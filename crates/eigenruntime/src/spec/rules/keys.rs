//! Keys that occur twice.

use std::collections::BTreeMap;

use super::{Document, tree};
use crate::spec::collector::{Collector, Place};
use crate::spec::excerpt::excerpt;
use crate::spec::rule::Rule;

/// `duplicate-key`: a key occurs once in its mapping, anywhere in the spec.
pub(super) fn duplicate_keys(document: &Document<'_>, out: &mut Collector<'_>) {
    tree::walk(document.node, &mut |visit| {
        let mut seen = BTreeMap::new();
        for entry in visit.node.entries().unwrap_or_default() {
            let Some(name) = entry.name().filter(|_| !entry.merged) else {
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
                    path: visit.path.field(name),
                },
                format!("`{}` is already defined on line {line}", excerpt(name)),
                "remove or rename one of the two: some readers refuse the spec, others keep either",
            );
        }
    });
}
