//! What is wrong with a spec, where, and what to do.

use std::fmt;
use std::ops::Range;

use super::rule::Rule;

/// How many faults are listed; of more, errors are listed before warnings and the rest is counted.
pub const MAX_FAULTS: usize = 100;

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The spec is not valid.
    Error,
    /// The spec is valid, and some reader may take it otherwise than it was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1. A byte order mark is not counted.
    pub column: usize,
    /// The offset in bytes from the start of the input.
    pub offset: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A fault of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The rule that is broken.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Where it is. A field that is missing is placed at the key of its parent.
    pub position: Position,
    /// The bytes of the input to mark, all on one line; empty where nothing can be marked.
    pub span: Range<usize>,
    /// The path of the field, such as `spec.executor.digest`; empty for the whole spec.
    pub path: String,
    /// What is wrong. Text of the spec in it is shortened and free of control characters.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}[{}]: {}",
            self.position, self.severity, self.rule, self.message
        )
    }
}

/// The faults of a spec, in the order of their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub(super) listed: Vec<Fault>,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) secrets: Vec<Range<usize>>,
}

impl Faults {
    /// Tells whether the spec is valid: there is no error.
    pub fn is_valid(&self) -> bool {
        self.errors == 0
    }

    /// Tells whether there is no fault at all.
    pub fn is_empty(&self) -> bool {
        self.errors + self.warnings == 0
    }

    /// Returns how many errors there are, listed or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Returns how many warnings there are, listed or not.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// Returns how many faults there are beyond those that are listed.
    pub fn omitted(&self) -> usize {
        self.errors + self.warnings - self.listed.len()
    }

    /// Returns the faults that are listed, at most [`MAX_FAULTS`].
    pub fn as_slice(&self) -> &[Fault] {
        &self.listed
    }

    /// Returns the bytes of the input that hold values of secrets, in order.
    ///
    /// A secret is any mapping that says so with `type` or `kind`, and all it has but its name and the like counts as
    /// its value. Where the input cannot be read as YAML, whatever stands at a key `value` may be one.
    ///
    /// Whoever shows lines of the input next to the faults masks these first: the output may end in a log.
    pub fn secrets(&self) -> &[Range<usize>] {
        &self.secrets
    }

    /// Iterates over the faults that are listed.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.listed.iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A spec breaks rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSpec {
    /// All its faults, warnings among them.
    pub faults: Faults,
}

impl fmt::Display for InvalidSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.errors();
        write!(
            f,
            "the spec has {count} error{}",
            if count == 1 { "" } else { "s" }
        )?;
        match self
            .faults
            .iter()
            .find(|fault| fault.severity == Severity::Error)
        {
            Some(first) => {
                let which = if count == 1 { "at" } else { "the first at" };
                write!(f, ", {which} {}: {}", first.position, first.message)
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for InvalidSpec {}
