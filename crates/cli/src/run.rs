//! From arguments to exit code: parse, run until done or interrupted, write the result.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use eigenpack::Reference;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::{Cli, Command, Format};
use crate::command::{self, Outcome};
use crate::context::Context;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::heap;
use crate::progress::{LogWriter, Progress};
use crate::render::{clean, failure_document, failure_text};
use crate::stderr::say;
use crate::stdout::{write_report, write_stdout};

/// The most threads that a server answers on.
const MAX_WORKERS: usize = 8;

/// The most threads on which a server waits for files. Each has a stack and memory of its own, and no disk is faster with
/// more; whatever finds none waits.
const MAX_BLOCKING_THREADS: usize = 32;

/// The longest time that a failed command takes to cancel what it has under way at registries.
const TIME_FOR_UPLOADS: Duration = Duration::from_secs(2);

/// The same for an interrupted command, which ends within 200 ms in all.
const TIME_FOR_UPLOADS_INTERRUPTED: Duration = Duration::from_millis(100);

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
    let result = match runtime(is_server) {
        Ok(runtime) => {
            let command = command::run(cli.command, &context);
            // To a server, an interruption is how it ends well.
            let result = if is_server {
                runtime.block_on(command)
            } else {
                runtime.block_on(until_interrupted(command, &progress, &context))
            };
            progress.clear();
            // Work that blocks, such as a sync of a slow disk, is hardly waited for after an interruption.
            runtime.shutdown_timeout(TIME_FOR_FILES);
            result
        }
        Err(error) => Err(Failure::new(ExitCode::Bug, "runtime", "cannot start").caused_by(&error)),
    };
    match result {
        Ok(outcome) => finish(&outcome, &context),
        Err(failure) => fail(
            &failure,
            context.format,
            context.environment.terminal.stderr_colors,
        ),
    }
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

/// Runs a command to its end, or to an interruption. Either way it leaves no upload open, as far as there is time.
async fn until_interrupted(
    command: impl Future<Output = Result<Outcome, Failure>>,
    progress: &Progress,
    context: &Context,
) -> Result<Outcome, Failure> {
    let (result, time) = {
        let command = pin!(command);
        tokio::select! {
            // Heard from before the command begins, so that none of its traces is left behind.
            biased;
            Ok(()) = tokio::signal::ctrl_c() => {
                let failure = Failure::new(ExitCode::Interrupted, "interrupted", "interrupted");
                (Err(failure), TIME_FOR_UPLOADS_INTERRUPTED)
            }
            result = command => (result, TIME_FOR_UPLOADS),
            never = progress.keep_drawing() => match never {},
        }
    };
    if result.is_err() {
        context.cancel_uploads(time).await;
    }
    result
}

fn finish(outcome: &Outcome, context: &Context) -> ExitCode {
    let Some(report) = &outcome.report else {
        return outcome.exit;
    };
    match write_report(report, context) {
        Ok(()) => outcome.exit,
        Err(error) => fail(
            &Failure::file("write", "<stdout>", &error),
            Format::Text,
            context.environment.terminal.stderr_colors,
        ),
    }
}

fn fail(failure: &Failure, format: Format, colors: bool) -> ExitCode {
    match format {
        Format::Text => say(format_args!("{}", failure_text(failure, colors))),
        Format::Json => {
            if write_stdout(failure_document(failure).as_bytes()).is_err() {
                say(format_args!("{}", failure_text(failure, colors)));
            }
        }
    }
    failure.exit
}

/// Answers arguments that cannot be understood, or a question for help.
fn usage(error: &clap::Error, environment: &Environment) -> ExitCode {
    let shows_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if shows_help || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // A closed pipe is the only way this fails, and then nobody reads it.
        let _ = error.print();
        return if shows_help {
            ExitCode::Done
        } else {
            ExitCode::Usage
        };
    }
    let format = if wants_json() {
        Format::Json
    } else {
        Format::Text
    };
    if let Some(failure) = secret_as_argument(error).or_else(|| bad_reference(error)) {
        return fail(&failure, format, environment.terminal.stderr_colors);
    }
    match format {
        Format::Text => {
            let _ = error.print();
            ExitCode::Usage
        }
        Format::Json => {
            let text = error.render().to_string();
            let message = text.trim().trim_start_matches("error: ");
            let failure = Failure::new(ExitCode::Usage, "usage", clean(message));
            fail(&failure, format, environment.terminal.stderr_colors)
        }
    }
}

/// Finds a flag that would have taken a secret.
fn secret_as_argument(error: &clap::Error) -> Option<Failure> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let is_secret = ["-p", "--password", "--token", "--identity-token"].contains(&&**argument);
    (is_unknown && is_secret).then(|| Failure::secret_as_argument(argument))
}

/// Finds a reference that did not parse, to show where it is wrong.
fn bad_reference(error: &clap::Error) -> Option<Failure> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if !matches!(
        argument.as_str(),
        "<REFERENCE>" | "<REPOSITORY>" | "<SOURCE>" | "<TARGET>"
    ) {
        return None;
    }
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return None;
    };
    let error = value.parse::<Reference>().err()?;
    Some(Failure::bad_reference(&error))
}

/// Tells whether JSON was asked for, when the arguments as a whole could not be parsed.
fn wants_json() -> bool {
    let args: Vec<_> = std::env::args_os().collect();
    args.iter().any(|arg| arg == "--format=json")
        || args
            .windows(2)
            .any(|pair| pair[0] == "--format" && pair[1] == "json")
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
            ExitCode::Interrupted,
        ];
        assert_eq!(
            codes.map(|code| code as u8),
            [0, 1, 2, 3, 4, 5, 6, 7, 70, 130]
        );
    }
}
