//! Writing results on stdout.

use std::io::{self, Write as _};

use crate::args::Format;
use crate::context::Context;
use crate::render::{report_document, report_text};
use crate::report::Report;

/// Writes a report in the form that was asked for. A reader who has had enough is no failure.
pub(crate) fn write_report(report: &Report, context: &Context) -> io::Result<()> {
    let output = match context.format {
        Format::Text => report_text(report, context.environment.terminal.stdout_colors),
        Format::Json => report_document(report).into_bytes(),
    };
    match write_stdout(&output) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes bytes as they are.
pub(crate) fn write_stdout(output: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(output)?;
    stdout.flush()
}
