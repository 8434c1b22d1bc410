//! Arguments that cannot be understood, and questions for help.

use std::io::{self, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use eigenpack::Reference;

use crate::args::Format;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::render::{clean, failure_document, failure_text};
use crate::stderr::say;

/// Answers arguments that cannot be understood, or a question for help.
pub(crate) fn usage(error: &clap::Error, environment: &Environment) -> ExitCode {
    let shows_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if shows_help || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let exit = if shows_help {
            ExitCode::Done
        } else {
            ExitCode::Usage
        };
        return match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let failure = Failure::file("write", "<stdout>", &error);
                fail(&failure, Format::Text, environment)
            }
            _ => exit,
        };
    }
    let format = if wants_json() {
        Format::Json
    } else {
        Format::Text
    };
    if let Some(failure) = secret_as_argument(error).or_else(|| bad_reference(error)) {
        return fail(&failure, format, environment);
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
            fail(&failure, format, environment)
        }
    }
}

/// Shows a failure; a signal still ends the program at once here.
fn fail(failure: &Failure, format: Format, environment: &Environment) -> ExitCode {
    let colors = environment.terminal.stderr_colors;
    let is_written = match format {
        Format::Text => false,
        Format::Json => {
            let mut stdout = io::stdout().lock();
            let document = failure_document(failure);
            let written = stdout.write_all(document.as_bytes());
            written.and_then(|()| stdout.flush()).is_ok()
        }
    };
    if !is_written {
        say(format_args!("{}", failure_text(failure, colors)));
    }
    failure.exit
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
