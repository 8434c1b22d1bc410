//! Credential helpers: programs named `docker-credential-NAME` that keep credentials (docker-credential-helpers).

mod answer;
mod name;
mod process;
mod program;

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::Secret;
use eigenpack_oci::distribution::Credential;
use tokio::time::timeout;

use self::answer::{MAX_ANSWER_SIZE as MAX, TOKEN_USERNAME, is_not_found, said};
use self::process::{Ended, RunError, run};
use super::error::CredentialError;

pub use answer::{HelperAnswer, MAX_ANSWER_SIZE};
pub use name::{HelperName, NotAHelperName};

pub(super) use program::find_program;

/// After how long it is told that a helper is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who is told the name of a helper that is being waited for.
pub(super) type OnWait = Arc<dyn Fn(&str) + Send + Sync>;

/// How helpers are run.
#[derive(Clone)]
pub(super) struct Helpers {
    /// The folders in which their programs are looked for.
    pub(super) folders: Vec<PathBuf>,
    /// How long each may take.
    pub(super) limit: Duration,
    pub(super) on_wait: Option<OnWait>,
}

/// A helper, and the file that names it.
#[derive(Clone, Copy)]
pub(super) struct Configured<'a> {
    pub(super) name: &'a HelperName,
    pub(super) config: &'a Path,
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers")
            .field("folders", &self.folders)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Helpers {
    /// Asks a helper for what it has for a server.
    pub(super) async fn get(
        &self,
        helper: Configured<'_>,
        server: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        let ended = self.run(helper, "get", server.as_bytes()).await?;
        match HelperAnswer::parse(ended.status.success(), &ended.stdout, &ended.stderr) {
            HelperAnswer::Found(credential) => Ok(Some(credential)),
            HelperAnswer::NotFound => Ok(None),
            HelperAnswer::Failed(said) => Err(helper.failed(said, &ended)),
            HelperAnswer::Nonsense(problem) => Err(helper.nonsense(problem)),
        }
    }

    /// Gives a helper what to keep for a server.
    pub(super) async fn store(
        &self,
        helper: Configured<'_>,
        server: &str,
        username: &str,
        secret: &Secret<String>,
    ) -> Result<(), CredentialError> {
        let message = serde_json::json!({
            "ServerURL": server,
            "Username": username,
            "Secret": secret.expose(),
        });
        let input = Secret::new(message.to_string());
        let ended = self.run(helper, "store", input.expose().as_bytes()).await?;
        if ended.status.success() {
            return Ok(());
        }
        let mut said = said(&ended.stdout, &ended.stderr);
        if !secret.expose().is_empty() {
            said = said.replace(secret.expose(), "…");
        }
        Err(helper.failed(said, &ended))
    }

    /// Gives a helper an identity token to keep for a server.
    pub(super) async fn store_token(
        &self,
        helper: Configured<'_>,
        server: &str,
        token: &Secret<String>,
    ) -> Result<(), CredentialError> {
        self.store(helper, server, TOKEN_USERNAME, token).await
    }

    /// Has a helper forget what it has for a server; tells whether it had anything, as far as it says so.
    pub(super) async fn erase(
        &self,
        helper: Configured<'_>,
        server: &str,
    ) -> Result<bool, CredentialError> {
        let ended = self.run(helper, "erase", server.as_bytes()).await?;
        match (ended.status.success(), is_not_found(&ended.stdout)) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(helper.failed(said(&ended.stdout, &ended.stderr), &ended)),
        }
    }

    async fn run(
        &self,
        helper: Configured<'_>,
        action: &str,
        input: &[u8],
    ) -> Result<Ended, CredentialError> {
        let Some(program) = program::find(helper.name, &self.folders) else {
            return Err(helper.missing());
        };
        tracing::debug!(program = %program.display(), action, "running a credential helper");
        let mut running = pin!(run(&program, action, input, self.limit));
        let ended = if let Ok(ended) = timeout(PATIENCE, &mut running).await {
            ended
        } else {
            tracing::info!(helper = %helper.name, "waiting for the credential helper");
            if let Some(on_wait) = &self.on_wait {
                on_wait(helper.name.as_str());
            }
            running.await
        };
        ended.map_err(|error| match error {
            RunError::TimedOut => helper.timed_out(self.limit),
            RunError::Flooded => helper.nonsense(&format!("more than {MAX} bytes")),
            RunError::System(error) => helper.unusable(&error),
        })
    }
}

/// The errors of one helper.
impl Configured<'_> {
    fn missing(&self) -> CredentialError {
        CredentialError::HelperMissing {
            name: self.name.to_string(),
            config: self.config.to_owned(),
        }
    }

    fn unusable(&self, error: &std::io::Error) -> CredentialError {
        CredentialError::HelperUnusable {
            name: self.name.to_string(),
            config: self.config.to_owned(),
            reason: error.to_string(),
        }
    }

    fn timed_out(&self, limit: Duration) -> CredentialError {
        CredentialError::HelperTimedOut {
            name: self.name.to_string(),
            config: self.config.to_owned(),
            limit,
        }
    }

    fn failed(&self, said: String, ended: &Ended) -> CredentialError {
        CredentialError::HelperFailed {
            name: self.name.to_string(),
            config: self.config.to_owned(),
            said: if said.is_empty() {
                ended.status.to_string()
            } else {
                said
            },
        }
    }

    fn nonsense(&self, problem: &str) -> CredentialError {
        CredentialError::HelperNonsense {
            name: self.name.to_string(),
            config: self.config.to_owned(),
            problem: problem.to_owned(),
        }
    }
}
