//! The types of fields.

use super::schema::{self, Shape};
use super::{Document, tree};
use crate::spec::collector::{Collector, Place};
use crate::spec::excerpt::excerpt;
use crate::spec::node::Node;
use crate::spec::rule::Rule;
use crate::spec::template;
use crate::spec::view::Field;

/// `wrong-type`: a field has the type that its readers decode.
///
/// Null is every type's zero value for them, except where a component or an item of a list should be.
pub(super) fn wrong_types(document: &Document<'_>, out: &mut Collector<'_>) {
    schema::walk(&document.root, &mut |object, schema| {
        for key in object.odd_keys() {
            odd_key(key, object.place(), out);
        }
        for field in object.fields() {
            if let Some(known) = schema.field(field.name) {
                check_field(&field, &known.shape, out);
            }
        }
    });
}

fn odd_key(key: &Node, mut place: Place, out: &mut Collector<'_>) {
    if !key.is_unwritten() {
        place.span = key.span.clone();
    }
    let message = format!("a key is {}, but a text is needed", key.type_name());
    let help = match key.type_name() {
        "null" => "write the field's name before the colon",
        _ => "put the key in quotes if it is one text",
    };
    out.error(Rule::WrongType, place, message, help);
}

fn check_field(field: &Field<'_>, shape: &Shape, out: &mut Collector<'_>) {
    let node = field.value;
    let wrong = match shape {
        Shape::Text => node.text().is_none(),
        Shape::Boolean => node.boolean().is_none(),
        Shape::Texts | Shape::Objects(_) => node.items().is_none(),
        Shape::Object(_) | Shape::Map(_) => node.entries().is_none(),
    };
    if wrong && !node.is_null() {
        mismatch(node, field.name, field.value_place(), shape, out);
    }
    match shape {
        Shape::Texts => check_items(field, &Shape::Text, out, |item| item.text().is_none()),
        Shape::Objects(schema) => {
            check_items(field, &Shape::Object(schema), out, |item| {
                item.entries().is_none()
            });
        }
        Shape::Map(schema) => {
            let Some(map) = field.object() else { return };
            for key in map.odd_keys() {
                odd_key(key, map.place(), out);
            }
            for field in map.fields().filter(|field| field.value.entries().is_none()) {
                let place = field.value_place();
                mismatch(field.value, field.name, place, &Shape::Object(schema), out);
            }
        }
        Shape::Text | Shape::Boolean | Shape::Object(_) => {}
    }
}

fn check_items(
    field: &Field<'_>,
    shape: &Shape,
    out: &mut Collector<'_>,
    wrong: impl Fn(&Node) -> bool,
) {
    let items = field.value.items().unwrap_or_default().iter().enumerate();
    for (index, item) in items.filter(|(_, item)| wrong(item)) {
        let mut place = field.item_place(index, item);
        if item.is_unwritten() {
            place.span = field.key.span.clone();
        }
        mismatch(item, &format!("{}[{index}]", field.name), place, shape, out);
    }
}

fn mismatch(node: &Node, name: &str, place: Place, shape: &Shape, out: &mut Collector<'_>) {
    if node.text().and_then(template::residue).is_some() {
        return;
    }
    let (needed, help) = match shape {
        Shape::Text => (
            "a text",
            "write a single value, in quotes if it has special characters",
        ),
        Shape::Boolean => ("a boolean", "write `true` or `false`, without quotes"),
        Shape::Texts => ("a list", "write each item on a line of its own after `- `"),
        Shape::Objects(_) => ("a list", "write each variable as an item: `- name: …`"),
        Shape::Object(_) | Shape::Map(_) => (
            "a mapping",
            "write its fields below it, each indented further",
        ),
    };
    let message = format!(
        "`{}` is {}, but {needed} is needed",
        excerpt(name),
        node.type_name()
    );
    out.error(Rule::WrongType, place, message, help);
}

/// `custom-tag`: a value carries no YAML tag outside the core schema.
pub(super) fn custom_tags(document: &Document<'_>, out: &mut Collector<'_>) {
    tree::walk(document.node, &mut |visit| {
        let Some(tag) = &visit.node.custom_tag else {
            return;
        };
        let span = visit.node.span.clone();
        // A secret that begins with `!` is a tag to YAML.
        let shown = if out.hides(span.start) {
            "!…".to_owned()
        } else {
            excerpt(tag)
        };
        out.warning(
            Rule::CustomTag,
            Place {
                span,
                path: visit.path.clone(),
            },
            format!("the tag `{shown}` means nothing to the readers of a spec"),
            "remove the tag; if a tool should have replaced the value, run it first",
        );
    });
}

/// `boolean-spelling`: a boolean is spelled `true` or `false`.
pub(super) fn boolean_spelling(document: &Document<'_>, out: &mut Collector<'_>) {
    schema::walk(&document.root, &mut |object, schema| {
        for field in object.fields() {
            let known = schema.field(field.name).map(|known| &known.shape);
            let boolean = field
                .boolean()
                .filter(|_| matches!(known, Some(Shape::Boolean)));
            let Some(boolean) = boolean.filter(|boolean| !boolean.portable) else {
                continue;
            };
            let message = format!(
                "`{}` is a boolean only to readers that still know YAML 1.1",
                field.text().unwrap_or_default()
            );
            let help = format!("write `{}`", boolean.value);
            out.warning(Rule::BooleanSpelling, field.value_place(), message, help);
        }
    });
}
