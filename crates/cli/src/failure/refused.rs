//! What a registry's refusals mean to a user: whose credentials were refused what, and what to do.

use eigenpack::credentials::CredentialError;
use eigenpack::oci::{AccessError, Action, AnsweredBy, FetchError, PushError, RegistryAnswer};
use serde_json::{Value, json};

use super::Failure;
use super::advice::{login, mend};
use super::meaning::Meaning;
use crate::exit_code::ExitCode;

/// Whoever has credentials that are in the way may not need any.
const WITHOUT: &str = "what is public can be read with --anonymous";

/// Returns the sentence that says more than "cannot push to" does: who refuses whom what.
pub(super) fn sentence(error: &AccessError) -> Option<String> {
    match error {
        AccessError::Unauthenticated(_)
        | AccessError::Denied(_)
        | AccessError::Credentials { .. } => Some(error.to_string()),
        _ => None,
    }
}

/// The same of an error of reading.
pub(super) fn of_fetch(error: &FetchError) -> Option<String> {
    match error {
        FetchError::Access(error) => sentence(error),
        _ => None,
    }
}

/// The same of an error of writing.
pub(super) fn of_push(error: &PushError) -> Option<String> {
    match error {
        PushError::Access(error) => sentence(error),
        PushError::Source(error) => of_fetch(error),
        _ => None,
    }
}

/// The registry wants credentials, or other ones.
pub(super) fn unauthenticated(answer: &RegistryAnswer) -> Meaning {
    let asked = &answer.asked;
    let login = login(&asked.registry);
    let hint = match (asked.answered_by, &asked.credentials) {
        (AnsweredBy::Elsewhere, _) => format!(
            "{} is misconfigured: what it keeps elsewhere must be readable without its credentials",
            asked.registry
        ),
        (_, None) => format!("log in first: {login}"),
        (_, Some(credentials)) => {
            let again = match credentials.source {
                None => "check the name and the password or token that you gave".to_owned(),
                Some(_) => format!("log in again: {login}"),
            };
            match asked.action {
                Action::Pull => format!("{again}; {WITHOUT}"),
                _ => again,
            }
        }
    };
    Meaning::new(ExitCode::Access, "unauthenticated").hint(hint)
}

/// The registry knows who asks, and says no.
pub(super) fn denied(answer: &RegistryAnswer) -> Meaning {
    let asked = &answer.asked;
    let login = login(&asked.registry);
    let hint = match (asked.answered_by, &asked.credentials, asked.action) {
        (AnsweredBy::Elsewhere, ..) => {
            format!("{} has a problem with what it keeps there", asked.registry)
        }
        (_, None, Action::Pull) => {
            format!("log in: {login}; what is private may also be something that does not exist")
        }
        (_, None, _) => format!("log in: {login}"),
        (_, Some(_), Action::Pull) => format!(
            "check the name, ask its owner to let you read it, or log in as somebody else: {login}; {WITHOUT}"
        ),
        (_, Some(_), action) => {
            format!("ask its owner for {action} access, or log in as somebody else: {login}")
        }
    };
    Meaning::new(ExitCode::Access, "denied").hint(hint)
}

/// Too many requests: those who log in may have more.
pub(super) fn rate_limited(answer: &RegistryAnswer) -> Meaning {
    let wait = "wait as long as the registry asks, then try again";
    let hint = match answer.asked.credentials {
        Some(_) => wait.to_owned(),
        None => format!(
            "{wait}; who logs in may be allowed more: {}",
            login(&answer.asked.registry)
        ),
    };
    Meaning::new(ExitCode::Network, "rate-limited").hint(hint)
}

