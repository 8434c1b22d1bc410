//! The components of a spec.

use super::Document;
use super::header::check_name;
use crate::spec::collector::Collector;
use crate::spec::excerpt::excerpt;
use crate::spec::rule::Rule;
use crate::spec::template;

/// `no-components`: a spec has at least one component.
pub(super) fn at_least_one(document: &Document<'_>, out: &mut Collector<'_>) {
    let Some(spec) = document.root.field("spec") else {
        return;
    };
    let empty = spec.value.entries().is_some_and(<[_]>::is_empty);
    if spec.value.is_null() || empty {
        let help = "add one below `spec:`, such as `performer:` with `registry` and `digest`";
        out.error(
            Rule::NoComponents,
            spec.key_place(),
            "the spec has no components",
            help,
        );
    }
}

/// `malformed-name`, `empty-value`: a component's name is plain, short and on one line.
pub(super) fn names(document: &Document<'_>, out: &mut Collector<'_>) {
    for component in &document.components {
        let entry = &component.entry;
        if entry.name.trim().is_empty() {
            let help = "write a name before the colon, such as `performer:`";
            out.error(
                Rule::EmptyValue,
                entry.key_place(),
                "a component's name is empty",
                help,
            );
        } else if !entry.key_has_residue() {
            check_name(entry.name, entry.key_place(), out);
        }
    }
}

/// `malformed-port`: a port is a number from 1 to 65535.
pub(super) fn ports(document: &Document<'_>, out: &mut Collector<'_>) {
    for component in &document.components {
        let Some(ports) = component.fields.field("ports") else {
            continue;
        };
        for (index, item) in ports.value.items().unwrap_or_default().iter().enumerate() {
            let Some(text) = item.text().filter(|text| template::residue(text).is_none()) else {
                continue;
            };
            // A reader that decodes integers refuses a text in quotes.
            if !(item.may_be_integer() && is_port(text)) {
                let message = format!("`{}` is not a port", excerpt(text));
                let help = "write a number from 1 to 65535, digits only and without quotes";
                out.error(
                    Rule::MalformedPort,
                    ports.item_place(index, item),
                    message,
                    help,
                );
            }
        }
    }
}

/// Tells whether every reader takes `text` for the same port. To some, a zero in front makes it octal.
fn is_port(text: &str) -> bool {
    !text.starts_with('0')
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u16>().is_ok()
}
