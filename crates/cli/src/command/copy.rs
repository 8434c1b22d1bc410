//! `copy`: from any location to any other.

use eigenpack::{Copy, Reference};

use super::Outcome;
use super::fetch::explain_missing_selector;
use crate::args::CopyArgs;
use crate::client;
use crate::context::Context;
use crate::failure::Failure;
use crate::report::{BlobReport, CopyReport, Identity, Report, TagOutcome};

pub(super) async fn run(args: &CopyArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.source, &args.target], &args.connection, context).await?;
    explain_missing_selector(&client, &args.source).await?;
    let copy = client
        .copy(&args.source, &args.target, args.overwrite)
        .await
        .map_err(|error| Failure::copy(&error, &args.source, &args.target))?;
    Ok(Outcome::from(Report::Copy(report(&copy, args))))
}

fn report(copy: &Copy, args: &CopyArgs) -> CopyReport {
    let digest = copy.manifest.digest();
    let target: Reference = match &copy.tag {
        Some(tag) => args.target.tagged(tag.clone()),
        None => args.target.pinned(digest.clone()),
    };
    CopyReport {
        identity: Identity::new(&target, digest),
        source: args.source.to_string(),
        outcome: TagOutcome::from(&copy.status),
        manifests: copy.copied.manifests.len(),
        blobs: copy.copied.blobs.iter().map(BlobReport::from).collect(),
    }
}
