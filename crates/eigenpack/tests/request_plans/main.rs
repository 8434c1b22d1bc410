//! The requests, connections and waits of each use case against a registry, counted by the registry.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

mod copies;
mod failures;
mod many;
mod observers;
mod place;
mod stored;
mod table;
