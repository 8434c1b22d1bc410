//! Commands about tags: `tags`, `tag`.

use clap::Args;
use eigenpack::{Reference, Tag};

use super::ConnectionArgs;

/// List the tags of a repository
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  eigenpack tags ghcr.io/org/my-avs\n  eigenpack tags my-avs")]
pub(crate) struct TagsArgs {
    /// The repository or image layout, without tag and digest
    #[arg(value_name = "REPOSITORY")]
    pub(crate) reference: Reference,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Give a manifest further tags
///
/// A tag that names something else is not moved without --overwrite; then none of the tags is.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack tag ghcr.io/org/my-avs:opset-0-v1 stable\n  eigenpack tag my-avs@sha256:3a9b… opset-0-v2 latest"
)]
pub(crate) struct TagArgs {
    /// The manifest to tag
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    /// The new tags
    #[arg(required = true, value_name = "TAG")]
    pub(crate) tags: Vec<Tag>,

    /// Move tags even if they name something else
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}
