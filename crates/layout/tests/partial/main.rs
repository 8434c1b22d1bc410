//! Large blobs that did not arrive whole: what is left of them, and who goes on with it.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod copies;
mod fixture;
mod given_up;
mod resumed;
mod swept;
