//! A secret that comes from a pipe.

use std::io::{self, Read as _};

use eigenpack::oci::Secret;

use super::prompt::MAX_LENGTH;
use crate::failure::Failure;

/// Reads all of stdin as a secret. On a thread of its own, so that an interruption is heard.
pub(super) async fn read_secret(what: &'static str) -> Result<Secret<String>, Failure> {
    let bytes = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        let mut stdin = io::stdin().lock().take(MAX_LENGTH + 1);
        stdin.read_to_end(&mut bytes).map(|_| bytes)
    })
    .await
    .unwrap_or_else(|_| Err(io::Error::other("reading was cancelled")))
    .map_err(|error| Failure::file("read", "<stdin>", &error))?;
    secret_of(bytes, what)
}

/// Takes one line break off the end, which `echo` and editors put there.
fn secret_of(bytes: Vec<u8>, what: &str) -> Result<Secret<String>, Failure> {
    if bytes.len() as u64 > MAX_LENGTH {
        let problem = format!("has more than {MAX_LENGTH} bytes");
        return Err(Failure::bad_secret(what, &problem));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|_| Failure::bad_secret(what, "is not UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(Failure::empty_secret(what));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_is_left_out() {
        let read = |text: &str| {
            let secret = secret_of(text.into(), "password").unwrap();
            secret.expose().clone()
        };
        assert_eq!(read("a b"), "a b");
        assert_eq!(read("a\n"), "a");
        assert_eq!(read("a\r\n"), "a");
        assert_eq!(read("a\n\n"), "a\n");
        assert_eq!(read(" a\r"), " a\r");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let long = vec![b'a'; usize::try_from(MAX_LENGTH).unwrap() + 1];
        for bytes in [&b""[..], b"\n", b"\r\n", b"\xff", &long] {
            assert!(secret_of(bytes.to_vec(), "password").is_err(), "{bytes:?}");
        }
    }
}
