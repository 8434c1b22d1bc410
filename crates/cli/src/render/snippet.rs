//! Faults of a spec, each with its line and a caret.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use eigenpack::spec::{Faults, Severity};

use super::clean;

/// Lines longer than this are shown without the source: a caret under a megabyte helps nobody.
const MAX_LINE: usize = 500;

/// Shows every fault of the spec in `path`, in the order of their positions.
///
/// Values that should have been kept secret are masked: what is shown may end up in a log.
pub(crate) fn faults(path: &str, source: &[u8], faults: &Faults, colors: bool) -> String {
    let source = &masked(source, faults);
    let renderer = if colors {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let path = clean(path);
    let mut shown: Vec<String> = faults
        .iter()
        .map(|fault| {
            let level = match fault.severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
            };
            let message = clean(&fault.message);
            let title = level.primary_title(message.as_str()).id(fault.rule.id());
            let help = clean(&fault.help);
            let place = format!("{path}:{}:{}", fault.position.line, fault.position.column);
            let group = match line_around(source, fault.position.offset) {
                Some((start, line)) => {
                    let from = fault.span.start.saturating_sub(start).min(line.len());
                    let to = fault.span.end.saturating_sub(start).clamp(from, line.len());
                    let annotation = AnnotationKind::Primary.span(from..to);
                    let snippet = Snippet::source(line)
                        .path(path.as_str())
                        .line_start(fault.position.line)
                        .annotation(annotation);
                    title.element(snippet)
                }
                None => title.element(Level::NOTE.with_name("at").message(place.as_str())),
            };
            renderer.render(&[group.element(Level::HELP.message(help.as_str()))])
        })
        .collect();
    if faults.omitted() > 0 {
        shown.push(format!("and {} more", faults.omitted()));
    }
    shown.join("\n\n")
}

/// Returns the source with every secret value overwritten, so that all positions stay.
fn masked(source: &[u8], faults: &Faults) -> Vec<u8> {
    let mut masked = source.to_vec();
    for secret in faults.secrets() {
        if let Some(bytes) = masked.get_mut(secret.clone()) {
            // A line's number and what is marked in it hold only as long as the lines stay apart.
            for byte in bytes.iter_mut().filter(|b| !matches!(b, b'\n' | b'\r')) {
                *byte = b'*';
            }
        }
    }
    masked
}

/// Returns the line that holds the byte at `offset`, and where it starts, if it can be shown.
fn line_around(source: &[u8], offset: usize) -> Option<(usize, &str)> {
    let offset = offset.min(source.len());
    let start = source[..offset]
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let length = source[start..]
        .iter()
        .position(|b| *b == b'\n')
        .unwrap_or(source.len() - start);
    let line = std::str::from_utf8(&source[start..start + length]).ok()?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    // A line whose characters act on a terminal is not shown either: its escapes would move the caret.
    (line.len() <= MAX_LINE && clean(line) == line).then_some((start, line))
}
