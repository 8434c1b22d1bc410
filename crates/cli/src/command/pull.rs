//! `pull`: verify everything, then write the spec.

use std::path::PathBuf;

use eigenpack::{PulledArtifact, Reference};

use super::Outcome;
use super::fetch::explain_missing_selector;
use crate::args::{Format, PullArgs};
use crate::client;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::{STDIN as STDOUT, on_a_thread};
use crate::output::{Existing, WriteError, write_file};
use crate::render::faults;
use crate::report::{Check, Identity, PullReport, Report};
use crate::stderr::{say, warn};
use crate::stdout::write_stdout;

pub(super) async fn run(args: &PullArgs, context: &Context) -> Result<Outcome, Failure> {
    check_output(args, context)?;
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    explain_missing_selector(&client, &args.reference).await?;
    let pulled = client
        .pull(&args.reference)
        .await
        .map_err(|error| Failure::read(&error, &args.reference))?;
    let found = pulled.report(args.consumer).faults;
    if !found.is_empty() {
        let colors = context.environment.terminal.stderr_colors;
        let name = args.reference.to_string();
        say(format_args!(
            "{}\n\n",
            faults(&name, pulled.spec(), &found, colors)
        ));
    }
    if !found.is_valid() && args.strict {
        let check = serde_json::to_value(Check::from(&found)).unwrap_or_default();
        return Err(Failure::new(
            ExitCode::No,
            "invalid-spec",
            format!(
                "{} is intact, but its spec breaks rules; nothing was written",
                args.reference
            ),
        )
        .field("check", check)
        .hint("leave --strict out to write it all the same"));
    }
    if args.output.as_deref() == Some(STDOUT) {
        write_stdout(pulled.spec().clone()).await?;
        return Ok(Outcome {
            report: None,
            exit: ExitCode::Done,
        });
    }
    let path = write(args, &pulled).await?;
    context.status(format_args!(
        "verified {}: manifest, config and spec ({} bytes)",
        pulled.digest(),
        pulled.spec().len()
    ));
    Ok(Outcome::from(Report::Pull(PullReport {
        identity: Identity::new(&args.reference, pulled.digest()),
        path,
        created: pulled.config().created().map(str::to_owned),
        spec_digest: pulled.manifest().spec.digest.to_string(),
        spec_size: pulled.spec().len() as u64,
        check: Check::from(&found),
    })))
}

/// Catches what is probably meant otherwise.
fn check_output(args: &PullArgs, context: &Context) -> Result<(), Failure> {
    match args.output.as_deref() {
        Some(STDOUT) if context.format == Format::Json => Err(Failure::new(
            ExitCode::Usage,
            "output-conflict",
            "the spec and the JSON document cannot both go to stdout",
        )
        .hint("write the spec to a file with -o FILE, or leave --format json out")),
        Some(name @ ("json" | "text" | "yaml")) => {
            warn(format_args!(
                "-o {name} writes a file called {name}; the form of the output is chosen with --format"
            ));
            Ok(())
        }
        Some("") => Err(Failure::new(
            ExitCode::Usage,
            "no-file",
            "-o needs the name of a file",
        )),
        _ => Ok(()),
    }
}

async fn write(args: &PullArgs, pulled: &PulledArtifact) -> Result<String, Failure> {
    let (path, existing) = match &args.output {
        Some(path) => (path.clone(), Existing::Replace),
        None if args.force => (default_name(&args.reference), Existing::Replace),
        None => (default_name(&args.reference), Existing::Keep),
    };
    let (file, spec) = (PathBuf::from(&path), pulled.spec().clone());
    // A pipe that nobody reads lets one wait for ever.
    match on_a_thread(move || write_file(&file, &spec, existing)).await {
        Ok(()) => Ok(path),
        Err(WriteError::Exists) => Err(Failure::file_exists(&path, &args.reference)),
        Err(WriteError::Io(error)) => Err(Failure::file("write", &path, &error)),
    }
}

/// Makes a file name from the parsed reference alone: nothing that a registry says is in it.
fn default_name(reference: &Reference) -> String {
    let which = match (&reference.selector.tag, &reference.selector.digest) {
        (Some(tag), _) => tag.as_str(),
        (None, Some(digest)) => digest.short(),
        (None, None) => "spec",
    };
    format!("{}.{which}.yaml", reference.location.name())
}
