//! `eigenpack push`.

use clap::Args;
use eigenpack::{Created, Digest, Reference};

use super::ConnectionArgs;

/// Build an artifact from a spec and push it
///
/// The spec's bytes are stored as they are. Pushing the same again is a success; a tag that names something else is
/// not moved without --overwrite. Prints the digest, and the same as bytes32 for the chain.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack push runtime-spec.yaml my-avs:opset-0-v1\n  eigenpack push --dry-run runtime-spec.yaml ghcr.io/org/my-avs:opset-0-v1\n  eigenpack push --created 2025-08-14T12:00:00Z - ghcr.io/org/my-avs:v1 < spec.yaml"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct PushArgs {
    /// The spec's file; - is stdin
    #[arg(value_name = "SPEC")]
    pub(crate) spec: String,

    /// Where to push to; a tag is needed
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,

    #[command(flatten)]
    pub(crate) fields: PushFields,

    /// Fail before anything is written unless the artifact has this digest
    #[arg(long, value_name = "DIGEST", help_heading = "Safety options", value_parser = parse_digest)]
    pub(crate) expect_digest: Option<Digest>,

    /// Move the tag even if it names something else
    #[arg(long, help_heading = "Safety options")]
    pub(crate) overwrite: bool,

    /// Show what would be pushed, and the command that pushes exactly that
    #[arg(long, help_heading = "Safety options")]
    pub(crate) dry_run: bool,

    /// Publish a spec in spite of its errors
    #[arg(long, help_heading = "Safety options")]
    pub(crate) allow_invalid: bool,

    /// Read it again without credentials, as operators do; if that fails, it was pushed, and the exit code is 5
    #[arg(long, help_heading = "Safety options")]
    pub(crate) check_public: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// The fields of the artifact, each of which goes into its digest.
#[derive(Args, Debug)]
#[command(next_help_heading = "Artifact options")]
pub(crate) struct PushFields {
    /// The AVS's name [default: the spec's name]
    #[arg(long)]
    pub(crate) name: Option<String>,

    /// The time of creation, RFC 3339 [default: $SOURCE_DATE_EPOCH, else now]
    #[arg(long, value_name = "TIME")]
    pub(crate) created: Option<Created>,

    /// The description [default: EigenRuntime specification for NAME]
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// The URL of the source [default: https://github.com/Layr-Labs/devkit-cli]
    #[arg(long, value_name = "URL")]
    pub(crate) source: Option<String>,

    /// A further annotation of the manifest; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_annotation)]
    pub(crate) annotation: Vec<(String, String)>,

    /// The release version [default: the tag]
    #[arg(long, value_name = "TEXT")]
    pub(crate) release_version: Option<String>,

    /// The tool's version that the config names [default: eigenpack]
    #[arg(long, value_name = "TEXT")]
    pub(crate) devkit_version: Option<String>,

    /// Give the spec's layer a title, so that `oras pull` writes a file [without =NAME: runtime-spec.yaml]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "runtime-spec.yaml")]
    pub(crate) title: Option<String>,
}

fn parse_annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("an annotation is KEY=VALUE".to_owned()),
    }
}

fn parse_digest(text: &str) -> Result<Digest, eigenpack::DigestError> {
    if text.starts_with("0x") {
        Digest::parse_bytes32(text)
    } else {
        text.parse()
    }
}
