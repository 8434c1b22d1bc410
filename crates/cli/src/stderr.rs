//! Saying things on stderr.

use std::fmt;
use std::io::{self, Write as _};

use crate::render::clean;

/// Writes text as it is. If that fails there is nowhere left to say so.
pub(crate) fn say(text: impl fmt::Display) {
    let _ = write!(io::stderr().lock(), "{text}");
}

/// Warns of something that should be looked at, whether status is wanted or not.
pub(crate) fn warn(text: impl fmt::Display) {
    say(format_args!("warning: {}\n", clean(&text.to_string())));
}
