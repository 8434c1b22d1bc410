//! The authorisation of requests: with what is there already, else with what a challenge demands.

use std::sync::Arc;

use eigenpack_oci::distribution::{
    AuthFailure, AuthFlow, AuthStep, Authorization, BearerChallenge, Challenge, ScopeSet,
    parse_challenges,
};
use eigenpack_oci::{AccessError, AnsweredBy, Asked};
use tokio::time::Instant;
use url::Url;

use crate::account::{Account, Held, Refusal, Renewal};
use crate::answer::Answer;
use crate::connection::Connection;
use crate::credentials::CredentialError;
use crate::deadline::Deadline;
use crate::mask::Mask;
use crate::needs::Needs;

/// How often one request takes a token that another one got: such a token may have been got for less, or be refused too.
const MAX_BORROWED: u32 = 2;

/// What the message of a 403 has in it where credentials have ended.
const ENDED: &str = "token has expired";

/// The authorisation of one attempt at a request.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    connection: &'a Connection,
    needs: &'a Needs,
    account: Option<Arc<Account>>,
    header: Option<Authorization>,
    /// The headers that were refused, which whoever got them still knows.
    refused: Vec<Authorization>,
    flow: Option<AuthFlow>,
    borrowed: u32,
    /// Whether the account was looked for again, because its credentials were refused.
    looked_again: bool,
    /// Since when it is wanted: what was refused from then on is refused to it too.
    asked_for: Instant,
    deadline: Deadline,
}

/// A 401: what it demands, and by whom.
struct Demand {
    challenges: Vec<Challenge>,
    asked_by: Url,
}

