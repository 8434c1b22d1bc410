//! How a command fails: words, causes, a hint, a stable code and an exit code.

mod advice;
mod configuration;
mod credentials;
mod meaning;
mod own;
mod public;
mod refused;
mod store;
mod usecase;

use std::error::Error;

use eigenpack::oci::{AccessError, FetchError, PushError};
use serde_json::{Map, Value};

use crate::exit_code::ExitCode;

/// A failed command, ready to be shown in either form.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: ExitCode,
    /// The stable name of this kind of failure.
    pub(crate) code: &'static str,
    /// What failed, on what.
    pub(crate) message: String,
    /// Why, each cause once, the nearest first.
    pub(crate) causes: Vec<String>,
    /// One thing to do about it.
    pub(crate) hint: Option<String>,
    /// Typed fields for machines, by their names in the document.
    pub(crate) fields: Map<String, Value>,
    /// Text for people that stands before the message, already rendered.
    pub(crate) details: Option<String>,
}

impl Failure {
    /// Makes a failure without causes and hint.
    pub(crate) fn new(exit: ExitCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            fields: Map::new(),
            details: None,
        }
    }

    /// Adds the hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds to the hint, where there is one already.
    #[must_use]
    pub(crate) fn also_hint(self, more: &str) -> Self {
        match &self.hint {
            Some(hint) => {
                let both = format!("{hint}; {more}");
                self.hint(both)
            }
            None => self.hint(more),
        }
    }

    /// Adds a field for machines.
    #[must_use]
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds `error` and its sources as causes, leaving out those that only repeat the one before.
    ///
    /// Of what the transport below a network error says, only the root is news.
    #[must_use]
    pub(crate) fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let repeats = self.causes.last().unwrap_or(&self.message).contains(&text);
            if !text.is_empty() && !repeats {
                self.causes.push(text);
            }
            next = if is_network(error) {
                error.source().map(root)
            } else {
                error.source()
            };
        }
        self
    }
}

/// Tells whether an error is that of the network, itself or passed on.
fn is_network(error: &(dyn Error + 'static)) -> bool {
    let fetched = || match error.downcast_ref()? {
        FetchError::Access(access) => Some(access),
        _ => None,
    };
    let pushed = || match error.downcast_ref()? {
        PushError::Access(access) => Some(access),
        _ => None,
    };
    let access = error.downcast_ref().or_else(fetched).or_else(pushed);
    matches!(access, Some(AccessError::Network { .. }))
}

/// Follows the sources of `error` to the last.
fn root<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
