//! `eigenpack` against what others wrote: their registries, their clients on our artifacts and at our registry, and the
//! OCI's tests of registries.
//!
//! Every test starts real processes on loopback, each with a home and a directory of its own, and ends them. The programs
//! are put in place by `.ci/install-peers`; one that is missing fails the test, since a skipped comparison looks just
//! like one that was made. Nothing here depends on how long anything takes, and everything has a limit.
#![expect(
    clippy::unwrap_used,
    reason = "a test's scenery has no caller that could handle an error"
)]

mod cutter;
mod everybody;
mod layouts;
mod program;
mod proxy;
mod published;
mod registry;
mod request_head;
mod sandbox;
mod specs;

mod auth;
mod broken_networks;
mod conformance;
mod others_publish;
mod others_read;
mod pull;
mod push;
mod second_registry;
mod serve_clients;
mod serve_images;
mod serve_restarts;
mod tampering;
