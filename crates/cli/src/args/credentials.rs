//! Flags about credentials. None of them takes a secret: what stands on a command line can be read by others.

use clap::Args;

pub(super) const HEADING: &str = "Credential options";

/// Credentials that are given with the command. They count before all others.
#[derive(Args, Debug)]
#[command(next_help_heading = HEADING)]
pub(crate) struct GivenArgs {
    /// The user's name at the registry; the password is asked for, or comes with --password-stdin
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// Read the password from stdin; one line break at its end is left out
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,

    /// Read an identity token from stdin, one that the registry's token server gives tokens for
    ///
    /// An access token that stands in for a password, as those of GitHub and GitLab do, goes with
    /// --username and --password-stdin.
    #[arg(long, conflicts_with_all = ["username", "password_stdin"])]
    pub(crate) token_stdin: bool,
}

impl GivenArgs {
    /// Tells whether credentials are given.
    pub(crate) fn any(&self) -> bool {
        self.username.is_some() || self.token_stdin
    }
}

/// How credential helpers are asked.
#[derive(Args, Debug)]
#[command(next_help_heading = HEADING)]
pub(crate) struct HelperArgs {
    /// How long a credential helper may take [default: 120 with somebody at a terminal, else 10]
    #[arg(long, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) credential_timeout: Option<u64>,
}
