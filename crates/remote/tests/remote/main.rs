//! The client against our own registry, which records what it is asked and fails as it is told.
//!
//! Where a test needs answers that no registry of ours gives, it has a scripted server of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod auth;
mod authority;
mod chunks;
mod concurrency;
mod cutter;
mod echoed;
mod embedded;
mod fault_matrix;
mod faults;
mod fixture;
mod front;
mod guarded;
mod hostile_auth;
mod http2;
mod lists;
mod manifests;
mod notices;
mod pull;
mod push;
mod quirks;
mod reach;
mod refusals;
mod registry;
mod routes;
mod server;
mod stage;
mod tls;
mod transfers;
