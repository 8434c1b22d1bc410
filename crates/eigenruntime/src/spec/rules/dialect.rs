//! Traps: what one reader of specs knows and another silently passes over.
//!
//! Only what changes the meaning is reported. `tee_enabled: false` is not read by eigenruntime-go either, but it takes
//! the same answer for granted.

use super::Document;
use super::environment::is_secret;
use crate::spec::collector::Collector;
use crate::spec::consumer::Consumer;
use crate::spec::excerpt::{excerpt, suggestion};
use crate::spec::help::Help;
use crate::spec::rule::Rule;
use crate::spec::view::{Field, Object};

/// The components that hgctl looks for.
const HGCTL_COMPONENTS: &[&str] = &["aggregator", "executor", "performer"];

/// `tee-conflict` and `tee-spelling`: every reader sees the same demand for a trusted execution environment.
pub(super) fn tee(document: &Document<'_>, out: &mut Collector<'_>) {
    for component in &document.components {
        let resources = component
            .fields
            .field("resources")
            .and_then(|field| field.object());
        let Some(resources) = resources else {
            continue;
        };
        match (
            resources.field("teeEnabled"),
            resources.field("tee_enabled"),
        ) {
            (Some(camel), Some(snake)) => tee_conflict(&camel, &snake, out),
            (Some(camel), None) => tee_spelling(&camel, "tee_enabled", Consumer::Hgctl, out),
            (None, Some(snake)) => {
                tee_spelling(&snake, "teeEnabled", Consumer::EigenruntimeGo, out);
            }
            (None, None) => {}
        }
    }
}

fn tee_conflict(camel: &Field<'_>, snake: &Field<'_>, out: &mut Collector<'_>) {
    let (Some(a), Some(b)) = (demand(camel), demand(snake)) else {
        return;
    };
    if a == b {
        return;
    }
    let (first, second) = in_order(camel, snake);
    let line = out.line(&first.key.span);
    let message = format!(
        "`{}` contradicts `{}` on line {line}: eigenruntime-go reads {a} and hgctl reads {b}",
        second.name, first.name
    );
    out.error(
        Rule::TeeConflict,
        second.key_place(),
        message,
        "give both the same value",
    );
}

fn tee_spelling(field: &Field<'_>, other: &str, reader: Consumer, out: &mut Collector<'_>) {
    if demand(field) == Some(true) {
        let who = match reader {
            Consumer::Hgctl => "eigenruntime-go reads it",
            Consumer::EigenruntimeGo => "hgctl reads it and the Hourglass template writes it",
        };
        let message = format!(
            "{reader} does not know `{}` and runs the component without a TEE; {who}",
            field.name
        );
        let help = format!("add `{other}: true` beside it, so that every reader sees the demand");
        out.trap(reader, Rule::TeeSpelling, field.key_place(), message, help);
    }
}

/// Returns what a reader takes from `field`: null is false to it.
fn demand(field: &Field<'_>) -> Option<bool> {
    field
        .boolean()
        .map(|boolean| boolean.value)
        .or(field.value.is_null().then_some(false))
}

/// `env-type-conflict` and `env-type-spelling`: every reader sees the same type of a variable.
pub(super) fn env_types(document: &Document<'_>, out: &mut Collector<'_>) {
    for variable in document
        .components
        .iter()
        .flat_map(|component| &component.env)
    {
        let (type_, kind) = (written(variable, "type"), written(variable, "kind"));
        match (type_, kind) {
            (Some((type_, a)), Some((kind, b))) if a != b => {
                let (first, second) = in_order(&type_, &kind);
                let line = out.line(&first.key.span);
                let message = format!(
                    "`{}` contradicts `{}` on line {line}: eigenruntime-go reads `{}` and hgctl `{}`",
                    second.name,
                    first.name,
                    excerpt(a),
                    excerpt(b)
                );
                let help = "give both the same value";
                out.error(Rule::EnvTypeConflict, second.key_place(), message, help);
            }
            // A variable without a type is plain.
            (Some((field, text)), None) if text != "plain" => {
                env_type_spelling(&field, text, "kind", Consumer::Hgctl, out);
            }
            // `plain` too: the published template, and all but hgctl, have `type`.
            (None, Some((field, text))) => {
                env_type_spelling(&field, text, "type", Consumer::EigenruntimeGo, out);
            }
            _ => {}
        }
    }
}

