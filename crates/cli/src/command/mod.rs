//! The commands, one file each: from arguments to a report or a failure.

mod auth;
mod copy;
mod fault_plan;
mod fetch;
mod gc;
mod login;
mod names;
mod pull;
mod push;
mod serve;
mod validate;

use crate::args::Command;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::report::Report;

/// A command that came to its end: what it found, and how the process ends.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it found; nothing where the result was already written to stdout as it is.
    pub(crate) report: Option<Report>,
    /// How the process ends.
    pub(crate) exit: ExitCode,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self {
            report: Some(report),
            exit: ExitCode::Done,
        }
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Outcome, Failure> {
    match command {
        Command::Validate(args) => validate::run(&args, context).await,
        Command::Push(args) => push::run(&args, context).await,
        Command::Pull(args) => pull::run(&args, context).await,
        Command::Inspect(args) => fetch::inspect(&args, context).await,
        Command::Manifest(args) => fetch::manifest(&args, context).await,
        Command::Config(args) => fetch::config(&args, context).await,
        Command::Resolve(args) => fetch::resolve(&args, context).await,
        Command::Tags(args) => names::tags(&args, context).await,
        Command::Tag(args) => names::tag(&args, context).await,
        Command::Copy(args) => copy::run(&args, context).await,
        Command::Login(args) => login::login(&args, context).await,
        Command::Logout(args) => login::logout(&args, context).await,
        Command::Auth(args) => auth::run(&args, context).await,
        Command::Serve(args) => serve::run(&args, context).await,
        Command::Gc(args) => gc::run(&args, context).await,
    }
}
