//! The accounts that a registry is used with: who we are there, and the tokens that this got us.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eigenpack_oci::distribution::{
    AuthFailure, AuthFlow, Authorization, BearerChallenge, Credential, ScopeSet,
    without_control_characters,
};
use eigenpack_oci::{RegistryAnswer, RegistryHost, Repository, UsedCredentials};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use crate::credentials::{CredentialError, CredentialProvider, CredentialSource, Found};

/// Who a registry's repositories are used as, asked for once each.
///
/// Repositories may have credentials of their own, so tokens belong to an account and not to the registry: what one account
/// got is never sent for another.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    provider: Option<Arc<dyn CredentialProvider>>,
    by_repository: Mutex<HashMap<Option<Repository>, Slot>>,
    all: Mutex<Vec<Arc<Account>>>,
}

type Slot = Arc<OnceCell<Arc<Account>>>;

/// One account at a registry.
#[derive(Debug)]
pub(crate) struct Account {
    found: Credential,
    used: Option<UsedCredentials>,
    state: Mutex<State>,
    flights: Mutex<BTreeMap<ScopeSet, Flight>>,
}

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

impl Accounts {
    pub(crate) fn new(provider: Option<Arc<dyn CredentialProvider>>) -> Self {
        Self {
            provider,
            ..Self::default()
        }
    }

    /// Tells whether the registry has demanded credentials before.
    pub(crate) fn any(&self) -> bool {
        !lock(&self.all).is_empty()
    }

    /// Returns the account of a repository. Those who ask for the same together wait for one search.
    pub(crate) async fn find(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
    ) -> Result<Arc<Account>, CredentialError> {
        let slot = Arc::clone(
            lock(&self.by_repository)
                .entry(repository.cloned())
                .or_default(),
        );
        let account = slot.get_or_try_init(|| self.look_up(host, repository));
        Ok(Arc::clone(account.await?))
    }

    async fn look_up(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
    ) -> Result<Arc<Account>, CredentialError> {
        let found = match &self.provider {
            Some(provider) => provider.find(host, repository).await?,
            None => Found::nothing(),
        };
        tracing::debug!(%host, source = %found.source, "credentials");
        let mut all = lock(&self.all);
        // The same credential is the same account, for whichever repository it was found.
        let same = all.iter().find(|a| a.found == found.credential);
        if let Some(account) = same {
            return Ok(Arc::clone(account));
        }
        let account = Arc::new(Account::new(found));
        all.push(Arc::clone(&account));
        Ok(account)
    }
}

impl Account {
    fn new(found: Found) -> Self {
        Self {
            used: used(&found),
            found: found.credential.clone(),
            state: Mutex::new(State {
                credential: found.credential,
                grants: Vec::new(),
            }),
            flights: Mutex::default(),
        }
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
        Arc::clone(lock(&self.flights).entry(scopes.clone()).or_default())
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
    pub(crate) fn keep(&self, flow: &AuthFlow, header: &Authorization, renewal: Option<Renewal>) {
        let mut state = lock(&self.state);
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
