//! What can be typed: every command, flag and help text. Nothing here does anything but describe.

mod connection;
mod copy;
mod credentials;
mod fetch;
mod gc;
mod login;
mod names;
mod pull;
mod push;
mod quantity;
mod serve;
mod serve_limits;
mod validate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use connection::{ConnectionArgs, TransportArgs};
pub(crate) use copy::CopyArgs;
pub(crate) use credentials::{GivenArgs, HelperArgs};
pub(crate) use fetch::{ConfigArgs, InspectArgs, ManifestArgs, RawPart, ResolveArgs};
pub(crate) use gc::GcArgs;
pub(crate) use login::{AuthArgs, AuthCommand, ExplainArgs, LoginArgs, LogoutArgs};
pub(crate) use names::{TagArgs, TagsArgs};
pub(crate) use pull::PullArgs;
pub(crate) use push::{PushArgs, PushFields};
pub(crate) use serve::{LogFormat, ServeArgs};
pub(crate) use validate::ValidateArgs;

const EXAMPLES: &str = "\
Examples:
  eigenpack validate runtime-spec.yaml
  eigenpack push runtime-spec.yaml my-avs:opset-0-v1                  # the local store
  eigenpack push runtime-spec.yaml ghcr.io/org/my-avs:opset-0-v1      # a registry
  eigenpack pull ghcr.io/org/my-avs:opset-0-v1

References:
  HOST[:PORT]/REPO[:TAG][@DIGEST]   a registry
  REPO[:TAG][@DIGEST]               the local store
  oci:PATH[:TAG|@DIGEST]            an OCI image layout directory
  DIGEST is sha256:<64 hex>, or 0x<64 hex> as the chain shows it.

Exit codes:
  0 done   1 the answer is no   2 usage   3 bad input   4 not found
  5 authentication   6 network or registry   7 conflict   70 bug   130 interrupted";

/// Package EigenRuntime specifications as OCI artifacts, publish, pull and check them
#[derive(Debug, Parser)]
#[command(name = "eigenpack", version, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The local store's directory [env: EIGENPACK_STORE]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,

    /// The file with settings per registry [env: EIGENPACK_CONFIG]
    /// [default: ~/.config/eigenpack/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// How the result is written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Leave status and notes out; results, warnings and errors stay
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say each request on stderr; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,

    /// Refuse references to the local store, so that a forgotten host is an error
    /// [env: EIGENPACK_REMOTE_ONLY]
    #[arg(long, global = true)]
    pub(crate) remote_only: bool,
}

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document, for success and for failure
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateArgs),
    Push(Box<PushArgs>),
    Pull(PullArgs),
    Inspect(InspectArgs),
    Manifest(ManifestArgs),
    Config(ConfigArgs),
    Resolve(ResolveArgs),
    Tags(TagsArgs),
    Tag(TagArgs),
    Copy(CopyArgs),
    Login(LoginArgs),
    Logout(LogoutArgs),
    Auth(AuthArgs),
    Serve(ServeArgs),
    Gc(GcArgs),
}
