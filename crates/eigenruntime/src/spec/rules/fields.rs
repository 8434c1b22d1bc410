//! Fields that must be there, and fields that no reader knows.

use super::Document;
use super::schema::{self, Known, Schema};
use crate::spec::collector::Collector;
use crate::spec::excerpt::{excerpt, suggestion};
use crate::spec::help::Help;
use crate::spec::rule::Rule;
use crate::spec::view::Field;

/// `missing-field`: a required field is present.
pub(super) fn missing_fields(document: &Document<'_>, out: &mut Collector<'_>) {
    schema::walk(&document.root, &mut |object, schema| {
        for Known { name, required, .. } in schema.fields {
            let Some(example) = required.filter(|_| object.field(name).is_none()) else {
                continue;
            };
            let message = format!("`{name}` is missing");
            let help = format!("add `{example}`");
            out.error(Rule::MissingField, object.missing(name), message, help);
        }
    });
}

/// `empty-value`: a required field is not empty.
pub(super) fn empty_values(document: &Document<'_>, out: &mut Collector<'_>) {
    each_required_text(document, &mut |field, example| {
        if field.value.is_unwritten() || field.text().is_some_and(|text| text.trim().is_empty()) {
            let message = format!("`{}` is empty", field.name);
            let help = format!("write a value, such as `{example}`");
            out.error(Rule::EmptyValue, field.value_place(), message, help);
        }
    });
}

/// `null-value`: a required field is not null.
///
/// Its most frequent origin is the release script: `yq` prints `null` for a key that does not exist, and the template
/// writes that down as if it were a value.
pub(super) fn null_values(document: &Document<'_>, out: &mut Collector<'_>) {
    each_required_text(document, &mut |field, example| {
        if field.value.is_null() && !field.value.is_unwritten() {
            let message = format!(
                "`{}` is null, as a release script renders it when `yq` prints `null` for a key \
                 that its context file lacks",
                field.name
            );
            let help = format!("fill in the missing key and render again, or write `{example}`");
            out.error(Rule::NullValue, field.value_place(), message, help);
        }
    });
}

fn each_required_text(document: &Document<'_>, visit: &mut dyn FnMut(&Field<'_>, &'static str)) {
    schema::walk(&document.root, &mut |object, schema| {
        for field in object.fields() {
            let known = schema.field(field.name);
            let example = known.filter(|known| matches!(known.shape, schema::Shape::Text));
            if let Some(example) = example.and_then(|known| known.required) {
                visit(&field, example);
            }
        }
    });
}

/// `unknown-field`: a field is one that some reader knows.
pub(super) fn unknown_fields(document: &Document<'_>, out: &mut Collector<'_>) {
    schema::walk(&document.root, &mut |object, schema| {
        for field in object.fields() {
            if schema.field(field.name).is_some() || field.key_has_residue() {
                continue;
            }
            let message = format!(
                "no reader knows the field `{}` of {}",
                excerpt(field.name),
                schema.name
            );
            out.warning(
                Rule::UnknownField,
                field.key_place(),
                message,
                advice(&field, schema),
            );
        }
    });
}

fn advice(field: &Field<'_>, schema: &'static Schema) -> Help {
    let name = field.name.to_owned();
    Help::later(move || {
        let names: Vec<_> = schema.fields.iter().map(|known| known.name).collect();
        if let Some(meant) = suggestion(&name, &names) {
            return format!("did you mean `{meant}`?");
        }
        match name.as_str() {
            "teeEnabled" | "tee_enabled" => "move it below `resources`".to_owned(),
            "image" => "write `registry` and `digest` instead".to_owned(),
            _ => format!("remove it; known are `{}`", names.join("`, `")),
        }
    })
}
