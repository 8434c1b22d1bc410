//! Collects faults in bounded memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::consumer::Consumer;
use super::fault::{Fault, Faults, MAX_FAULTS, Severity};
use super::help::Help;
use super::mask;
use super::path::FieldPath;
use super::rule::Rule;
use super::source::{Source, Span};

/// A place in a spec that a fault can be put at.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The bytes to mark.
    pub(super) span: Span,
    /// The path of the field.
    pub(super) path: FieldPath,
}

/// A fault whose line, column and help are not worked out yet, which costs more than the rest of it.
pub(super) struct Draft {
    rule: Rule,
    severity: Severity,
    span: Span,
    path: FieldPath,
    message: String,
    help: Help,
}

impl Draft {
    /// Makes an error.
    pub(super) fn error(
        rule: Rule,
        span: Span,
        path: FieldPath,
        message: impl Into<String>,
        help: impl Into<Help>,
    ) -> Self {
        let (message, help) = (message.into(), help.into());
        Self {
            rule,
            severity: Severity::Error,
            span,
            path,
            message,
            help,
        }
    }
}

/// Takes the faults that the rules find.
pub(super) struct Collector<'a> {
    source: &'a Source<'a>,
    consumer: Option<Consumer>,
    drafts: Vec<Draft>,
    /// What was taken, dropped since or not: a hash of each fault, of which there are a few for each of at most
    /// [`MAX_NODES`](super::MAX_NODES) nodes.
    taken: HashSet<u64>,
    errors: usize,
    warnings: usize,
    secrets: Vec<Span>,
}

impl<'a> Collector<'a> {
    /// Makes a collector without faults. The traps of `consumer` will be errors.
    pub(super) fn new(source: &'a Source<'a>, consumer: Option<Consumer>) -> Self {
        Self {
            source,
            consumer,
            drafts: Vec::new(),
            taken: HashSet::new(),
            errors: 0,
            warnings: 0,
            secrets: Vec::new(),
        }
    }

    /// Returns the reader that the spec is checked for.
    pub(super) fn consumer(&self) -> Option<Consumer> {
        self.consumer
    }

    /// Returns the number of the line that `span` starts on.
    pub(super) fn line(&self, span: &Span) -> usize {
        self.source.line(span.start)
    }

