//! The command line as a user meets it: what is printed, where, and how it ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

#[cfg(unix)]
mod configuration;
mod connection;
mod copy;
mod gc;
mod harness;
mod help;
#[cfg(unix)]
mod interrupted;
mod local;
#[cfg(unix)]
mod login;
mod pull;
mod push;
mod serve;
#[cfg(unix)]
mod serve_full;
mod serve_limits;
mod serve_secured;
mod show;
mod usage;
mod validate;
