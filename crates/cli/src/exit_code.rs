//! The exit codes, which scripts rely on.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done.
    Done = 0,
    /// The answer is no: an invalid spec, a failed verification, another digest than expected.
    No = 1,
    /// Wrong usage, a bad reference.
    Usage = 2,
    /// Bad input or configuration.
    Input = 3,
    /// What was asked for is not there.
    NotFound = 4,
    /// Authentication or authorisation failed.
    Access = 5,
    /// The network or the registry failed; trying again may help.
    Network = 6,
    /// A tag would move.
    Conflict = 7,
    /// A fault in this program.
    Bug = 70,
    /// Its terminal is gone (SIGHUP).
    HungUp = 129,
    /// Interrupted by the user (SIGINT).
    Interrupted = 130,
    /// Told to end (SIGTERM).
    Terminated = 143,
}

impl ExitCode {
    /// Tells whether somebody did not want to wait for the end.
    pub(crate) fn is_interruption(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
