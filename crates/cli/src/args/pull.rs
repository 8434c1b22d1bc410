//! `eigenpack pull`.

use clap::Args;
use eigenpack::Reference;
use eigenpack::spec::Consumer;

use super::ConnectionArgs;

/// Pull an artifact, verify it, and write its spec to a file
///
/// Nothing is written unless every byte is what the digest promises. A spec that is intact but breaks rules is written,
/// and its faults are listed. Prints the path of the file.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack pull ghcr.io/org/my-avs:opset-0-v1\n  eigenpack pull my-avs@0x3a9b… -o runtime-spec.yaml\n  eigenpack pull my-avs:opset-0-v1 -o - | less"
)]
pub(crate) struct PullArgs {
    /// What to pull, by tag, digest, or both
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    /// The file to write; - is stdout [default: REPO.TAG.yaml]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<String>,

    /// Replace a file of the default name that holds something else
    #[arg(long, conflicts_with = "output")]
    pub(crate) force: bool,

    /// Exit with 1, and write nothing, if the spec breaks rules
    #[arg(long)]
    pub(crate) strict: bool,

    /// Treat the traps of this reader as errors: hgctl or eigenruntime-go
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<Consumer>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}
