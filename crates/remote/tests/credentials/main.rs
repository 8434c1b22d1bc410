//! Where credentials are found and stored, with files and helper programs of the tests.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cache;
mod explain;
pub mod fuzz_targets;
mod helpers;
mod home;
mod hostile;
mod sources;
mod storing;
