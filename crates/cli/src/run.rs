//! From arguments to exit code: parse, run until done or interrupted, write the result.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::{Cli, Command, Format};
use crate::command;
use crate::context::Context;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::heap;
use crate::interruption::interrupted;
use crate::progress::{LogWriter, Progress};
use crate::render::{failure_document, failure_text};
use crate::stderr::say;
use crate::stdout::{write_report, write_stdout};
use crate::usage::usage;

/// The most threads that a server answers on.
const MAX_WORKERS: usize = 8;

/// The most threads on which a server waits for files. Each has a stack and memory of its own, and no disk is faster with
/// more; whatever finds none waits.
const MAX_BLOCKING_THREADS: usize = 32;

/// The longest time that an interrupted command, which ends within 200 ms in all, takes to cancel what it has under way at
/// registries.
const TIME_FOR_UPLOADS: Duration = Duration::from_millis(100);

/// How long the end of what is done to files is waited for, which removes temporary ones.
const TIME_FOR_FILES: Duration = Duration::from_millis(30);

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    heap::keep_buffers();
    let environment = Environment::read();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &environment),
    };
    // Beside a log of each request, a line that is drawn over and over would only be in the way.
    let is_silent = cli.global.quiet || cli.global.verbose > 0;
    let progress = Progress::new(environment.stderr_is_drawable && !is_silent);
    log_to_stderr(cli.global.verbose, &progress);
    let context = Context::new(cli.global, environment, Arc::clone(&progress));
    let is_server = matches!(cli.command, Command::Serve(_));
    let runtime = match runtime(is_server) {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::new(ExitCode::Bug, "runtime", "cannot start").caused_by(&error);
            return fail(&failure, &context);
        }
    };
    let exit = runtime.block_on(async {
        // Boxed, since it is a large one, and it is moved below.
        let command = Box::pin(caught(reported(cli.command, &context)));
        // To a server, an interruption is how it ends well.
        let result = if is_server {
            command.await
        } else {
            until_interrupted(command, &progress, &context).await
        };
        progress.clear();
        match result {
            Ok(exit) => exit,
            Err(failure) => shown(failure, &context).await,
        }
    });
    // Work that blocks, such as a sync of a slow disk, is hardly waited for after an interruption.
    runtime.shutdown_timeout(TIME_FOR_FILES);
    exit
}

/// Runs a command and writes its result.
async fn reported(command: Command, context: &Context) -> Result<ExitCode, Failure> {
    let outcome = command::run(command, context).await?;
    if let Some(report) = &outcome.report {
        write_report(report, context).await?;
    }
    Ok(outcome.exit)
}

/// Makes a failure of a panic: a fault in this program ends like any other, and with its own exit code.
async fn caught(
    command: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    let mut command = pin!(command);
    poll_fn(|context| {
        // What was half done is never touched again.
        let polled = catch_unwind(AssertUnwindSafe(|| command.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(Failure::bug())))
    })
    .await
}

/// Makes the runtime. A server answers on as many cores as there are; every other command waits most of the time, and one
/// thread is soonest ready.
fn runtime(is_server: bool) -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if is_server && cores > 1 {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all();
    if is_server {
        builder
            .worker_threads(cores.min(MAX_WORKERS))
            .max_blocking_threads(MAX_BLOCKING_THREADS);
    }
    builder.build()
}

/// Runs a command to its end, or to an interruption. Even then it leaves no upload open, as far as there is time.
async fn until_interrupted(
    command: impl Future<Output = Result<ExitCode, Failure>>,
    progress: &Progress,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let interruption = {
        let command = pin!(command);
        tokio::select! {
            // Heard from before the command begins, so that none of its traces is left behind.
            biased;
            interruption = interrupted() => interruption,
            result = command => return result,
            never = progress.keep_drawing() => match never {},
        }
    };
    context.cancel_uploads(TIME_FOR_UPLOADS).await;
    Err(interruption)
}

/// Shows a failure. Nobody may read what is said on stdout, and an interruption is not kept waiting for it.
async fn shown(failure: Failure, context: &Context) -> ExitCode {
    let exit = failure.exit;
    match context.format {
        Format::Text => fail(&failure, context),
        Format::Json => {
            let document = failure_document(&failure);
            let written = write_stdout(document);
            let written = if exit.is_interruption() {
                let written = tokio::time::timeout(TIME_FOR_FILES, written).await;
                written.unwrap_or(Err(failure))
            } else {
                tokio::select! {
                    biased;
                    interruption = interrupted() => return interruption.exit,
                    written = written => written,
                }
            };
            if let Err(unwritten) = written {
                say_failure(&unwritten, context);
            }
            exit
        }
    }
}

fn fail(failure: &Failure, context: &Context) -> ExitCode {
    say_failure(failure, context);
    failure.exit
}

fn say_failure(failure: &Failure, context: &Context) {
    let colors = context.environment.terminal.stderr_colors;
    say(format_args!("{}", failure_text(failure, colors)));
}

/// Sends our libraries' log to stderr, at the level that `-v` asks for. Those of others only drown it.
fn log_to_stderr(verbose: u8, progress: &Arc<Progress>) {
    let level = match verbose {
        // Of these, only a server has anything to say of its own accord.
        0 => LevelFilter::WARN,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new()
        .with_target("eigenpack", level)
        .with_target("eigenruntime", level);
    let progress = Arc::clone(progress);
    let lines = fmt::layer()
        .with_writer(move || LogWriter(Arc::clone(&progress)))
        .with_ansi(false)
        .without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

#[cfg(test)]
mod tests {
    #[test]
    fn exit_codes_are_what_scripts_rely_on() {
        use crate::exit_code::ExitCode;
        let codes = [
            ExitCode::Done,
            ExitCode::No,
            ExitCode::Usage,
            ExitCode::Input,
            ExitCode::NotFound,
            ExitCode::Access,
            ExitCode::Network,
            ExitCode::Conflict,
            ExitCode::Bug,
            ExitCode::HungUp,
            ExitCode::Interrupted,
            ExitCode::Terminated,
        ];
        assert_eq!(
            codes.map(|code| code as u8),
            [0, 1, 2, 3, 4, 5, 6, 7, 70, 129, 130, 143]
        );
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_with_a_code_of_its_own() {
        let broken = async { panic!("a fault in this program, made on purpose") };
        let failure = super::caught(broken).await.unwrap_err();
        assert_eq!(failure.exit as u8, 70);
        assert_eq!(failure.code, "bug");
    }
}
