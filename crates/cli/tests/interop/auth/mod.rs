//! Credentials: those that users already have, at registries of others, and those that we store, in the hands of others.
//!
//! Debian's registry is guarded by an htpasswd file or by a token server of these tests, over http and over TLS.

mod certificates;
mod guarded;
mod holdings;
mod jwt;
mod token_server;

mod expiry;
mod logins;
mod our_logins;
mod refusals;
mod secrets;
mod serve;
mod sources;

/// The one account that there is.
const USER: &str = "alice";
const PASSWORD: &str = "c0rrect horse: battery";
/// What the token server takes instead of the password.
const IDENTITY: &str = "1dentity-t0ken-of-alice";

/// What `htpasswd -nbB -C 4` printed for the account.
const HTPASSWD: &str = "alice:$2y$04$davKi3Uy9EgV5YjiPHDaNe4nWp0FpzOp5Dx99qDMpPn4ip3oM/wge\n";
