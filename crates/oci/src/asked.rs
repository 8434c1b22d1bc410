//! On whose behalf a registry was asked, so that a refusal can say whose credentials were refused what.

use std::fmt;

/// What was asked of a registry, and as whom; nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The registry, by the name that the user gave it.
    pub registry: String,
    /// The repository, where the request was for one.
    pub repository: Option<String>,
    /// What was to be done there.
    pub action: Action,
    /// Whose credentials were sent; `None` where it was asked anonymously.
    pub credentials: Option<UsedCredentials>,
    /// The scope that the token turned out to lack, such as `repository:org/my-avs:push`.
    pub missing_scope: Option<String>,
    /// Who answered.
    pub answered_by: AnsweredBy,
}

/// What is done to a repository, as scopes name it (distribution's `spec/auth/scope.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Something is read.
    Pull,
    /// Something is written.
    Push,
    /// Something is deleted.
    Delete,
}

/// Who answered a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnsweredBy {
    /// The registry that was asked.
    Registry,
    /// The token service that the registry named.
    TokenService,
    /// Another host, to which the registry led by a redirect or a `Location`. It gets no credentials.
    Elsewhere,
}

/// Credentials that were used, without what is secret of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedCredentials {
    /// The user's name; tokens have none.
    pub username: Option<String>,
    /// Where they were found, in words; `None` where they were given for this use.
    pub source: Option<String>,
}

impl Action {
    /// Returns the action's name in a scope.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for UsedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the credentials")?;
        if let Some(username) = &self.username {
            write!(f, " of {username}")?;
        }
        match &self.source {
            Some(source) => write!(f, " from {source}"),
            None => f.write_str(" that were given"),
        }
    }
}
