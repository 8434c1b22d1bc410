//! `eigenpack` as a process that dies, and beside other processes: what it acknowledged is never lost.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

mod client;
mod downloads;
mod garbage;
mod killed;
mod server;
mod store_on_disk;
