//! Flags about the connection to a registry.

use std::path::PathBuf;

use clap::Args;

use super::{GivenArgs, HelperArgs};

const TRANSPORT_HEADING: &str = "Connection options";

/// How registries are spoken to, and as whom.
#[derive(Args, Debug)]
pub(crate) struct ConnectionArgs {
    #[command(flatten)]
    pub(crate) transport: TransportArgs,

    /// Fetch everything, and keep nothing of it in the local store
    ///
    /// Without it, what the local store has by its digest is not fetched again. What a tag names is always
    /// asked for.
    #[arg(long, help_heading = TRANSPORT_HEADING)]
    pub(crate) no_cache: bool,

    #[command(flatten)]
    pub(crate) given: GivenArgs,

    /// Use no credentials, and look for none
    #[arg(long, help_heading = super::credentials::HEADING)]
    #[arg(conflicts_with_all = ["username", "password_stdin", "token_stdin"])]
    pub(crate) anonymous: bool,

    #[command(flatten)]
    pub(crate) helper: HelperArgs,
}

/// How registries are spoken to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TRANSPORT_HEADING)]
pub(crate) struct TransportArgs {
    /// Speak http instead of https to HOST; without =HOST, to this command's registry
    ///
    /// Loopback hosts (localhost, 127.0.0.0/8, ::1) are spoken to over http anyway, unless --ca-file,
    /// --cert-file or --insecure says that they speak TLS.
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "clap's form for a flag with an optional value"
    )]
    pub(crate) plain_http: Option<Option<String>>,

    /// Take any certificate from HOST; without =HOST, from this command's registry
    ///
    /// Whoever is on the way can then read and change what is sent, a password too. A private authority is
    /// better named with --ca-file.
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "clap's form for a flag with an optional value"
    )]
    pub(crate) insecure: Option<Option<String>>,

    /// Trust the authorities in this PEM file besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Show the registry this certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,

    /// The private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,

    /// How long the whole operation may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}
