//! `push`: check, build, publish; or show what would be pushed.

use std::path::Path;

use bytes::Bytes;
use eigenpack::oci::RawManifest;
use eigenpack::{
    ArtifactManifest, CREATED_ANNOTATION, Client, Created, Location, Prepared, Published,
    PushError, PushOptions,
};

use super::Outcome;
use crate::args::{Format, PushArgs, PushFields};
use crate::client;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::{STDIN, read_spec, shown_name};
use crate::render::{counted, faults, push_text, shell_quoted};
use crate::report::{BlobReport, DryRunReport, Identity, PushReport, Report, TagOutcome};
use crate::stderr::{say, warn};
use crate::stdout::write_stdout;

pub(super) async fn run(args: &PushArgs, context: &Context) -> Result<Outcome, Failure> {
    if args.spec == STDIN && args.connection.given.any() {
        return Err(Failure::stdin_taken());
    }
    if args.check_public && !args.reference.location.is_registry() {
        return Err(Failure::not_published_anywhere(&args.reference));
    }
    let clients = client::open_both(&args.reference, &args.connection, context).await?;
    let (client, anonymous) = clients;
    let options = options(args, context)?;
    // A reference that cannot be pushed to is said before a spec is waited for.
    if args.reference.selector.tag.is_none() || args.reference.selector.digest.is_some() {
        let error = match args.reference.selector.digest {
            Some(_) => PushError::DigestInReference,
            None => PushError::NoTag,
        };
        return Err(Failure::push_spec(&error, &args.spec, &args.reference));
    }
    let spec = read_spec(&args.spec, context).await?;
    let prepared = Client::prepare(spec.clone(), &args.reference, &options)
        .map_err(|error| refused(&error, &spec, args, context))?;
    show_faults(&prepared, &spec, args, context);
    if args.dry_run {
        return dry_run(&prepared, args, context).map(Outcome::from);
    }
    let published = client
        .publish(&prepared, &args.reference)
        .await
        .map_err(|error| not_published(&error, args, context))?;
    if !args.reference.location.is_registry() {
        context.status(stored_locally(&published, args, context));
    }
    let mut report = report(&published, args);
    if args.check_public {
        check_public(&mut report, &published, &anonymous, args, context).await?;
    }
    Ok(Outcome::from(Report::Push(report)))
}

/// Reads what was pushed again, as somebody whom the registry does not know. If that fails, what was pushed is said all
/// the same.
async fn check_public(
    report: &mut PushReport,
    published: &Published,
    anonymous: &Client,
    args: &PushArgs,
    context: &Context,
) -> Result<(), Failure> {
    let Location::Registry { host, .. } = &args.reference.location else {
        return Ok(());
    };
    let digest = published.artifact.manifest.digest().clone();
    let pushed = args.reference.pinned(digest);
    let Err(error) = anonymous.manifest(&pushed).await else {
        report.public = Some(true);
        return Ok(());
    };
    let failure = Failure::not_public(&error, host, &pushed);
    Err(match context.format {
        Format::Json => failure.field("pushed", serde_json::to_value(report).unwrap_or_default()),
        Format::Text => {
            write_stdout(push_text(report)).await?;
            failure
        }
    })
}

fn options(args: &PushArgs, context: &Context) -> Result<PushOptions, Failure> {
    let PushFields {
        name,
        created,
        description,
        source,
        annotation,
        release_version,
        devkit_version,
        title,
    } = &args.fields;
    let created = match created {
        Some(created) => Some(created.clone()),
        None => source_date_epoch(context)?,
    };
    Ok(PushOptions {
        name: name.clone(),
        created,
        description: description.clone(),
        source: source.clone(),
        release_version: release_version.clone(),
        devkit_version: devkit_version.clone(),
        title: title.clone(),
        annotations: annotation.iter().cloned().collect(),
        expect_digest: args.expect_digest.clone(),
        overwrite: args.overwrite,
        allow_invalid: args.allow_invalid,
    })
}

/// Reads `SOURCE_DATE_EPOCH`. A value that is none would make a build that is not reproducible, so it is an error.
fn source_date_epoch(context: &Context) -> Result<Option<Created>, Failure> {
    let Some(value) = &context.environment.source_date_epoch else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    match seconds.and_then(|seconds| Created::from_unix_seconds(seconds).ok()) {
        Some(created) => Ok(Some(created)),
        None => Err(Failure::new(
            ExitCode::Input,
            "source-date-epoch",
            "SOURCE_DATE_EPOCH is not a number of seconds since 1970",
        )
        .hint("unset it, or set it like: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")),
    }
}

fn refused(error: &PushError, spec: &Bytes, args: &PushArgs, context: &Context) -> Failure {
    let path = shown_name(&args.spec);
    let mut failure = Failure::push_spec(error, path, &args.reference);
    if let PushError::InvalidSpec(invalid) = error {
        let check = crate::report::Check::from(&invalid.faults);
        failure = failure.field("check", serde_json::to_value(check).unwrap_or_default());
        let colors = context.environment.terminal.stderr_colors;
        say(format_args!(
            "{}\n\n",
            faults(path, spec, &invalid.faults, colors)
        ));
    }
    failure
}

/// Shows the faults of a spec that is published all the same.
fn show_faults(prepared: &Prepared, spec: &Bytes, args: &PushArgs, context: &Context) {
    if prepared.faults.is_empty() {
        return;
    }
    let path = shown_name(&args.spec);
    let colors = context.environment.terminal.stderr_colors;
    say(format_args!(
        "{}\n\n",
        faults(path, spec, &prepared.faults, colors)
    ));
    if !prepared.faults.is_valid() {
        warn(format_args!(
            "{path} BREAKS RULES ({}) and is published because of --allow-invalid",
            counted(prepared.faults.errors(), "error")
        ));
    }
}

