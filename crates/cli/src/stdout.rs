//! Writing results on stdout.

use std::io::{self, Write as _};

use crate::args::Format;
use crate::context::Context;
use crate::failure::Failure;
use crate::input::on_a_thread;
use crate::render::{report_document, report_text};
use crate::report::Report;

/// Writes a report in the form that was asked for.
pub(crate) async fn write_report(report: &Report, context: &Context) -> Result<(), Failure> {
    let output = match context.format {
        Format::Text => report_text(report, context.environment.terminal.stdout_colors),
        Format::Json => report_document(report).into_bytes(),
    };
    write_stdout(output).await
}

/// Writes bytes as they are. A reader who has had enough is no failure.
///
/// Nobody may read on for long, so it is done on a thread of its own, and an interruption is heard.
pub(crate) async fn write_stdout(output: impl AsRef<[u8]> + Send + 'static) -> Result<(), Failure> {
    let written = on_a_thread(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(output.as_ref())?;
        stdout.flush()
    });
    match written.await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::file("write", "<stdout>", &error)),
        Ok(()) => Ok(()),
    }
}
