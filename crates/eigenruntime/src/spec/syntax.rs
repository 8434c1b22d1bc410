//! Syntax errors, with what to do about them.

use granit_parser::{ErrorKind, ScanError};

use super::collector::Draft;
use super::compose::too_deep;
use super::path::FieldPath;
use super::rule::Rule;
use super::source::Source;
use super::template;

/// Makes the fault of a parser's error.
pub(super) fn fault(error: &ScanError, source: &Source<'_>) -> Draft {
    // An error at the end of the input can point behind it.
    let offset = error
        .marker()
        .byte_offset()
        .unwrap_or(0)
        .min(source.text().len());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(offset..offset);
    }
    let offset = if is_tab(error.kind()) {
        tab_before(source, offset)
    } else {
        offset
    };
    // The parser's texts are fixed, but for one that repeats a character of the input.
    let message = match error.kind() {
        ErrorKind::UnexpectedCharacter { character } => {
            format!("a value cannot begin with {character:?} here")
        }
        ErrorKind::UnknownAnchor => "this alias has no anchor before it".to_owned(),
        ErrorKind::ExpectedDocumentStart => "the spec has already ended before this".to_owned(),
        kind => format!("not well-formed YAML: {kind}"),
    };
    // An action alone on its line is read as a key, so that only the line after it is at fault.
    let lines = [source.previous_line_text(offset), source.line_text(offset)];
    let help = if lines.iter().any(|line| line.contains(template::ACTION)) {
        "this looks like a template: render it before the spec is checked"
    } else {
        help(error.kind())
    };
    Draft::error(
        Rule::YamlSyntax,
        offset..offset,
        FieldPath::default(),
        message,
        help,
    )
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

/// Returns where the tabs before `offset` begin: the parser points behind the tab that it means.
fn tab_before(source: &Source<'_>, offset: usize) -> usize {
    source.text()[..offset].trim_end_matches('\t').len()
}

fn help(kind: &ErrorKind) -> &'static str {
    match kind {
        kind if is_tab(kind) => "indent with spaces instead of tabs",
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => "check that the quotes are in pairs",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator => {
            "check that brackets and braces are in pairs and items are separated by commas"
        }
        ErrorKind::UnexpectedCharacter { .. } | ErrorKind::MappingValueNotAllowed => {
            "put the value in quotes if it is one text, and check the indentation"
        }
        ErrorKind::UnknownAnchor => "define the anchor before it is used, or quote a text with `*`",
        ErrorKind::ExpectedDocumentStart => "remove what follows, or indent it as the lines before",
        ErrorKind::UnknownQuotedScalarEscape => {
            "use single quotes, or double each backslash within double quotes"
        }
        _ => "check the indentation, the quotes and the colons here and on the line before",
    }
}
