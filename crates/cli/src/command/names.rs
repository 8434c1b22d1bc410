//! `tags` and `tag`.

use super::Outcome;
use super::fetch::explain_missing_selector;
use crate::args::{TagArgs, TagsArgs};
use crate::client;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::report::{Identity, Report, TagOutcome, TagReport, TagResult, TagsReport};

pub(super) async fn tags(args: &TagsArgs, context: &Context) -> Result<Outcome, Failure> {
    let reference = &args.reference;
    if reference.selector.tag_or_digest().is_some() {
        return Err(Failure::new(
            ExitCode::Usage,
            "not-a-repository",
            format!("{reference} names one manifest, where a repository is listed"),
        )
        .hint(format!("eigenpack tags {}", reference.location)));
    }
    let client = client::open(&[reference], &args.connection, context).await?;
    let tags = client
        .tags(&reference.location)
        .await
        .map_err(|error| Failure::tags(&error, reference))?;
    Ok(Outcome::from(Report::Tags(TagsReport {
        repository: reference.location.to_string(),
        tags: tags.iter().map(ToString::to_string).collect(),
    })))
}

pub(super) async fn tag(args: &TagArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    explain_missing_selector(&client, &args.reference).await?;
    let tagged = client
        .tag(&args.reference, &args.tags, args.overwrite)
        .await
        .map_err(|error| Failure::tag(&error, &args.reference))?;
    let tags = tagged
        .tags
        .iter()
        .map(|(tag, status)| TagResult {
            tag: tag.to_string(),
            outcome: TagOutcome::from(status),
        })
        .collect();
    let identity = Identity::new(&args.reference, tagged.manifest.digest());
    Ok(Outcome::from(Report::Tag(TagReport { identity, tags })))
}
