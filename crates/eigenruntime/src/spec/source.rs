//! A spec's text, and the lines and columns in it.

use std::ops::Range;

use super::collector::{Collector, Draft};
use super::fault::{Faults, Position};
use super::path::FieldPath;
use super::rule::Rule;

/// The largest spec that is read, in bytes. A larger one is refused before it is looked at.
pub const MAX_SPEC_BYTES: usize = 4 * 1024 * 1024;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A range of bytes of a [`Source`]'s text.
pub(super) type Span = Range<usize>;

/// The text of a spec, without its byte order mark.
#[derive(Debug)]
pub(super) struct Source<'a> {
    text: &'a str,
    /// How many bytes of the input precede the text: those of a byte order mark.
    skipped: usize,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Takes `bytes` as text, unless they are too many or not UTF-8.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Faults> {
        if bytes.len() > MAX_SPEC_BYTES {
            let message = format!(
                "the input has {} bytes, a spec at most {MAX_SPEC_BYTES}",
                bytes.len()
            );
            let help = "check that this is the right file: a spec is a few kilobytes of YAML";
            let source = Self::new(readable(&bytes[..MAX_SPEC_BYTES]));
            return Err(source.refuse(Rule::InputTooLarge, 0..0, message, help));
        }
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(Self::new(text)),
            Err(error) => error,
        };
        let end = error.valid_up_to();
        let message = format!("the byte 0x{:02x} is not UTF-8 here", bytes[end]);
        let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            "this looks like UTF-16: save the file as UTF-8"
        } else {
            "save the file as UTF-8"
        };
        let source = Self::new(readable(bytes));
        let end = source.text.len();
        Err(source.refuse(Rule::NotUtf8, end..end, message, help))
    }

    fn new(input: &'a str) -> Self {
        let text = input.strip_prefix(BYTE_ORDER_MARK).unwrap_or(input);
        Self {
            text,
            skipped: input.len() - text.len(),
            lines: line_starts(text),
        }
    }

    fn refuse(&self, rule: Rule, span: Span, message: String, help: &str) -> Faults {
        let mut collector = Collector::new(self, None);
        collector.push(Draft::error(
            rule,
            span,
            FieldPath::default(),
            message,
            help,
        ));
        collector.mark_values_from(0);
        collector.finish()
    }

    /// Returns the text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the number of the line that holds the byte at `offset`, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Returns the text of the line that holds the byte at `offset`, without its line break.
    pub(super) fn line_text(&self, offset: usize) -> &'a str {
        let line = self.line(offset);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        self.text[self.lines[line - 1]..end].trim_end_matches(['\r', '\n'])
    }

    /// Returns the position of the byte at `offset` of the text.
    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.line(offset);
        Position {
            line,
            column: self.text[self.lines[line - 1]..offset].chars().count() + 1,
            offset: self.skipped + offset,
        }
    }

    /// Returns `span` as a range of bytes of the input.
    pub(super) fn bytes(&self, span: &Span) -> Range<usize> {
        self.skipped + span.start..self.skipped + span.end
    }

    /// Returns the text of the line before the one that holds the byte at `offset`.
    pub(super) fn previous_line_text(&self, offset: usize) -> &'a str {
        match self.line(offset) {
            1 => "",
            line => self.line_text(self.lines[line - 2]),
        }
    }

    /// Returns the part of `span` on its first line, as a range of bytes of the input.
    ///
    /// A fault's place is marked in one line; a block that runs on for pages would only hide it.
    pub(super) fn marked(&self, span: &Span) -> Range<usize> {
        let line = self.line(span.start);
        let end = self.lines[line - 1] + self.line_text(span.start).len();
        self.bytes(&(span.start..span.end.min(end).max(span.start)))
    }
}

/// Returns the text before the first byte that is not UTF-8.
fn readable(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Returns where each line starts. As in YAML, a line ends at `\n`, `\r\n` or a lone `\r`.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(index, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0)
        .chain(ends.map(|(index, _)| index + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: &Source<'_>, offset: usize) -> (usize, usize, usize) {
        let Position {
            line,
            column,
            offset,
        } = source.position(offset);
        (line, column, offset)
    }

    #[test]
    fn counts_lines_and_characters() {
        let source = Source::new("é: 1\r\nb: 2\rc\n");
        assert_eq!(place(&source, 0), (1, 1, 0));
        assert_eq!(place(&source, 2), (1, 2, 2));
        assert_eq!(place(&source, 7), (2, 1, 7));
        assert_eq!(place(&source, 12), (3, 1, 12));
        assert_eq!(place(&source, 14), (4, 1, 14));
        assert_eq!(source.line_text(3), "é: 1");
        assert_eq!(source.line_text(12), "c");
        assert_eq!(source.previous_line_text(12), "b: 2");
        assert_eq!(source.previous_line_text(0), "");
        assert_eq!(source.marked(&(2..12)), 2..5);
    }

    #[test]
    fn a_byte_order_mark_is_counted_in_offsets_only() {
        let source = Source::new("\u{feff}a: 1");
        assert_eq!(source.text(), "a: 1");
        assert_eq!(place(&source, 3), (1, 4, 6));
        assert_eq!(source.marked(&(3..4)), 6..7);
    }

    #[test]
    fn says_where_the_text_is_not_utf8() {
        let faults = Source::read(b"a: 1\nb: \xff\n").unwrap_err();
        let fault = faults.iter().next().unwrap();
        assert_eq!(fault.rule, Rule::NotUtf8);
        assert_eq!(
            (
                fault.position.line,
                fault.position.column,
                fault.position.offset
            ),
            (2, 4, 8)
        );

        let faults = Source::read(b"\xff\xfea\0").unwrap_err();
        assert!(faults.iter().next().unwrap().help.contains("UTF-16"));
    }
}
