//! Flags about the connection to a registry.

use clap::Args;

/// How registries are spoken to.
#[derive(Args, Debug)]
#[command(next_help_heading = "Connection options")]
pub(crate) struct ConnectionArgs {
    /// Speak http instead of https to HOST; without =HOST, to this command's registry
    ///
    /// Loopback hosts (localhost, 127.0.0.0/8, ::1) are spoken to over http anyway.
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "clap's form for a flag with an optional value"
    )]
    pub(crate) plain_http: Option<Option<String>>,

    /// How long the whole operation may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}