    /// Returns the text that is checked.
    pub(super) fn text(&self) -> &'a str {
        self.source.text()
    }

    /// Marks the text at `span` as a secret, which is not to be shown.
    pub(super) fn mark_secret(&mut self, span: Span) {
        self.secrets.push(span);
    }

    /// Marks all that may be a secret behind `offset`, where there is no tree that tells.
    pub(super) fn mark_values_from(&mut self, offset: usize) {
        let values = mask::values(&self.text()[offset..]);
        let spans = values
            .into_iter()
            .map(|span| offset + span.start..offset + span.end);
        self.secrets.extend(spans);
    }

    /// Puts the marks of secrets in order and joins those that overlap, once all are made.
    pub(super) fn settle_secrets(&mut self) {
        self.secrets.sort_by_key(|span| span.start);
        self.secrets.dedup_by(|next, span| {
            let overlap = next.start <= span.end;
            if overlap {
                span.end = span.end.max(next.end);
            }
            overlap
        });
    }

    /// Tells whether the byte at `offset` is in a secret or right behind one.
    pub(super) fn hides(&self, offset: usize) -> bool {
        let before = self.secrets.partition_point(|span| span.start <= offset);
        before > 0 && offset <= self.secrets[before - 1].end
    }

    /// Reports an error.
    pub(super) fn error(
        &mut self,
        rule: Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<Help>,
    ) {
        self.push(Draft::error(rule, place.span, place.path, message, help));
    }

    /// Reports a warning.
    pub(super) fn warning(
        &mut self,
        rule: Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<Help>,
    ) {
        let error = Draft::error(rule, place.span, place.path, message, help);
        self.push(Draft {
            severity: Severity::Warning,
            ..error
        });
    }

    /// Reports something that `reader` takes otherwise than it is meant: an error if the spec is checked for it.
    pub(super) fn trap(
        &mut self,
        reader: Consumer,
        rule: Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<Help>,
    ) {
        if self.consumer == Some(reader) {
            self.error(rule, place, message, help);
        } else {
            self.warning(rule, place, message, help);
        }
    }

    /// Takes a fault, unless it was taken before: a node that several aliases stand for is checked for each of them.
    pub(super) fn push(&mut self, draft: Draft) {
        let mut hasher = DefaultHasher::new();
        (draft.rule, &draft.span, &draft.message).hash(&mut hasher);
        if !self.taken.insert(hasher.finish()) {
            return;
        }
        *self.count(draft.severity) += 1;
        self.drafts.push(draft);
        // A hostile spec can have a fault for every few bytes. Dropping the least important half each time the list
        // is full keeps exactly those that a sort of all of them would have put first.
        if self.drafts.len() >= 2 * MAX_FAULTS {
            self.compact();
        }
    }

    fn count(&mut self, severity: Severity) -> &mut usize {
        match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        }
    }

    /// Keeps the errors that come first, then the warnings that come first.
    fn compact(&mut self) {
        self.drafts.sort_by(|a, b| {
            (a.severity, a.span.start, a.rule, &a.message).cmp(&(
                b.severity,
                b.span.start,
                b.rule,
                &b.message,
            ))
        });
        self.drafts.truncate(MAX_FAULTS);
    }

    /// Returns the faults in the order of their positions.
    pub(super) fn finish(mut self) -> Faults {
        self.compact();
        self.drafts
            .sort_by_key(|draft| (draft.span.start, draft.severity, draft.rule));
        let source = self.source;
        let listed = self.drafts.into_iter().map(|draft| Fault {
            rule: draft.rule,
            severity: draft.severity,
            position: source.position(draft.span.start),
            span: source.marked(&draft.span),
            path: draft.path.into_text(),
            message: draft.message,
            help: draft.help.into_text(),
        });
        Faults {
            listed: listed.collect(),
            errors: self.errors,
            warnings: self.warnings,
            secrets: self.secrets.iter().map(|span| source.bytes(span)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    fn collect(warnings: usize, errors: usize) -> Faults {
        let text = "x".repeat(warnings + errors);
        let source = Source::read(text.as_bytes()).unwrap();
        let mut collector = Collector::new(&source, None);
        let place = |at: usize| Place {
            span: at..at + 1,
            path: FieldPath::default(),
        };
        for at in (0..warnings).rev() {
            collector.warning(Rule::UnknownField, place(at), "w", "");
        }
        for at in (0..errors).rev() {
            collector.error(Rule::WrongType, place(warnings + at), "e", "");
        }
        collector.finish()
    }

    #[test]
    fn lists_errors_rather_than_warnings_and_counts_the_rest() {
        let faults = collect(1000, 3);
        assert_eq!(
            (faults.errors(), faults.warnings(), faults.omitted()),
            (3, 1000, 903)
        );
        let columns: Vec<_> = faults.iter().map(|fault| fault.position.column).collect();
        let expected: Vec<_> = (1..=97).chain(1001..=1003).collect();
        assert_eq!(columns, expected);
    }

    #[test]
    fn the_same_fault_counts_once() {
        let source = Source::read(b"a").unwrap();
        let mut collector = Collector::new(&source, None);
        for index in 0..3 {
            let place = Place {
                span: 0..1,
                path: FieldPath::default().item(index),
            };
            collector.error(Rule::WrongType, place, "e", "");
        }
        let faults = collector.finish();
        assert_eq!((faults.errors(), faults.as_slice().len()), (1, 1));
        assert_eq!(faults.iter().next().unwrap().path, "[0]");
    }

    #[test]
    fn help_is_worked_out_for_what_is_listed() {
        let count = Rc::new(Cell::new(0));
        let text = "x".repeat(1000);
        let source = Source::read(text.as_bytes()).unwrap();
        let mut collector = Collector::new(&source, None);
        for at in 0..1000 {
            let place = Place {
                span: at..at + 1,
                path: FieldPath::default(),
            };
            let count = Rc::clone(&count);
            let help = Help::later(move || {
                count.set(count.get() + 1);
                format!("help {}", count.get())
            });
            collector.warning(Rule::UnknownField, place, "w", help);
        }
        let faults = collector.finish();
        assert_eq!(count.get(), MAX_FAULTS);
        assert_eq!(faults.as_slice()[2].help, "help 3");
    }
}
