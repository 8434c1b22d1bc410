//! The text for people.

use super::{Fields, auth, clean, shell_quoted, snippet};
use crate::failure::Failure;
use crate::report::{
    CheckedFile, CopyReport, DryRunReport, GcReport, Identity, InspectReport, PushReport, Report,
    ServeReport, TagReport, ValidateReport,
};

/// Writes the result of a command, as bytes: some results are stored content, which is not changed.
pub(crate) fn report_text(report: &Report, colors: bool) -> Vec<u8> {
    let text = match report {
        Report::Validate(report) => validate(report, colors),
        Report::Push(report) => push_text(report),
        Report::DryRun(report) => dry_run(report),
        Report::Pull(report) => format!("{}\n", report.path),
        Report::Inspect(report) => inspect(report),
        Report::Resolve(report) => match &report.identity.bytes32 {
            Some(bytes32) if report.as_bytes32 => format!("{bytes32}\n"),
            _ => format!("{}\n", report.identity.digest),
        },
        Report::Tags(report) => lines(&report.tags),
        Report::Tag(report) => tag(report),
        Report::Copy(report) => copy(report),
        Report::Serve(report) => serve(report),
        Report::Gc(report) => gc(report),
        Report::Login(report) => auth::login(report),
        Report::Logout(report) => auth::logout(report),
        Report::AuthExplain(report) => auth::explain(report),
        Report::Content(report) => return report.bytes.to_vec(),
    };
    text.into_bytes()
}

/// Ends every line.
fn lines(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

/// Writes a failure: what failed, why, and what to do.
pub(crate) fn failure_text(failure: &Failure, colors: bool) -> String {
    let (error, hint, end) = if colors {
        ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut lines = vec![format!("{error}error{end}: {}", clean(&failure.message))];
    lines.extend(failure.details.clone());
    lines.extend(
        failure
            .causes
            .iter()
            .map(|cause| format!("  caused by: {}", clean(cause))),
    );
    if let Some(advice) = &failure.hint {
        lines.push(format!("\n{hint}hint{end}: {}", clean(advice)));
    }
    lines.join("\n") + "\n"
}

fn identity(fields: &mut Fields, identity: &Identity) {
    fields.add("digest", &identity.digest);
    fields.add_some("bytes32", identity.bytes32.as_ref());
}

/// Writes the result of a push.
pub(crate) fn push_text(report: &PushReport) -> String {
    let mut fields = Fields::default();
    fields.add("reference", &report.identity.reference);
    fields.add("status", report.outcome.status);
    fields.add_some("previous", report.outcome.previous.as_ref());
    identity(&mut fields, &report.identity);
    fields.add("created", &report.created);
    let public = report.public.filter(|public| *public);
    fields.add_some(
        "public",
        public.map(|_| "yes, it was read without credentials"),
    );
    fields.render()
}

fn copy(report: &CopyReport) -> String {
    let mut fields = Fields::default();
    fields.add("source", &report.source);
    fields.add("target", &report.identity.reference);
    fields.add("status", report.outcome.status);
    fields.add_some("previous", report.outcome.previous.as_ref());
    identity(&mut fields, &report.identity);
    fields.add(
        "copied",
        format!(
            "{}, {}",
            counted(report.manifests, "manifest"),
            counted(
                report
                    .blobs
                    .iter()
                    .filter(|blob| blob.pushed != "existed")
                    .count(),
                "blob"
            )
        ),
    );
    fields.render()
}

fn serve(report: &ServeReport) -> String {
    let example = format!("{}/my-avs:opset-0-v1", report.host);
    // Without being told, both programs speak http to localhost.
    let is_localhost = report.host.starts_with("localhost:");
    let ca_file = report
        .tls_cert
        .as_ref()
        .map(|file| format!(" --ca-file {}", shell_quoted(file)));
    let theirs = match &ca_file {
        Some(ca_file) if is_localhost => format!(" --plain-http=false{ca_file}"),
        Some(ca_file) => ca_file.clone(),
        None => " --plain-http".to_owned(),
    };
    let ours = ca_file.unwrap_or_default();
    let mut text = vec![
        format!(
            "Serving the local store {} on {}",
            clean(&report.store),
            report.url
        ),
        String::new(),
    ];
    if report.authentication {
        text.push(format!("  eigenpack login{ours} {}", report.host));
        text.push(format!("  oras login{theirs} {}", report.host));
    }
    if !report.read_only {
        text.push(format!(
            "  eigenpack push{ours} runtime-spec.yaml {example}"
        ));
        text.push(format!("  oras push{theirs} {example} runtime-spec.yaml"));
    }
    text.push(format!("  eigenpack pull{ours} {example}"));
    text.push(format!("  oras pull{theirs} {example}"));
    lines(&text)
}

fn gc(report: &GcReport) -> String {
    let bytes = |bytes: u64| format!("{bytes} bytes");
    let mut removed = Fields::default();
    for blob in &report.removed {
        removed.add(&blob.digest, bytes(blob.size));
    }
    let mut fields = Fields::default();
    let blobs = counted(report.removed.len(), "blob");
    fields.add(
        if report.dry_run {
            "would remove"
        } else {
            "removed"
        },
        format!("{blobs}, {}", bytes(report.removed_bytes)),
    );
    if report.temporary_files > 0 {
        let files = usize::try_from(report.temporary_files).unwrap_or(usize::MAX);
        let files = counted(files, "temporary file");
        fields.add("", format!("{files}, {}", bytes(report.temporary_bytes)));
    }
    if report.young > 0 {
        let young = counted(report.young, "unreferenced blob");
        fields.add("kept", format!("{young}, younger than --min-age"));
    }
    removed.render() + &fields.render()
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
        (0, warnings) => format!("valid, {}", counted(warnings, "warning")),
        (errors, warnings) => format!(
            "breaks rules: {}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
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
        other => fields.add(format!("  {path}"), other.to_string()),
    }
}

fn tag(report: &TagReport) -> String {
    let mut fields = Fields::default();
    identity(&mut fields, &report.identity);
    for result in &report.tags {
        let status = match &result.outcome.previous {
            Some(previous) => format!("{} (was {previous})", result.outcome.status),
            None => result.outcome.status.to_owned(),
        };
        fields.add(result.tag.as_str(), status);
    }
    fields.render()
}

fn validate(report: &ValidateReport, colors: bool) -> String {
    let shown = |file: &CheckedFile| match &file.content {
        Some((source, found)) if !found.is_empty() => {
            snippet::faults(&file.path, source, found, colors) + "\n\n"
        }
        _ => String::new(),
    };
    let faults: String = report.files.iter().map(shown).collect();
    let verdicts: Vec<String> = report.files.iter().map(verdict).collect();
    faults + &lines(&verdicts)
}

/// Returns the line that says whether a file is valid.
fn verdict(file: &CheckedFile) -> String {
    let check = &file.check;
    let verdict = if check.valid { "valid" } else { "invalid" };
    let counts: Vec<String> = [(check.errors, "error"), (check.warnings, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| counted(number, noun))
        .collect();
    let path = clean(&file.path);
    if file.error.is_some() {
        return format!("{path}: cannot be read");
    }
    if counts.is_empty() {
        format!("{path}: {verdict}")
    } else {
        format!("{path}: {verdict} ({})", counts.join(", "))
    }
}

/// Returns a number with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
