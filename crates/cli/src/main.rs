//! The command line of eigenpack: arguments, settings, a command, a report, its rendering.

#[expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, not Markdown"
)]
mod args;
mod certificates;
mod client;
mod command;
mod configuration;
mod connection;
mod context;
mod credentials;
mod environment;
mod exit_code;
mod failure;
mod heap;
mod input;
mod interruption;
mod output;
mod progress;
mod render;
mod report;
mod run;
mod stderr;
mod stdout;
mod usage;

fn main() -> std::process::ExitCode {
    run::main().into()
}
