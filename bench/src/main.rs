//! Measurements of eigenpack and of the programs of others, interleaved on one machine in one run.
//!
//! `cargo build --release && cargo run --release -p eigenpack-bench -- server` measures the registry servers that it
//! finds, `client` instead of `server` the clients. The result goes to stdout as Markdown, for `bench/RESULTS.md`; what is
//! going on goes to stderr.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers, whose result is text"
)]

mod client;
mod machine;
mod median;
mod program;
mod registry;
mod rounds;
mod server;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What goes wrong ends the run, and is shown as it is.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measure eigenpack beside the programs of others
///
/// Programs are looked for in target/peers/bin and on PATH; what is missing is named and left out.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Client(client::ClientArgs),
    Server(server::ServerArgs),
}

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let result = match command {
        Command::Client(args) => client::run(&args),
        Command::Server(args) => server::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
