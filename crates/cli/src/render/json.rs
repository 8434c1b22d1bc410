//! The machine output: one document, with a version and a kind.

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::report::Report;

/// The version of the documents; it changes when a field changes its meaning or goes.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    format_version: u32,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes the document of a success.
pub(crate) fn report_document(report: &Report) -> String {
    pretty(&Document {
        format_version: FORMAT_VERSION,
        report,
    })
}

/// Writes the document of a failure.
pub(crate) fn failure_document(failure: &Failure) -> String {
    let mut document = json!({
        "formatVersion": FORMAT_VERSION,
        "kind": "error",
        "code": failure.code,
        "exitCode": failure.exit as u8,
        "message": failure.message,
        "causes": failure.causes,
        "hint": failure.hint,
    });
    if let Value::Object(fields) = &mut document {
        fields.extend(failure.fields.clone());
    }
    pretty(&document)
}

fn pretty(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document)
        .expect("reports are made of text, numbers and lists of them");
    text.push('\n');
    text
}
