//! One account at a registry: its credential, the tokens that this got us, and who waits for one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eigenpack_oci::distribution::{
    AuthFailure, AuthFlow, Authorization, BearerChallenge, Credential, ScopeSet,
    without_control_characters,
};
use eigenpack_oci::{RegistryAnswer, UsedCredentials};
use tokio::time::Instant;
use url::Url;

use crate::credentials::{CredentialSource, Found};

/// How long the memory of a token that ended, and of one that was not given, is of use: an operation may go on for that long.
const USEFUL: Duration = Duration::from_hours(1);

/// One account at a registry.
#[derive(Debug)]
pub(crate) struct Account {
    found: Credential,
    used: Option<UsedCredentials>,
    state: Mutex<State>,
    flights: Mutex<Flights>,
    /// When its credential was looked for again, because it was refused, and was still the same.
    pub(crate) still_the_same: tokio::sync::Mutex<Option<Instant>>,
}

type Flights = BTreeMap<ScopeSet, Flight>;

/// Whoever holds it is getting a token; the last failure is left there for those who waited for it.
pub(crate) type Flight = Arc<tokio::sync::Mutex<Option<(Instant, Refusal)>>>;

/// Why a challenge could not be answered.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) failure: AuthFailure,
    /// What the token service said, where it was it that refused.
    pub(crate) token_service: Option<RegistryAnswer>,
}

#[derive(Debug)]
struct State {
    /// An identity token may be replaced.
    credential: Credential,
    grants: Vec<Grant>,
}

/// A header that the registry accepts.
#[derive(Clone, Debug)]
struct Grant {
    header: Authorization,
    /// For what it is good; `None` for everything.
    scopes: Option<ScopeSet>,
    /// Until when it is used, and how to get the next one; `None` where it does not end.
    renewal: Option<Renewal>,
}

/// When and how a token is renewed.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    pub(crate) due: Instant,
    /// The challenge that the token answered, and by whom it was made.
    pub(crate) challenge: BearerChallenge,
    pub(crate) asked_by: Url,
}

/// What there is for a request.
pub(crate) enum Held {
    /// A header that will do.
    Header(Authorization),
    /// A token that would have done, were it not at its end.
    Ended(Renewal),
    Nothing,
}

impl Account {
    pub(crate) fn new(found: Found) -> Self {
        Self {
            used: used(&found),
            found: found.credential.clone(),
            state: Mutex::new(State {
                credential: found.credential,
                grants: Vec::new(),
            }),
            flights: Mutex::default(),
            still_the_same: tokio::sync::Mutex::default(),
        }
    }

    /// Returns what was found, before any of it was replaced.
    pub(crate) fn found(&self) -> &Credential {
        &self.found
    }

    /// Says whose credentials these are; `None` where there are none.
    pub(crate) fn used(&self) -> Option<&UsedCredentials> {
        self.used.as_ref()
    }

    pub(crate) fn credential(&self) -> Credential {
        lock(&self.state).credential.clone()
    }

    /// Returns what of it must not be shown: an identity token that was replaced may still be known to somebody.
    pub(crate) fn secrets(&self) -> [Credential; 2] {
        [self.found.clone(), self.credential()]
    }

    /// Returns the place where those who need a token for `scopes` wait for each other.
    pub(crate) fn flight(&self, scopes: &ScopeSet) -> Flight {
        let mut flights = lock(&self.flights);
        let flight = Arc::clone(flights.entry(scopes.clone()).or_default());
        drop_landed(&mut flights, Instant::now());
        flight
    }

    /// Returns what there is for `scopes`.
    pub(crate) fn held(&self, scopes: &ScopeSet) -> Held {
        let now = Instant::now();
        let mut ended = Held::Nothing;
        for grant in &lock(&self.state).grants {
            if grant.scopes.as_ref().is_some_and(|s| !s.covers(scopes)) {
                continue;
            }
            match &grant.renewal {
                Some(renewal) if renewal.due <= now => ended = Held::Ended(renewal.clone()),
                _ => return Held::Header(grant.header.clone()),
            }
        }
        ended
    }

    /// Drops a header that was refused.
    pub(crate) fn forget(&self, refused: &Authorization) {
        lock(&self.state).grants.retain(|g| g.header != *refused);
    }

