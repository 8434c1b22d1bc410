//! `validate`: every file, every fault.

use eigenpack::spec;

use super::Outcome;
use crate::args::{Format, ValidateArgs};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::{read_spec, shown_name};
use crate::render::failure_text;
use crate::report::{Check, CheckedFile, Report, ValidateReport};
use crate::stderr::say;

pub(super) async fn run(args: &ValidateArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut files = Vec::new();
    for path in &args.specs {
        let read = read_spec(path, context).await;
        let path = shown_name(path).to_owned();
        files.push(match read {
            Ok(source) => {
                let found = spec::check(&source, args.consumer).faults;
                CheckedFile {
                    path,
                    check: Check::from(&found),
                    error: None,
                    content: Some((source, found)),
                }
            }
            // The others are checked all the same.
            Err(failure) => {
                if context.format == Format::Text {
                    let colors = context.environment.terminal.stderr_colors;
                    say(format_args!("{}\n", failure_text(&failure, colors)));
                }
                CheckedFile {
                    path,
                    check: Check::default(),
                    error: Some(failure.causes.join(": ")),
                    content: None,
                }
            }
        });
    }
    let unread = files.iter().any(|file| file.error.is_some());
    let valid = files.iter().all(|file| file.check.valid);
    Ok(Outcome {
        report: Some(Report::Validate(ValidateReport { valid, files })),
        exit: match (unread, valid) {
            (true, _) => ExitCode::Input,
            (false, true) => ExitCode::Done,
            (false, false) => ExitCode::No,
        },
    })
}
