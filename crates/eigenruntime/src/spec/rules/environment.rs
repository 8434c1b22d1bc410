//! The environment variables of a component.

use std::collections::BTreeMap;

use super::Document;
use crate::spec::collector::Collector;
use crate::spec::excerpt::excerpt;
use crate::spec::model::is_secret_type;
use crate::spec::rule::Rule;
use crate::spec::view::{Field, Object};

/// `malformed-env-name`: a variable's name is one that a process can have.
///
/// What the operating system or Docker's `-e` would tear apart is an error; what only a shell cannot name a warning.
pub(super) fn names(document: &Document<'_>, out: &mut Collector<'_>) {
    for field in document
        .components
        .iter()
        .flat_map(|component| &component.env)
        .filter_map(name)
    {
        let Some(text) = field.sound_text() else {
            continue;
        };
        let help = "use letters, digits and `_`, and no digit first";
        let shown = excerpt(text);
        let place = field.value_place();
        if text.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
            let message = format!("`{shown}` has a space, a control character or `=` in it");
            out.error(Rule::MalformedEnvName, place, message, help);
        } else if !is_portable(text) {
            let message = format!("a shell cannot read a variable called `{shown}`");
            out.warning(Rule::MalformedEnvName, place, message, help);
        }
    }
}

/// `duplicate-env-name`: a variable is declared once in its component.
pub(super) fn duplicate_names(document: &Document<'_>, out: &mut Collector<'_>) {
    for component in &document.components {
        let mut seen = BTreeMap::new();
        for field in component.env.iter().filter_map(name) {
            let Some(text) = field.sound_text() else {
                continue;
            };
            let Some(first) = seen.get(text) else {
                seen.insert(text, &field.value.span);
                continue;
            };
            let line = out.line(first);
            let message = format!("`{}` is already declared on line {line}", excerpt(text));
            let help = "remove or rename one of the two";
            out.error(Rule::DuplicateEnvName, field.value_place(), message, help);
        }
    }
}

/// `secret-value`: a secret carries no value, because everybody can read a spec.
pub(super) fn secret_values(document: &Document<'_>, out: &mut Collector<'_>) {
    for variable in document
        .components
        .iter()
        .flat_map(|component| &component.env)
    {
        let Some(value) = variable.field("value").filter(|_| is_secret(variable)) else {
            continue;
        };
        // The message must not repeat the value.
        if value.sound_text().is_some_and(|text| !text.is_empty()) {
            out.error(
                Rule::SecretValue,
                value.value_place(),
                "a secret carries its value in a spec that everybody can read",
                "remove `value`, and replace the secret if the spec was already shared",
            );
        }
    }
}

/// Tells whether either spelling of the type makes `variable` a secret, also where a key occurs twice.
pub(super) fn is_secret(variable: &Object<'_>) -> bool {
    variable
        .fields()
        .filter(|field| matches!(field.name, "type" | "kind"))
        .any(|field| field.text().is_some_and(is_secret_type))
}

fn name<'a>(variable: &Object<'a>) -> Option<Field<'a>> {
    let field = variable.field("name")?;
    field
        .text()
        .is_some_and(|text| !text.trim().is_empty())
        .then_some(field)
}

fn is_portable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
