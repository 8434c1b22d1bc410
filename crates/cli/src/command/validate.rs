//! `validate`: every file, every fault.

use eigenpack::spec;

use super::Outcome;
use crate::args::ValidateArgs;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::{read_spec, shown_name};
use crate::report::{Check, CheckedFile, Report, ValidateReport};

pub(super) async fn run(args: &ValidateArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut files = Vec::new();
    for path in &args.specs {
        let source = read_spec(path, context).await?;
        let found = spec::check(&source, args.consumer).faults;
        let path = shown_name(path).to_owned();
        files.push(CheckedFile {
            path,
            check: Check::from(&found),
            source,
            found,
        });
    }
    let valid = files.iter().all(|file| file.check.valid);
    Ok(Outcome {
        report: Some(Report::Validate(ValidateReport { valid, files })),
        exit: if valid { ExitCode::Done } else { ExitCode::No },
    })
}
