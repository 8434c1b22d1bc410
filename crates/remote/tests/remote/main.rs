//! The client against a small registry of the tests, which records what it is asked and fails as it is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod auth;
mod faults;
mod fixture;
mod lists;
mod manifests;
mod pull;
mod push;
mod reach;
mod registry;
mod server;
