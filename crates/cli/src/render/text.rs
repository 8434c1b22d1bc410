//! The text for people.

use super::{Fields, clean, snippet};
use crate::failure::Failure;
use crate::report::{
    DryRunReport, Identity, InspectReport, PushReport, Report, TagReport, ValidateReport,
};

/// Writes the result of a command, as bytes: some results are stored content, which is not changed.
pub(crate) fn report_text(report: &Report, colors: bool) -> Vec<u8> {
    let text = match report {
        Report::Validate(report) => validate(report, colors),
        Report::Push(report) => push(report),
        Report::DryRun(report) => dry_run(report),
        Report::Pull(report) => format!("{}\n", report.path),
        Report::Inspect(report) => inspect(report),
        Report::Resolve(report) => match &report.identity.bytes32 {
            Some(bytes32) if report.as_bytes32 => format!("{bytes32}\n"),
            _ => format!("{}\n", report.identity.digest),
        },
        Report::Tags(report) => report.tags.iter().map(|tag| format!("{tag}\n")).collect(),
        Report::Tag(report) => tag(report),
        Report::Content(report) => return report.bytes.to_vec(),
    };
    text.into_bytes()
}

/// Writes a failure: what failed, why, and what to do.
pub(crate) fn failure_text(failure: &Failure, colors: bool) -> String {
    let (error, hint, end) = if colors {
        ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut text = format!("{error}error{end}: {}\n", clean(&failure.message));
    if let Some(details) = &failure.details {
        text.push_str(&format!("{details}\n"));
    }
    for cause in &failure.causes {
        text.push_str(&format!("  caused by: {}\n", clean(cause)));
    }
    if let Some(advice) = &failure.hint {
        text.push_str(&format!("\n{hint}hint{end}: {}\n", clean(advice)));
    }
    text
}

fn identity(fields: &mut Fields, identity: &Identity) {
    fields.add("digest", &identity.digest);
    fields.add_some("bytes32", identity.bytes32.as_ref());
}

fn push(report: &PushReport) -> String {
    let mut fields = Fields::default();
    fields.add("reference", &report.identity.reference);
    fields.add("status", report.status);
    fields.add_some("previous", report.previous.as_ref());
    identity(&mut fields, &report.identity);
    fields.add("created", &report.created);
    fields.render()
}

fn dry_run(report: &DryRunReport) -> String {
    let mut fields = Fields::default();
    fields.add("reference", &report.identity.reference);
    identity(&mut fields, &report.identity);
    fields.add("created", &report.created);
    fields.add(
        "spec",
        format!("{}, {} bytes", report.spec_digest, report.spec_size),
    );
    format!(
        "{}\nmanifest:\n{}\n\nconfig:\n{}\n\nnothing was pushed; to push exactly this:\n{}\n",
        fields.render(),
        clean(&report.manifest),
        clean(&report.config),
        clean(&report.command),
    )
}

fn inspect(report: &InspectReport) -> String {
    let mut fields = Fields::default();
    fields.add("reference", &report.identity.reference);
    identity(&mut fields, &report.identity);
    fields.add(
        "manifest",
        format!("{}, {} bytes", report.media_type, report.size),
    );
    fields.add(
        "artifact type",
        report.artifact_type.as_deref().unwrap_or("(none)"),
    );
    for (key, value) in &report.annotations {
        fields.add(format!("  {key}"), value);
    }
    let config = &report.config;
    fields.add("config", &config.digest);
    fields.add("", format!("{}, {} bytes", config.media_type, config.size));
    flatten("", &config.content, &mut fields);
    let spec = &report.spec;
    fields.add("spec", &spec.digest);
    fields.add("", format!("{}, {} bytes", spec.media_type, spec.size));
    for (key, value) in &spec.annotations {
        fields.add(format!("  {key}"), value);
    }
    fields.add_some("  name", spec.name.as_ref());
    fields.add_some("  version", spec.version.as_ref());
    fields.add_some("  kind", spec.kind.as_ref());
    for component in &spec.components {
        let image = match (&component.registry, &component.digest) {
            (Some(registry), Some(digest)) => format!("{registry}@{digest}"),
            (Some(text), None) | (None, Some(text)) => text.clone(),
            (None, None) => "(no image)".to_owned(),
        };
        fields.add(format!("  {}", component.name), image);
    }
    let verdict = match (spec.check.errors, spec.check.warnings) {
        (0, 0) => "valid".to_owned(),
        (0, warnings) => format!("valid, {warnings} warnings"),
        (errors, warnings) => format!("breaks rules: {errors} errors, {warnings} warnings"),
    };
    fields.add("  rules", verdict);
    fields.render()
}

/// Lists the fields of a JSON value by their paths.
fn flatten(path: &str, value: &serde_json::Value, fields: &mut Fields) {
    match value {
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(&path, value, fields);
            }
        }
        serde_json::Value::String(text) => fields.add(format!("  {path}"), text),
        other => fields.add(format!("  {path}"), other),
    }
}

fn tag(report: &TagReport) -> String {
    let mut fields = Fields::default();
    identity(&mut fields, &report.identity);
    for result in &report.tags {
        let status = match &result.previous {
            Some(previous) => format!("{} (was {previous})", result.status),
            None => result.status.to_owned(),
        };
        fields.add(result.tag.as_str(), status);
    }
    fields.render()
}

fn validate(report: &ValidateReport, colors: bool) -> String {
    let mut text = String::new();
    for file in &report.files {
        if !file.found.is_empty() {
            text.push_str(&snippet::faults(
                &file.path,
                &file.source,
                &file.found,
                colors,
            ));
            text.push_str("\n\n");
        }
    }
    for file in &report.files {
        let path = clean(&file.path);
        let check = &file.check;
        let verdict = if check.valid { "valid" } else { "invalid" };
        let counts = match (check.errors, check.warnings) {
            (0, 0) => String::new(),
            (0, warnings) => format!(" ({})", counted(warnings, "warning")),
            (errors, 0) => format!(" ({})", counted(errors, "error")),
            (errors, warnings) => {
                format!(
                    " ({}, {})",
                    counted(errors, "error"),
                    counted(warnings, "warning")
                )
            }
        };
        text.push_str(&format!("{path}: {verdict}{counts}\n"));
    }
    text
}

/// Returns a number with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
