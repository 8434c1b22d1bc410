//! `login`, `logout` and `auth`.

use clap::{Args, Subcommand};

use super::{GivenArgs, HelperArgs, TransportArgs};

/// Log in to a registry, for this program and all that use Docker's credentials
///
/// Asks for what is not given, shows it to the registry, and stores it only if the registry accepts it:
/// with the credential helper of Docker's config.json, otherwise in that file, which is not encrypted.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack login ghcr.io\n  echo \"$TOKEN\" | eigenpack login ghcr.io --username alice --password-stdin\n  eigenpack login docker.io"
)]
pub(crate) struct LoginArgs {
    /// The registry: HOST[:PORT]
    #[arg(value_name = "HOST")]
    pub(crate) host: String,

    #[command(flatten)]
    pub(crate) given: GivenArgs,

    #[command(flatten)]
    pub(crate) helper: HelperArgs,

    #[command(flatten)]
    pub(crate) transport: TransportArgs,
}

/// Remove the credentials that login stored for a registry
///
/// What other places have is left alone, and named if it still lets you in.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  eigenpack logout ghcr.io")]
pub(crate) struct LogoutArgs {
    /// The registry: HOST[:PORT]
    #[arg(value_name = "HOST")]
    pub(crate) host: String,

    #[command(flatten)]
    pub(crate) helper: HelperArgs,
}

/// Find out about credentials
#[derive(Args, Debug)]
pub(crate) struct AuthArgs {
    #[command(subcommand)]
    pub(crate) command: AuthCommand,
}

/// The commands below `auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    Explain(ExplainArgs),
}

/// Show which credentials are used for a registry, and why
///
/// Lists each place that is looked at, what it has, and which one decides; asks credential helpers as a
/// request would, and the registry what it demands. No secret is shown, and none is sent.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack auth explain ghcr.io\n  eigenpack auth explain --offline ghcr.io/org/my-avs"
)]
pub(crate) struct ExplainArgs {
    /// The registry, or a repository there: HOST[:PORT][/REPO]
    #[arg(value_name = "HOST[/REPO]")]
    pub(crate) target: String,

    /// Do not ask the registry what it demands
    #[arg(long)]
    pub(crate) offline: bool,

    #[command(flatten)]
    pub(crate) helper: HelperArgs,

    #[command(flatten)]
    pub(crate) transport: TransportArgs,
}
