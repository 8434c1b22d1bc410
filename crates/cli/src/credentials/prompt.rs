//! Asking somebody at the terminal.

use std::io::{self, BufRead as _, Read as _};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::stderr::say;

/// The longest secret or line that is read, in bytes.
pub(super) const MAX_LENGTH: u64 = 64 * 1024;

/// Whether what is typed is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Yes,
    No,
}

/// Asks for a line, without the line break at its end.
///
/// When this is dropped, as it is on Ctrl-C, the terminal is as it was before.
pub(crate) async fn ask(prompt: &str, shown: Shown) -> Result<String, Failure> {
    let unusable = |error: io::Error| {
        Failure::new(ExitCode::Input, "terminal", "cannot ask at the terminal")
            .caused_by(&error)
            .hint("pipe the password in: --username NAME --password-stdin")
    };
    let mut line = Line::begin(shown).map_err(unusable)?;
    say(prompt);
    let text = tokio::task::spawn_blocking(read_line)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("reading was cancelled")))
        .map_err(unusable)?;
    line.ended = text.ends_with('\n');
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn read_line() -> io::Result<String> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(MAX_LENGTH);
    stdin.read_until(b'\n', &mut line)?;
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

/// A line that somebody is typing.
struct Line {
    hidden: Option<Hidden>,
    /// Whether the cursor is at the start of the next line.
    ended: bool,
}

impl Line {
    fn begin(shown: Shown) -> io::Result<Self> {
        let hidden = match shown {
            Shown::Yes => None,
            Shown::No => Some(Hidden::begin()?),
        };
        Ok(Self {
            hidden,
            ended: false,
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hidden.take();
        if !self.ended {
            say("\n");
        }
    }
}

/// The terminal while it does not show what is typed, apart from the line break; it shows it again on drop.
#[cfg(unix)]
struct Hidden {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Hidden {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // If this fails, there is no terminal any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn begin() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "what is typed cannot be hidden on this system",
        ))
    }
}
