//! The clock, which tells when an artifact was made.

use std::time::{SystemTime, UNIX_EPOCH};

use eigenruntime::Created;

/// Reads the clock, to the second; nothing where it is set to a time that cannot be written.
pub(crate) fn now() -> Option<Created> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Created::from_unix_seconds(i64::try_from(since_epoch.as_secs()).ok()?).ok()
}
