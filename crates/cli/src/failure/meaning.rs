//! What an error means to a user, before it is said of what.

use super::Failure;
use crate::exit_code::ExitCode;

/// How an error is shown, whatever failed by it.
pub(super) struct Meaning {
    exit: ExitCode,
    code: &'static str,
    hint: Option<String>,
}

impl Meaning {
    pub(super) fn new(exit: ExitCode, code: &'static str) -> Self {
        Self {
            exit,
            code,
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what failed, on what.
    pub(super) fn said(self, message: String) -> Failure {
        let failure = Failure::new(self.exit, self.code, message);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