impl<'a> Attempt<'a> {
    /// Starts with what is there. Credentials are looked for only if the registry has demanded some before, and a token that
    /// is at its end is renewed now: whoever sends a large body learns too late that it was.
    pub(crate) async fn new(
        connection: &'a Connection,
        needs: &'a Needs,
        asked_for: Instant,
        deadline: Deadline,
    ) -> Self {
        let mut attempt = Self {
            connection,
            needs,
            account: None,
            header: None,
            refused: Vec::new(),
            flow: None,
            borrowed: 0,
            looked_again: false,
            asked_for,
            deadline,
        };
        // Whatever goes wrong here is left to the registry's next challenge.
        if connection.accounts.any()
            && let Ok(account) = attempt.find_account().await
        {
            attempt.header = attempt.start_with(&account).await;
        }
        attempt
    }

    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_ref().map(Authorization::header_value)
    }

    /// Returns what of the request must not be shown.
    pub(crate) fn mask(&self) -> Mask {
        match &self.account {
            Some(account) => {
                let sent = self.refused.iter().chain(&self.header);
                Mask::new(account.secrets(), sent.map(Authorization::header_value))
            }
            None => Mask::default(),
        }
    }

    /// Says what is asked, and as whom.
    pub(crate) fn asked(&self) -> Asked {
        let account = self.account.as_ref().filter(|_| self.header.is_some());
        Asked {
            registry: self.connection.host.to_string(),
            repository: self.needs.repository.as_ref().map(ToString::to_string),
            action: self.needs.action,
            credentials: account.and_then(|account| account.used().cloned()),
            missing_scope: None,
            answered_by: AnsweredBy::Registry,
        }
    }

    async fn find_account(&mut self) -> Result<Arc<Account>, AccessError> {
        // A flow goes on as whoever began it.
        if let Some(account) = self.account.as_ref().filter(|_| self.flow.is_some()) {
            return Ok(Arc::clone(account));
        }
        let Connection { host, accounts, .. } = self.connection;
        let repository = self.needs.repository.as_ref();
        let found = accounts.find(host, repository, self.asked_for).await;
        let account = found.map_err(|error| self.without_credentials(error))?;
        self.account = Some(Arc::clone(&account));
        Ok(account)
    }

    /// Looks once more for credentials where those of an account are refused, and goes on with others if there are any.
    async fn find_other(
        &mut self,
        refused: &Arc<Account>,
    ) -> Result<Option<Arc<Account>>, AccessError> {
        if std::mem::replace(&mut self.looked_again, true) {
            return Ok(None);
        }
        let Connection { host, accounts, .. } = self.connection;
        let repository = self.needs.repository.as_ref();
        let found = accounts.find_other(host, repository, refused, self.asked_for);
        let other = found
            .await
            .map_err(|error| self.without_credentials(error))?;
        if let Some(other) = &other {
            self.account = Some(Arc::clone(other));
            self.flow = None;
        }
        Ok(other)
    }

    fn without_credentials(&self, error: CredentialError) -> AccessError {
        AccessError::Credentials {
            registry: self.connection.host.to_string(),
            source: Box::new(error),
        }
    }

    /// Returns the header that is there, after whoever is getting one has got it.
    async fn start_with(&self, account: &Account) -> Option<Authorization> {
        let scopes = &self.needs.scopes;
        if let Held::Header(header) = account.held(scopes) {
            return Some(header);
        }
        let flight = account.flight(scopes);
        let _alone = flight.lock().await;
        match account.held(scopes) {
            Held::Header(header) => Some(header),
            Held::Ended(Renewal {
                challenge,
                asked_by,
                ..
            }) => {
                let challenges = vec![Challenge::Bearer(challenge)];
                let demand = Demand {
                    challenges,
                    asked_by,
                };
                let mut flow = self.flow(account, scopes.clone());
                self.follow(account, &mut flow, &demand).await.ok()?.ok()
            }
            Held::Nothing => None,
        }
    }

    /// Takes a 401 of the registry itself. The request is to be sent again, or the error says why not.
    pub(crate) async fn challenged(&mut self, answer: &Answer) -> Result<(), AccessError> {
        let account = self.find_account().await?;
        let Err(refusal) = self.answer_as(&account, answer).await? else {
            return Ok(());
        };
        if refusal.failure == AuthFailure::CredentialsRejected
            && let Some(other) = self.find_other(&account).await?
        {
            let answered = self.answer_as(&other, answer).await?;
            return answered.map_err(|refusal| self.error(answer, &other, refusal));
        }
        Err(self.error(answer, &account, refusal))
    }

    /// Takes a 403 of the registry itself, and tells whether the request is to be sent again: where it is the answer to
    /// credentials that have ended, as it is at Amazon's registries, and there are others. They get a challenge then.
    pub(crate) async fn denied(&mut self, answer: &Answer) -> Result<bool, AccessError> {
        let account = self.account.clone().filter(|_| self.header.is_some());
        match account {
            Some(account) if answer.errors().mentions(ENDED) => {
                let other = self.find_other(&account).await?;
                self.header = self.header.take().filter(|_| other.is_none());
                Ok(other.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Answers a 401 as an account: there is a header to send then, or a reason why not.
    async fn answer_as(
        &mut self,
        account: &Arc<Account>,
        answer: &Answer,
    ) -> Result<Result<(), Refusal>, AccessError> {
        let refused = self.header.take();
        if let Some(refused) = &refused {
            account.forget(refused);
            self.refused.push(refused.clone());
        }
        let demand = Demand {
            challenges: parse_challenges(answer.headers.all("www-authenticate")),
            asked_by: answer.url.clone(),
        };
        // One at a time, so that requests that are refused together share one token, or the reason why there is none.
        let flight = account.flight(&self.needs.scopes);
        let mut last_failure = flight.lock().await;
        if self.flow.is_none() {
            if self.borrowed < MAX_BORROWED
                && let Held::Header(other) = account.held(&self.needs.scopes)
            {
                self.borrowed += 1;
                self.header = Some(other);
                return Ok(Ok(()));
            }
            if let Some((at, refusal)) = &*last_failure
                && *at >= self.asked_for
            {
                return Ok(Err(refusal.clone()));
            }
        }
        let outcome = match self.flow.take() {
            Some(mut flow) => {
                let outcome = self.follow(account, &mut flow, &demand).await?;
                self.flow = Some(flow);
                outcome
            }
            None => self.begin(account, &demand).await?,
        };
        match outcome {
            // The same again would be refused again.
            Ok(header) if refused.as_ref() != Some(&header) => {
                self.header = Some(header);
                Ok(Ok(()))
            }
            outcome => {
                account_forgets(account, &outcome);
                let refusal = outcome.err().unwrap_or(Refusal {
                    failure: AuthFailure::CredentialsRejected,
                    token_service: None,
                });
                *last_failure = Some((Instant::now(), refusal.clone()));
                Ok(Err(refusal))
            }
        }
    }

    /// Answers the first challenge, with one token for all of the operation where one account does all of it.
    async fn begin(
        &mut self,
        account: &Arc<Account>,
        demand: &Demand,
    ) -> Result<Result<Authorization, Refusal>, AccessError> {
        let own = &self.needs.scopes;
        let mut all = own.clone();
        for (repository, scopes) in &self.needs.beside {
            let connection = self.connection;
            let other = connection
                .accounts
                .find(&connection.host, Some(repository), self.asked_for)
                .await;
            if other.is_ok_and(|other| Arc::ptr_eq(&other, account)) {
                all.merge(scopes);
            }
        }
        let mut flow = self.flow(account, all.clone());
        let mut outcome = self.follow(account, &mut flow, demand).await?;
        let by_token_service = matches!(&outcome, Err(refusal) if refusal.token_service.is_some());
        if by_token_service && all != *own {
            // Some services give nothing where they would not give all.
            flow = self.flow(account, own.clone());
            outcome = self.follow(account, &mut flow, demand).await?;
        }
        self.flow = Some(flow);
        Ok(outcome)
    }

    fn flow(&self, account: &Account, scopes: ScopeSet) -> AuthFlow {
        let connection = self.connection;
        AuthFlow::new(connection.base.clone(), account.credential(), scopes)
            .with_plain_http(connection.plain_hosts.clone())
    }

    /// Does what a flow says until there is a header or none can be had.
    async fn follow(
        &self,
        account: &Account,
        flow: &mut AuthFlow,
        demand: &Demand,
    ) -> Result<Result<Authorization, Refusal>, AccessError> {
        let mut step = flow.refused(401, &demand.asked_by, &demand.challenges);
        let mut token_service = None;
        let mut requested = Instant::now();
        loop {
            match step {
                AuthStep::Retry(header) => {
                    let renewal = renewal(flow, requested, demand);
                    account.keep(flow, &header, renewal, Instant::now());
                    return Ok(Ok(header));
                }
                AuthStep::RequestToken(request) => {
                    let mask = self.mask();
                    let host = request.url().host_str().map(|host| mask.hide(host));
                    let scopes = mask.hide(&flow.scopes().to_string());
                    tracing::debug!(host, scopes, "asking for a token");
                    requested = Instant::now();
                    let asked = Asked {
                        credentials: account.used().cloned(),
                        ..self.asked()
                    };
                    let reply =
                        self.connection
                            .ask_for_token(&request, &asked, &mask, self.deadline);
                    let reply = reply.await?;
                    step = flow.token_answered(reply.status, &reply.body);
                    token_service = Some(reply.quoted);
                }
                AuthStep::GiveUp(failure) => {
                    return Ok(Err(Refusal {
                        failure,
                        token_service,
                    }));
                }
            }
        }
    }

    /// Says why a request is not authorised.
    fn error(&self, answer: &Answer, account: &Account, refusal: Refusal) -> AccessError {
        let by_registry = || {
            let mut quoted = answer.quoted();
            quoted.asked.credentials = account.used().cloned();
            Box::new(quoted)
        };
        let mut quoted = refusal.token_service.map_or_else(by_registry, Box::new);
        let mask = self.mask();
        match refusal.failure {
            AuthFailure::CredentialsRequired | AuthFailure::CredentialsRejected => {
                AccessError::Unauthenticated(quoted)
            }
            AuthFailure::TokenTooNarrow { missing } => {
                quoted.asked.missing_scope = Some(mask.hide(&self.needs.lacking(&missing)));
                AccessError::Denied(quoted)
            }
            AuthFailure::Denied => AccessError::Denied(quoted),
            AuthFailure::TokenService { status: 429, .. } => AccessError::RateLimited(quoted),
            AuthFailure::TokenService { .. } => AccessError::Registry(quoted),
            AuthFailure::Token { error, .. } => {
                quoted.message = Some(error.to_string());
                AccessError::Registry(quoted)
            }
            AuthFailure::NoKnownChallenge if account.used().is_none() => {
                quoted
                    .message
                    .get_or_insert_with(|| AuthFailure::NoKnownChallenge.to_string());
                AccessError::Unauthenticated(quoted)
            }
            other => AccessError::Refused {
                host: quoted.host,
                reason: mask.hide(&other.to_string()),
            },
        }
    }
}

/// Drops a header that was just got and is known to be refused.
fn account_forgets(account: &Account, outcome: &Result<Authorization, Refusal>) {
    if let Ok(header) = outcome {
        account.forget(header);
    }
}

/// Returns when the token that a flow got is to be renewed, and how.
fn renewal(flow: &AuthFlow, requested: Instant, demand: &Demand) -> Option<Renewal> {
    let token = flow.token()?;
    let bearer = |challenge: &Challenge| match challenge {
        Challenge::Bearer(bearer) => Some(bearer.clone()),
        _ => None,
    };
    let challenge: BearerChallenge = demand.challenges.iter().find_map(bearer)?;
    Some(Renewal {
        due: requested + token.use_for(),
        challenge,
        asked_by: demand.asked_by.clone(),
    })
}