/// The credentials that somebody has set up could not be had.
pub(super) fn no_credentials(
    registry: &str,
    source: &(dyn std::error::Error + 'static),
) -> Meaning {
    let login = login(registry);
    let mend = match source.downcast_ref::<CredentialError>() {
        Some(error) => mend(error, Some(&login)),
        None => format!("mend that, or log in: {login}"),
    };
    let hint = format!("{mend}; {WITHOUT}");
    Meaning::new(ExitCode::Access, "credentials").hint(hint)
}

impl Failure {
    /// Adds what was asked, and as whom.
    pub(super) fn fields_of_answer(self, answer: &RegistryAnswer) -> Self {
        let asked = &answer.asked;
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let credentials = asked.credentials.as_ref().map_or(Value::Null, |used| {
            json!({
                "username": text(used.username.as_deref()),
                "source": text(used.source.as_deref()),
            })
        });
        let answered_by = match asked.answered_by {
            AnsweredBy::TokenService => "token-service",
            AnsweredBy::Elsewhere => "elsewhere",
            _ => "registry",
        };
        self.field("host", answer.host.as_str())
            .field("request", answer.request.as_str())
            .field("status", answer.status)
            .field("registryCode", text(answer.code.as_deref()))
            .field("registryMessage", text(answer.message.as_deref()))
            .field("registry", asked.registry.as_str())
            .field("action", asked.action.as_str())
            .field("credentials", credentials)
            .field("missingScope", text(asked.missing_scope.as_deref()))
            .field("answeredBy", answered_by)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use eigenpack::Reference;
    use eigenpack::oci::{Asked, UsedCredentials};

    fn answer(status: u16, asked: Asked) -> Box<RegistryAnswer> {
        let by_token_service = asked.answered_by == AnsweredBy::TokenService;
        let (host, request) = match asked.answered_by {
            AnsweredBy::TokenService => ("auth.docker.io", "GET /token"),
            AnsweredBy::Elsewhere => ("cdn.example", "GET /blob"),
            _ => ("ghcr.io", "GET /v2/org/my-avs/manifests/v1"),
        };
        Box::new(RegistryAnswer {
            host: host.to_owned(),
            request: request.to_owned(),
            status,
            code: (!by_token_service).then(|| "UNAUTHORIZED".to_owned()),
            message: None,
            asked,
        })
    }

    fn asked() -> Asked {
        Asked {
            registry: "ghcr.io".into(),
            repository: Some("org/my-avs".into()),
            action: Action::Pull,
            credentials: None,
            missing_scope: None,
            answered_by: AnsweredBy::Registry,
        }
    }

    fn of_alice(source: Option<&str>) -> UsedCredentials {
        UsedCredentials {
            username: Some("alice".into()),
            source: source.map(Into::into),
        }
    }

    #[test]
    fn refusals_in_words() {
        let config = Some("~/.docker/config.json");
        let missing = CredentialError::HelperMissing {
            name: "pass".into(),
            config: "~/.docker/config.json".into(),
        };
        let errors = [
            AccessError::Unauthenticated(answer(401, asked())),
            AccessError::Unauthenticated(answer(
                401,
                Asked {
                    credentials: Some(of_alice(config)),
                    ..asked()
                },
            )),
            AccessError::Unauthenticated(answer(
                401,
                Asked {
                    registry: "docker.io".into(),
                    credentials: Some(of_alice(None)),
                    answered_by: AnsweredBy::TokenService,
                    ..asked()
                },
            )),
            AccessError::Unauthenticated(answer(
                401,
                Asked {
                    credentials: None,
                    answered_by: AnsweredBy::Elsewhere,
                    ..asked()
                },
            )),
            AccessError::Denied(answer(403, asked())),
            AccessError::Denied(answer(
                401,
                Asked {
                    action: Action::Push,
                    credentials: Some(of_alice(config)),
                    missing_scope: Some("repository:org/my-avs:push".into()),
                    ..asked()
                },
            )),
            AccessError::RateLimited(answer(429, asked())),
            AccessError::Credentials {
                registry: "ghcr.io".into(),
                source: Box::new(missing),
            },
        ];
        let reference: Reference = "ghcr.io/org/my-avs:v1".parse().unwrap();
        let mut text = String::new();
        for error in errors {
            let message = format!("cannot push to {reference}");
            let failure = Failure::push(message, &PushError::Access(error), &reference);
            writeln!(text, "{} ({})", failure.message, failure.code).unwrap();
            for cause in failure.causes {
                writeln!(text, "  caused by: {cause}").unwrap();
            }
            writeln!(text, "hint: {}\n", failure.hint.unwrap()).unwrap();
        }
        insta::assert_snapshot!(text);
    }
}
