//! The server over both its stores: through our own client, and byte by byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authentication;
mod connections;
mod contract;
mod crowds;
mod durable;
mod fault_plans;
mod faults;
mod fixture;
mod held;
mod hostile_paths;
mod limits;
mod lists;
mod long_lists;
mod manifests;
mod paths;
mod races;
mod slow_clients;
mod tls;
mod uploads;
