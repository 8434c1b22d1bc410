//! A walk over all nodes, known fields or not.

use crate::spec::node::{Node, Value};
use crate::spec::path::FieldPath;

/// A node on the walk.
pub(super) struct Visit<'a> {
    pub(super) node: &'a Node,
    /// The name of the field that the node is, or is an item of; empty for the root.
    pub(super) field: &'a str,
    pub(super) path: FieldPath,
}

/// Visits `root` and every node below it, keys included, in the order they are written.
pub(super) fn walk<'a>(root: &'a Node, visit: &mut dyn FnMut(&Visit<'a>)) {
    step(
        &Visit {
            node: root,
            field: "",
            path: FieldPath::default(),
        },
        visit,
    );
}

fn step<'a>(at: &Visit<'a>, visit: &mut dyn FnMut(&Visit<'a>)) {
    visit(at);
    match &at.node.value {
        Value::Null | Value::Scalar { .. } => {}
        Value::Sequence(items) => {
            for (index, node) in items.iter().enumerate() {
                step(
                    &Visit {
                        node,
                        field: at.field,
                        path: at.path.item(index),
                    },
                    visit,
                );
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let field = entry.name().unwrap_or_default();
                let path = at.path.field(field);
                step(
                    &Visit {
                        node: &entry.key,
                        field,
                        path: path.clone(),
                    },
                    visit,
                );
                step(
                    &Visit {
                        node: &entry.value,
                        field,
                        path,
                    },
                    visit,
                );
            }
        }
    }
}