    /// Keeps what a flow got, for other requests.
    pub(crate) fn keep(
        &self,
        flow: &AuthFlow,
        header: &Authorization,
        renewal: Option<Renewal>,
        now: Instant,
    ) {
        let mut state = lock(&self.state);
        drop_useless(&mut state.grants, now);
        state.credential = flow.credential().clone();
        let scopes = flow.token().map(|_| flow.scopes().clone());
        state.grants.retain(|old| match (&scopes, &old.scopes) {
            (Some(new), Some(old)) => !new.covers(old),
            (None, _) => false,
            (Some(_), None) => true,
        });
        state.grants.push(Grant {
            header: header.clone(),
            scopes,
            renewal,
        });
    }
}

/// Drops the tokens that ended long ago; renewing one that ended of late saves the request that would be refused.
fn drop_useless(grants: &mut Vec<Grant>, now: Instant) {
    grants.retain(|grant| match &grant.renewal {
        Some(renewal) => now.saturating_duration_since(renewal.due) < USEFUL,
        None => true,
    });
}

/// Drops the flights that nobody is in, unless somebody may still come who is to be told how the last one failed.
fn drop_landed(flights: &mut Flights, now: Instant) {
    // Nobody gets hold of one while the map is locked.
    flights.retain(|_, flight| match flight.try_lock() {
        Ok(failure) if Arc::strong_count(flight) == 1 => failure
            .as_ref()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) < USEFUL),
        _ => true,
    });
}

fn used(found: &Found) -> Option<UsedCredentials> {
    let username = match &found.credential {
        Credential::Anonymous => return None,
        Credential::Basic { username, .. } => Some(without_control_characters(username)),
        Credential::IdentityToken(_) | Credential::RegistryToken(_) => None,
    };
    let source = match &found.source {
        CredentialSource::Given => None,
        other => Some(without_control_characters(&other.to_string())),
    };
    Some(UsedCredentials { username, source })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use eigenpack_oci::distribution::{AuthStep, Challenge};

    use super::*;

    fn scopes(number: u32) -> ScopeSet {
        ScopeSet::parse(&format!("repository:a/{number}:pull"))
    }

    fn account() -> Account {
        Account::new(Found::nothing())
    }

    /// Keeps a token that is due at the same moment.
    fn keep_token(account: &Account, number: u32, now: Instant) {
        let url: Url = "https://registry.example/v2/".parse().unwrap();
        let challenge = BearerChallenge {
            realm: "https://registry.example/token".to_owned(),
            service: None,
            scopes: scopes(number),
            error: None,
        };
        let mut flow = AuthFlow::new(url.clone(), Credential::Anonymous, scopes(number));
        flow.refused(401, &url, &[Challenge::Bearer(challenge.clone())]);
        let answer = format!(r#"{{"token":"t{number}"}}"#);
        let AuthStep::Retry(header) = flow.token_answered(200, answer.as_bytes()) else {
            panic!("no token")
        };
        let renewal = Renewal {
            due: now,
            challenge,
            asked_by: url,
        };
        account.keep(&flow, &header, Some(renewal), now);
    }

    #[test]
    fn tokens_are_dropped_some_time_after_their_end() {
        let account = account();
        let now = Instant::now();
        for number in 0..10 {
            keep_token(&account, number, now);
        }
        assert!(matches!(account.held(&scopes(3)), Held::Ended(_)));
        keep_token(&account, 10, now + USEFUL / 2);
        assert_eq!(lock(&account.state).grants.len(), 11);
        keep_token(&account, 11, now + USEFUL);
        assert_eq!(lock(&account.state).grants.len(), 2);
        assert!(matches!(account.held(&scopes(3)), Held::Nothing));
    }

    #[test]
    fn flights_that_nobody_is_in_are_dropped() {
        let account = account();
        let held = account.flight(&scopes(0));
        for number in 1..10 {
            drop(account.flight(&scopes(number)));
        }
        assert_eq!(lock(&account.flights).len(), 2);
        assert!(Arc::ptr_eq(&held, &account.flight(&scopes(0))));

        // A failure is told to those who come later, for a time.
        let failure = Refusal {
            failure: AuthFailure::Denied,
            token_service: None,
        };
        let now = Instant::now();
        *held.try_lock().unwrap() = Some((now, failure));
        drop(held);
        let mut flights = lock(&account.flights);
        drop_landed(&mut flights, now + USEFUL / 2);
        assert_eq!(flights.len(), 1);
        drop_landed(&mut flights, now + USEFUL);
        assert_eq!(flights.len(), 0);
    }
}
