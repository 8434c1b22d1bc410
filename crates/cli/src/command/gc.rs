//! `gc`: the local store's garbage.

use std::error::Error as _;

use eigenpack::{Collected, FailedBlob, GcOptions, UnreadableRepository};

use super::Outcome;
use crate::args::GcArgs;
use crate::client;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::report::{FailedReport, GcReport, RemovedBlob, Report, UnreadableReport};
use crate::stderr::warn;

pub(super) async fn run(args: &GcArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open_local(context)?;
    let options = GcOptions {
        min_age: args.min_age,
        dry_run: args.dry_run,
    };
    let collected = client.collect_garbage(options).await.map_err(|error| {
        let message = format!("cannot collect the garbage of {}", context.store_path());
        Failure::local_store(message, &error)
    })?;
    let report = report(&collected, args);
    for unreadable in &report.unreadable {
        let repository = &unreadable.repository;
        warn(format_args!(
            "everything of {repository} stays: {}",
            unreadable.reason
        ));
    }
    for failed in &report.failed {
        warn(format_args!("{} stays: {}", failed.digest, failed.reason));
    }
    let exit = if report.failed.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::Input
    };
    Ok(Outcome {
        report: Some(Report::Gc(report)),
        exit,
    })
}

fn report(collected: &Collected, args: &GcArgs) -> GcReport {
    let removed = collected.blobs.iter().map(|blob| RemovedBlob {
        digest: blob.digest.to_string(),
        size: blob.size,
    });
    GcReport {
        dry_run: args.dry_run,
        removed: removed.collect(),
        removed_bytes: collected.blobs.iter().map(|blob| blob.size).sum(),
        temporary_files: collected.temporary_files,
        temporary_bytes: collected.temporary_bytes,
        young: collected.young,
        unreadable: collected.unreadable.iter().map(unreadable).collect(),
        failed: collected.failed.iter().map(failed).collect(),
    }
}

fn failed(failed: &FailedBlob) -> FailedReport {
    let cause = failed.error.source();
    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    FailedReport {
        digest: failed.digest.to_string(),
        reason: format!("{}{cause}", failed.error),
    }
}

fn unreadable(unreadable: &UnreadableRepository) -> UnreadableReport {
    let what = match &unreadable.manifest {
        Some(manifest) => format!("the manifest {manifest}"),
        None => "its index".to_owned(),
    };
    UnreadableReport {
        repository: unreadable.repository.to_string(),
        manifest: unreadable.manifest.as_ref().map(ToString::to_string),
        reason: format!("cannot read {what}: {}", unreadable.error),
    }
}
