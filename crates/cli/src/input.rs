//! Reading a spec from a file or from stdin, and not more of it than a spec can have.

use std::fs::File;
use std::io::{self, Read as _};

use bytes::Bytes;
use eigenpack::spec::MAX_SPEC_BYTES;

use crate::context::Context;
use crate::failure::Failure;

/// The name that means stdin.
pub(crate) const STDIN: &str = "-";

/// Reads a spec; `-` is stdin. One byte more than a spec may have is enough to know that it is too large.
pub(crate) fn read_spec(path: &str, context: &Context) -> Result<Bytes, Failure> {
    let limit = MAX_SPEC_BYTES as u64 + 1;
    let mut spec = Vec::new();
    let read = if path == STDIN {
        if context.environment.terminal.on_stdin {
            context.status("reading the spec from the terminal; end it with Ctrl-D");
        }
        io::stdin().lock().take(limit).read_to_end(&mut spec)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut spec))
    };
    read.map_err(|error| Failure::file("read", shown_name(path), &error))?;
    Ok(spec.into())
}

/// Returns how the input is called in messages.
pub(crate) fn shown_name(path: &str) -> &str {
    if path == STDIN { "<stdin>" } else { path }
}
