//! The rules, one function each. That keys are unique and merge keys merge is checked while the tree is composed.
//!
//! To add one: name it in [`Rule`], write the function in the file of its theme, list it below, and give
//! it a case in the table of `tests/spec/rules.rs`.

mod components;
mod dialect;
mod environment;
mod fields;
mod header;
mod image;
mod residue;
mod schema;
mod tree;
mod types;

pub(crate) use header::is_identifier;

use super::collector::{Collector, Place};
use super::node::Node;
use super::path::FieldPath;
use super::rule::Rule;
use super::template;
use super::view::{self, Component, Object};

/// A spec as the rules see it.
struct Document<'a> {
    node: &'a Node,
    root: Object<'a>,
    components: Vec<Component<'a>>,
}

/// A rule's function.
type Check = fn(&Document<'_>, &mut Collector<'_>);

const CHECKS: &[Check] = &[
    types::wrong_types,
    types::custom_tags,
    types::boolean_spelling,
    fields::missing_fields,
    fields::empty_values,
    fields::null_values,
    fields::unknown_fields,
    header::api_version,
    header::kind,
    header::name,
    header::version,
    components::at_least_one,
    components::names,
    components::ports,
    image::registries,
    image::digests,
    environment::names,
    environment::duplicate_names,
    environment::secret_values,
    dialect::tee,
    dialect::env_types,
    dialect::env_values,
    dialect::ports,
    dialect::commands,
    dialect::component_names,
];

/// Runs every rule on the spec `node`.
pub(super) fn check(node: &Node, out: &mut Collector<'_>) {
    residue::template_residue(node, out);
    let Some(root) = Object::root(node) else {
        if node.text().and_then(template::residue).is_some() {
            return;
        }
        let place = Place {
            span: node.span.clone(),
            path: FieldPath::default(),
        };
        let message = format!("the spec is {}, but a mapping is needed", node.type_name());
        return out.error(
            Rule::WrongType,
            place,
            message,
            "write `apiVersion: …` and so on",
        );
    };
    let components = view::components(&root);
    let document = Document {
        node,
        root,
        components,
    };
    for check in CHECKS {
        check(&document, out);
    }
}
