//! Who is let in: Basic authentication (RFC 7617) of each request.
//!
//! A check of a password is slow, as it has to be. So checks run on threads of their own, only a few at once, and a
//! password that was found right is recognised by a hash of it from then on.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eigenpack_oci::distribution::ErrorCode;
use eigenpack_oci::{Digest, Secret};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::htpasswd::Htpasswd;
use crate::refusal::Refusal;

/// Lets in those whom an htpasswd file lists.
pub(crate) struct Authenticator {
    accounts: HashMap<Box<str>, Account>,
    /// What an unknown user's password is checked against, so that the time tells nobody which users there are.
    decoy: Arc<str>,
    /// Bounds the checks that run at once, and leaves processors to the rest.
    checks: Arc<Semaphore>,
    /// Makes fingerprints worthless elsewhere.
    key: [u8; 32],
}

/// One user.
struct Account {
    hash: Arc<str>,
    /// The fingerprint of the password, once it was found right.
    verified: OnceLock<Digest>,
}

/// What a request says about who sends it.
struct Credentials {
    user: String,
    password: Secret<Vec<u8>>,
}

impl Authenticator {
    pub(crate) fn new(users: &Htpasswd) -> io::Result<Self> {
        let processors = available_parallelism().map_or(1, usize::from);
        let costliest = users.entries().max_by_key(|(_, entry)| entry.cost);
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self {
            accounts: users
                .entries()
                .map(|(name, entry)| (name.into(), Account::new(&entry.hash)))
                .collect(),
            decoy: costliest.map_or_else(Arc::default, |(_, entry)| (*entry.hash).into()),
            checks: Arc::new(Semaphore::new(processors.div_ceil(2))),
            key,
        })
    }

    /// Refuses a request that does not come from a user.
    pub(crate) async fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(unauthorized("this registry asks for credentials"));
        };
        let Some(credentials) = Credentials::parse(header) else {
            return Err(unauthorized(
                "the Authorization header is not that of Basic",
            ));
        };
        if self.knows(credentials).await {
            Ok(())
        } else {
            Err(unauthorized("the user name or the password is wrong"))
        }
    }

    async fn knows(&self, credentials: Credentials) -> bool {
        let Credentials { user, password } = credentials;
        let account = self.accounts.get(user.as_str());
        let fingerprint = account.map(|account| self.fingerprint(account, &password));
        let was_verified = || {
            account.is_some_and(|account| {
                account
                    .verified
                    .get()
                    .is_some_and(|known| Some(known) == fingerprint.as_ref())
            })
        };
        if was_verified() {
            return true;
        }
        let Ok(permit) = self.checks.clone().acquire_owned().await else {
            return false;
        };
        // While this request waited, another may have brought the same password.
        if was_verified() {
            return true;
        }
        let hash = account.map_or(&self.decoy, |account| &account.hash).clone();
        // The check holds its permit even if the request is dropped meanwhile: it goes on.
        let check = spawn_blocking(move || {
            let _permit = permit;
            bcrypt::verify(password.expose(), &hash).unwrap_or(false)
        });
        let matches = check.await.unwrap_or(false);
        let (Some(account), Some(fingerprint)) = (account, fingerprint) else {
            return false;
        };
        if matches {
            account.verified.get_or_init(|| fingerprint);
        }
        matches
    }

    fn fingerprint(&self, account: &Account, password: &Secret<Vec<u8>>) -> Digest {
        // Only the last part varies in length, so no two inputs read the same.
        Digest::sha256(&[&self.key, account.hash.as_bytes(), password.expose()].concat())
    }
}

impl Account {
    fn new(hash: &str) -> Self {
        Self {
            hash: hash.into(),
            verified: OnceLock::new(),
        }
    }
}

impl Credentials {
    fn parse(header: &HeaderValue) -> Option<Self> {
        let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        Some(Self {
            user: std::str::from_utf8(&decoded[..colon]).ok()?.to_owned(),
            password: Secret::new(decoded[colon + 1..].to_vec()),
        })
    }
}

fn unauthorized(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
        .header(WWW_AUTHENTICATE, r#"Basic realm="eigenpack""#)
}