fn env_type_spelling(
    field: &Field<'_>,
    text: &str,
    other: &str,
    reader: Consumer,
    out: &mut Collector<'_>,
) {
    let message = format!("{reader} does not read `{}` but `{other}`", field.name);
    let help = format!(
        "add `{other}: {}` beside it, so that every reader sees it",
        excerpt(text)
    );
    out.trap(
        reader,
        Rule::EnvTypeSpelling,
        field.key_place(),
        message,
        help,
    );
}

fn written<'a>(variable: &Object<'a>, name: &str) -> Option<(Field<'a>, &'a str)> {
    let field = variable.field(name)?;
    let text = field.sound_text().filter(|text| !text.is_empty())?;
    Some((field, text))
}

fn in_order<'a, 'b>(a: &'b Field<'a>, b: &'b Field<'a>) -> (&'b Field<'a>, &'b Field<'a>) {
    if a.key.span.start <= b.key.span.start {
        (a, b)
    } else {
        (b, a)
    }
}

/// `unread-env-value`: every reader sees a variable's value.
pub(super) fn env_values(document: &Document<'_>, out: &mut Collector<'_>) {
    for variable in document
        .components
        .iter()
        .flat_map(|component| &component.env)
    {
        // That a secret has a value at all is worse, and a fault of its own.
        let value = variable.field("value").filter(|_| !is_secret(variable));
        if let Some(value) = value.filter(|value| value.text().is_some()) {
            out.trap(
                Consumer::EigenruntimeGo,
                Rule::UnreadEnvValue,
                value.key_place(),
                "eigenruntime-go does not read `value` and leaves the variable unset; only hgctl \
                 passes it on",
                "remove it if the operator is to set the variable, or put a default in the image",
            );
        }
    }
}

/// `unread-ports`: every reader sees the ports.
pub(super) fn ports(document: &Document<'_>, out: &mut Collector<'_>) {
    for field in nonempty(document, "ports") {
        out.trap(
            Consumer::EigenruntimeGo,
            Rule::UnreadPorts,
            field.key_place(),
            "eigenruntime-go does not read `ports`; only hgctl does",
            "do not rely on the ports being opened; document them for operators",
        );
    }
}

/// `unread-command`: every reader runs the command.
pub(super) fn commands(document: &Document<'_>, out: &mut Collector<'_>) {
    for field in nonempty(document, "command") {
        out.trap(
            Consumer::Hgctl,
            Rule::UnreadCommand,
            field.key_place(),
            "hgctl never uses `command` and runs the image as it is; only eigenruntime-go reads it",
            "build the command into the image, so that every reader runs it",
        );
    }
}

fn nonempty<'a>(document: &Document<'a>, name: &str) -> Vec<Field<'a>> {
    let components = document.components.iter();
    components
        .filter_map(|component| component.fields.field(name))
        .filter(|field| field.value.items().is_some_and(|items| !items.is_empty()))
        .collect()
}

/// `unread-component`: the runner looks for every component.
///
/// A spec of another kind than Hourglass has free names, unless it is checked for hgctl.
pub(super) fn component_names(document: &Document<'_>, out: &mut Collector<'_>) {
    let kind = document.root.field("kind").and_then(|field| field.text());
    if kind != Some("Hourglass") && out.consumer() != Some(Consumer::Hgctl) {
        return;
    }
    for component in &document.components {
        let entry = &component.entry;
        if HGCTL_COMPONENTS.contains(&entry.name) || entry.key_has_residue() {
            continue;
        }
        let message = format!(
            "hgctl does not look for a component `{}`",
            excerpt(entry.name)
        );
        let name = entry.name.to_owned();
        let help = Help::later(move || match suggestion(&name, HGCTL_COMPONENTS) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "it runs `aggregator`, `executor` and `performer`".to_owned(),
        });
        out.trap(
            Consumer::Hgctl,
            Rule::UnreadComponent,
            entry.key_place(),
            message,
            help,
        );
    }
}
