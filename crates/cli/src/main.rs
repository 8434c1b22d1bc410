//! The command line of eigenpack: arguments, settings, a command, a report, its rendering.

mod args;
mod command;
mod context;
mod environment;
mod exit_code;
mod failure;
mod input;
mod output;
mod render;
mod report;
mod run;

fn main() -> std::process::ExitCode {
    run::main().into()
}
