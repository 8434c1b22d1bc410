//! What must hold whatever the input: one function for each fuzz target, named as it.
//!
//! The tests of the crates that have the parsers include these files and run the same functions on input of their own, so
//! that they are run by every `cargo test`, without a fuzzer.

pub mod credentials;
pub mod protocol;
pub mod spec;
