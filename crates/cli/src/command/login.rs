//! `login` and `logout`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eigenpack::credentials::{
    CredentialKind, CredentialProvider, CredentialSource, DockerCredentials, Erased, Finding,
    GivenCredentials, Places, Stored,
};
use eigenpack::oci::distribution::Credential;
use eigenpack::{Client, Location, Reference, RegistryHost, Repository};

use super::Outcome;
use crate::args::{LoginArgs, LogoutArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::report::{CredentialPlace, LoginReport, LogoutReport, Report};
use crate::stderr::warn;
use crate::{connection, credentials};

pub(super) async fn login(args: &LoginArgs, context: &Context) -> Result<Outcome, Failure> {
    let host = parse_host(&args.host, "login")?;
    let hosts = std::slice::from_ref(&host);
    let options = connection::options(hosts, &args.transport, context).await?;
    let start = || Client::builder_with(options.clone());
    if !args.given.any() && context.environment.terminal.on_stdin {
        // Nobody should have to type a password to learn that the host is misspelt.
        let probed = start().build().challenges(&host).await;
        probed.map_err(|error| Failure::not_logged_in(&error, &host))?;
    }
    let credential = credential(args, &host, context).await?;
    let given = Arc::new(Demanded {
        credentials: GivenCredentials::new(credential.clone()),
        demanded: AtomicBool::new(false),
    });
    let client = start().credentials(given.clone()).build();
    client
        .check_credentials(&host)
        .await
        .map_err(|error| Failure::not_logged_in(&error, &host))?;
    let demanded = given.demanded.load(Ordering::Relaxed);
    if !demanded {
        warn(format_args!(
            "{host} lets everybody in and did not ask for these credentials, so they are stored unchecked"
        ));
    }
    let stored = credentials::docker(&args.helper, context)
        .store(&host, &credential)
        .await
        .map_err(|error| Failure::credential_store("store", &error, &host))?;
    if let Stored::File { path } = &stored {
        warn(format_args!(
            "{} is not encrypted; a credential helper keeps what it gets safer",
            path.display()
        ));
    }
    warn_of_earlier(&host, context).await;
    let username = match CredentialKind::of(&credential) {
        Some(CredentialKind::Password { username }) => Some(username),
        _ => None,
    };
    Ok(Outcome::from(Report::Login(LoginReport {
        registry: host.to_string(),
        username,
        checked: demanded,
        stored: CredentialPlace::from(&stored),
    })))
}

pub(super) async fn logout(args: &LogoutArgs, context: &Context) -> Result<Outcome, Failure> {
    let host = parse_host(&args.host, "logout")?;
    let docker = credentials::docker(&args.helper, context);
    let erased = docker
        .erase(&host)
        .await
        .map_err(|error| Failure::credential_store("remove", &error, &host))?;
    let remaining = match docker.explain(&host, None).await.outcome {
        Ok(found) if found.source == CredentialSource::Nothing => None,
        Ok(found) => Some(found.source.to_string()),
        Err(error) => {
            warn(format_args!(
                "another place could not be looked at: {error}"
            ));
            None
        }
    };
    if let Some(remaining) = &remaining {
        warn(format_args!("{host} still gets {remaining}"));
    }
    Ok(Outcome::from(Report::Logout(LogoutReport {
        registry: host.to_string(),
        erased: erased.iter().map(CredentialPlace::from).collect(),
        remaining,
    })))
}

/// Finds out as whom to log in.
async fn credential(
    args: &LoginArgs,
    host: &RegistryHost,
    context: &Context,
) -> Result<Credential, Failure> {
    if args.given.any() {
        credentials::given(&args.given, host, context).await
    } else if context.environment.terminal.on_stdin {
        credentials::ask_for_both(host).await
    } else {
        Err(Failure::no_password(host))
    }
}

/// Warns of a place that counts before the one where credentials are stored.
async fn warn_of_earlier(host: &RegistryHost, context: &Context) {
    let mut earlier = Places::default();
    earlier
        .docker_auth_config
        .clone_from(&context.environment.credentials.docker_auth_config);
    let found = DockerCredentials::new(earlier).explain(host, None).await;
    if let Ok(found) = found.outcome
        && found.source != CredentialSource::Nothing
    {
        warn(format_args!(
            "{} counts before what was stored now",
            found.source
        ));
    }
}

/// Parses a host as it may stand in references.
pub(super) fn parse_host(text: &str, command: &str) -> Result<RegistryHost, Failure> {
    let (has_scheme, rest) = match text.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, text),
    };
    // Without a name and a password, which are not to be shown.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, name) = match authority.rsplit_once('@') {
        Some((_, name)) => (true, name),
        None => (false, authority),
    };
    let Some(host) = reference_host(name) else {
        let problem = if user {
            "the registry's host is wrong".to_owned()
        } else {
            format!("'{rest}' is not the host of a registry")
        };
        return Err(Failure::not_a_host(&problem, None, command));
    };
    let problem = if user {
        "a registry's host has no user name in it"
    } else if has_scheme {
        "a registry is named by its host alone, without https://"
    } else if rest != name {
        "credentials are for a whole registry: name its host alone"
    } else {
        return Ok(host);
    };
    Err(Failure::not_a_host(problem, Some(name), command))
}

/// Returns the host, if references can name it.
fn reference_host(name: &str) -> Option<RegistryHost> {
    let reference: Reference = format!("{name}/any").parse().ok()?;
    match reference.location {
        Location::Registry { host, .. } => Some(host),
        _ => None,
    }
}

/// Credentials that notice whether they are asked for.
#[derive(Debug)]
struct Demanded {
    credentials: GivenCredentials,
    demanded: AtomicBool,
}

impl CredentialProvider for Demanded {
    fn find(&self, registry: &RegistryHost, repository: Option<&Repository>) -> Finding<'_> {
        self.demanded.store(true, Ordering::Relaxed);
        self.credentials.find(registry, repository)
    }
}

impl From<&Stored> for CredentialPlace {
    fn from(stored: &Stored) -> Self {
        match stored {
            Stored::Helper { name, config } => Self::helper(name, config),
            Stored::File { path } => Self::file(path, None),
            other => Self::other(other),
        }
    }
}

impl From<&Erased> for CredentialPlace {
    fn from(erased: &Erased) -> Self {
        match erased {
            Erased::Helper { name, config } => Self::helper(name, config),
            Erased::File { path, key } => Self::file(path, Some(key)),
            other => Self::other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_alone() {
        for good in ["ghcr.io", "localhost:5001", "[::1]:5000", "docker.io"] {
            assert_eq!(parse_host(good, "login").unwrap().as_str(), good);
        }
        for (bad, meant) in [
            ("https://ghcr.io/", Some("ghcr.io")),
            ("https://index.docker.io/v1/", Some("index.docker.io")),
            ("ghcr.io/org/my-avs", Some("ghcr.io")),
            ("ghcr.io/", Some("ghcr.io")),
            ("https://ann:secret@ghcr.io", Some("ghcr.io")),
            ("ann:secret@ghcr.io", Some("ghcr.io")),
            ("ann:secret@", None),
            ("ghcr", None),
            ("", None),
            ("ghcr.io:port", None),
        ] {
            let failure = parse_host(bad, "login").unwrap_err();
            let hint = failure.hint.unwrap();
            assert!(!failure.message.contains("secret"), "{}", failure.message);
            match meant {
                Some(host) => assert_eq!(hint, format!("eigenpack login {host}")),
                None => assert!(hint.starts_with("a registry is HOST"), "{hint}"),
            }
        }
    }
}
