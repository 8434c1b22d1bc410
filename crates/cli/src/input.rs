//! Reading what the user names, and not more of it than it can have.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;
use eigenpack::spec::MAX_SPEC_BYTES;

use crate::context::Context;
use crate::failure::Failure;

/// The largest file of settings, users, certificates or keys that is read, in bytes; what is larger is none of these.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// The name that means stdin.
pub(crate) const STDIN: &str = "-";

/// Reads a spec; `-` is stdin.
///
/// A pipe or a terminal can let one wait for ever, so it is read on a thread of its own, and an interruption is heard.
pub(crate) async fn read_spec(path: &str, context: &Context) -> Result<Bytes, Failure> {
    if path == STDIN && context.environment.terminal.on_stdin {
        context.status("reading the spec from the terminal; end it with Ctrl-D");
    }
    let name = path.to_owned();
    on_a_thread(move || read(&name))
        .await
        .map_err(|error| Failure::file("read", shown_name(path), &error))
}

/// Does on a thread of its own what may wait for a pipe or a terminal.
pub(crate) async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let failed = match tokio::task::spawn_blocking(work).await {
        Ok(result) => return result,
        Err(failed) => failed,
    };
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The program is ending, and nobody waits for this any more.
        Err(_) => std::future::pending().await,
    }
}

/// Reads one byte more than a spec may have, which is enough to know that it is too large.
fn read(path: &str) -> io::Result<Bytes> {
    let limit = MAX_SPEC_BYTES as u64 + 1;
    let mut spec = Vec::new();
    if path == STDIN {
        io::stdin().lock().take(limit).read_to_end(&mut spec)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut spec)?;
    }
    Ok(spec.into())
}

/// Reads a file that is not large, to its end.
pub(crate) fn read_capped(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut file = File::open(path)?.take(MAX_FILE_SIZE + 1);
    if file.read_to_end(&mut content)? as u64 > MAX_FILE_SIZE {
        let message = format!("it has more than {MAX_FILE_SIZE} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(content)
}

/// Reads the file of users, certificates or keys that stands after a flag.
pub(crate) fn read_file(flag: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    read_capped(path).map_err(|error| {
        let hint = format!("check the path after {flag}, and that this user may read it");
        Failure::file("read", &path.display().to_string(), &error).hint(hint)
    })
}

/// Returns how the input is called in messages.
pub(crate) fn shown_name(path: &str) -> &str {
    if path == STDIN { "<stdin>" } else { path }
}