/// Says how to push what is in conflict under another tag, with the user's own flags.
fn not_published(error: &PushError, args: &PushArgs, context: &Context) -> Failure {
    let failure = Failure::push_spec(error, shown_name(&args.spec), &args.reference);
    if failure.exit != ExitCode::Conflict {
        return failure;
    }
    let target = format!("{}:NEW-TAG", args.reference.location);
    let time = args.fields.created.as_ref().map(Created::as_str);
    let command = command(args, &target, time, &connection_flags(args, context));
    failure.hint(format!(
        "push under a new tag: {command} (or move this one with --overwrite)"
    ))
}

fn stored_locally(published: &Published, args: &PushArgs, context: &Context) -> String {
    let place = match &args.reference.location {
        Location::Local { .. } => format!("the local store, {}", context.store_path()),
        location => location.to_string(),
    };
    let target = format!(
        "HOST/ORG/{}:{}",
        args.reference.location.name(),
        published.tag
    );
    let command = command(
        args,
        &target,
        Some(&created(&published.artifact.manifest)),
        &[],
    );
    format!("stored in {place}; nothing was published\nto publish it: {command}")
}

/// Returns the command that builds the same artifact, at `time` where one is given, and pushes it to `target`.
fn command(args: &PushArgs, target: &str, time: Option<&str>, further: &[String]) -> String {
    let mut words = vec!["eigenpack".to_owned(), "push".to_owned()];
    words.extend([shell_quoted(&args.spec), shell_quoted(target)]);
    words.extend(time.map(|time| format!("--created {}", shell_quoted(time))));
    let fields = &args.fields;
    let mut flag = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            words.push(format!("--{name}={}", shell_quoted(value)));
        }
    };
    flag("name", fields.name.as_ref());
    flag("description", fields.description.as_ref());
    flag("source", fields.source.as_ref());
    flag("release-version", fields.release_version.as_ref());
    flag("devkit-version", fields.devkit_version.as_ref());
    flag("title", fields.title.as_ref());
    for (key, value) in &fields.annotation {
        words.push(format!(
            "--annotation {}",
            shell_quoted(&format!("{key}={value}"))
        ));
    }
    if args.allow_invalid {
        words.push("--allow-invalid".to_owned());
    }
    words.extend_from_slice(further);
    words.join(" ")
}

/// Returns the flags about the way to where the reference leads, as they were given.
fn connection_flags(args: &PushArgs, context: &Context) -> Vec<String> {
    let transport = &args.connection.transport;
    let given = context.given_paths.iter();
    let mut files: Vec<(&str, &Path)> = given.map(|(name, path)| (*name, &**path)).collect();
    for (name, path) in [
        ("ca-file", &transport.ca_file),
        ("cert-file", &transport.cert_file),
        ("key-file", &transport.key_file),
    ] {
        files.extend(path.as_deref().map(|path| (name, path)));
    }
    let of_file = |(name, path): (&str, &Path)| {
        let path = shell_quoted(&path.to_string_lossy());
        format!("--{name}={path}")
    };
    let mut flags: Vec<String> = files.into_iter().map(of_file).collect();
    for (name, host) in [
        ("plain-http", &transport.plain_http),
        ("insecure", &transport.insecure),
    ] {
        flags.extend(host.as_ref().map(|host| match host {
            Some(host) => format!("--{name}={}", shell_quoted(host)),
            None => format!("--{name}"),
        }));
    }
    flags
}

fn dry_run(prepared: &Prepared, args: &PushArgs, context: &Context) -> Result<Report, Failure> {
    let artifact = prepared.builder.build().map_err(|error| {
        Failure::push_spec(&error.into(), shown_name(&args.spec), &args.reference)
    })?;
    let digest = artifact.manifest.digest();
    let mut further = vec![format!("--expect-digest {digest}")];
    if args.overwrite {
        further.push("--overwrite".to_owned());
    }
    if args.check_public {
        further.push("--check-public".to_owned());
    }
    further.extend(connection_flags(args, context));
    let time = Some(prepared.created.as_str());
    let mut command = command(args, &args.reference.to_string(), time, &further);
    if args.spec == STDIN {
        command.push_str(" < SPEC");
    }
    Ok(Report::DryRun(DryRunReport {
        identity: Identity::new(&args.reference, digest),
        created: prepared.created.to_string(),
        manifest: String::from_utf8_lossy(artifact.manifest.bytes()).into_owned(),
        config: String::from_utf8_lossy(&artifact.config).into_owned(),
        spec_digest: artifact.spec_descriptor.digest.to_string(),
        spec_size: artifact.spec_descriptor.size,
        command,
    }))
}

/// Returns the time that an artifact of ours carries.
fn created(manifest: &RawManifest) -> String {
    let annotations = ArtifactManifest::read(manifest).map(|read| read.annotations);
    annotations
        .ok()
        .and_then(|mut all| all.remove(CREATED_ANNOTATION))
        .unwrap_or_default()
}

fn report(published: &Published, args: &PushArgs) -> PushReport {
    let artifact = &published.artifact;
    PushReport {
        identity: Identity::new(&args.reference, artifact.manifest.digest()),
        outcome: TagOutcome::from(&published.status),
        created: created(&artifact.manifest),
        blobs: published.blobs.iter().map(BlobReport::from).collect(),
        public: None,
    }
}
