//! `eigenpack copy`.

use clap::Args;
use eigenpack::Reference;

use super::ConnectionArgs;

/// Copy a manifest and everything it points to, every digest kept
///
/// Between registries, the local store and image layouts, in any combination; images and indexes are
/// copied as well as artifacts. Without a tag at the target, the source's tag is taken. A tag that
/// names something else is not moved without --overwrite.
#[derive(Args, Debug)]
#[command(
    // Images are large.
    mut_arg("timeout", |timeout| timeout.default_value("3600")),
    after_help = "Examples:\n  eigenpack copy my-avs:opset-0-v1 ghcr.io/org/my-avs:opset-0-v1\n  eigenpack copy ghcr.io/org/my-avs:opset-0-v1 oci:layout"
)]
pub(crate) struct CopyArgs {
    /// What to copy
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Reference,

    /// Where to copy it to
    #[arg(value_name = "TARGET")]
    pub(crate) target: Reference,

    /// Move the tag even if it names something else
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}
