//! Commands that show what is stored: `inspect`, `manifest`, `config`, `resolve`.

use clap::{Args, ValueEnum};
use eigenpack::Reference;

use super::ConnectionArgs;

/// Show an artifact as it is stored, for people
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack inspect ghcr.io/org/my-avs:opset-0-v1\n  eigenpack inspect --raw spec my-avs:opset-0-v1"
)]
pub(crate) struct InspectArgs {
    /// What to show
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    /// Write the exact stored bytes of one part instead
    #[arg(long, value_enum, value_name = "PART")]
    pub(crate) raw: Option<RawPart>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// A part of an artifact that can be written as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RawPart {
    /// The manifest
    Manifest,
    /// The config blob
    Config,
    /// The spec
    Spec,
}

/// Write a manifest's exact stored bytes to stdout
///
/// Works on manifests and indexes of any kind.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  eigenpack manifest ghcr.io/org/my-avs:opset-0-v1 | jq .")]
pub(crate) struct ManifestArgs {
    /// Which manifest
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Write a config blob's exact stored bytes to stdout
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  eigenpack config ghcr.io/org/my-avs:opset-0-v1 | jq .")]
pub(crate) struct ConfigArgs {
    /// The manifest whose config is meant
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Print the digest that a reference stands for
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack resolve ghcr.io/org/my-avs:opset-0-v1\n  eigenpack resolve --bytes32 my-avs:opset-0-v1"
)]
pub(crate) struct ResolveArgs {
    /// What to resolve
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    /// Print the digest as bytes32, the form that the chain takes
    #[arg(long)]
    pub(crate) bytes32: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}
