//! From flags, stdin and the terminal to the credentials that a command uses.

mod prompt;
mod stdin;

use std::sync::Arc;
use std::time::Duration;

use eigenpack::RegistryHost;
use eigenpack::credentials::{CredentialProvider, DockerCredentials, GivenCredentials};
use eigenpack::oci::Secret;
use eigenpack::oci::distribution::Credential;

use crate::args::{ConnectionArgs, GivenArgs, HelperArgs};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::stderr::say;

pub(crate) use prompt::{Shown, ask};

/// How long a credential helper may take where somebody is there who may have to enter a PIN.
const TIMEOUT_AT_TERMINAL: Duration = Duration::from_mins(2);

/// Returns who is asked for the credentials of a command, which are for no other registries than these.
pub(crate) async fn provider(
    hosts: &[RegistryHost],
    args: &ConnectionArgs,
    context: &Context,
) -> Result<Option<Arc<dyn CredentialProvider>>, Failure> {
    if args.given.any() {
        // What is given is for one registry, and nobody else may see it.
        let Some((host, others)) = hosts.split_first() else {
            return Err(Failure::credentials_for_nobody());
        };
        if let Some(other) = others.iter().find(|other| *other != host) {
            return Err(Failure::credentials_for_two(host, other));
        }
        let credential = given(&args.given, host, context).await?;
        return Ok(Some(Arc::new(GivenCredentials::new(credential))));
    }
    if args.anonymous || hosts.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(docker(&args.helper, context))))
}

/// Returns the credentials that Docker and Podman have.
pub(crate) fn docker(args: &HelperArgs, context: &Context) -> DockerCredentials {
    let limit = match args.credential_timeout {
        Some(seconds) => Duration::from_secs(seconds),
        None if context.environment.terminal.on_stderr => TIMEOUT_AT_TERMINAL,
        None => DockerCredentials::DEFAULT_HELPER_TIMEOUT,
    };
    let quiet = context.quiet;
    DockerCredentials::new(context.environment.credentials.clone())
        .helper_timeout(limit)
        .on_helper_wait(move |name| {
            if !quiet {
                say(format_args!(
                    "waiting for the credential helper docker-credential-{name}, {} s at most\n",
                    limit.as_secs()
                ));
            }
        })
}

/// Returns the credentials that are given with a command, after asking for the password where it does not come from stdin.
pub(crate) async fn given(
    args: &GivenArgs,
    host: &RegistryHost,
    context: &Context,
) -> Result<Credential, Failure> {
    let secret = secret(args, host, context);
    match &args.username {
        None => Ok(Credential::IdentityToken(secret.await?)),
        Some(username) => basic(username.clone(), secret).await,
    }
}

/// Asks somebody at the terminal for a user name and a password.
pub(crate) async fn ask_for_both(host: &RegistryHost) -> Result<Credential, Failure> {
    let username = ask(&format!("User name at {host}: "), Shown::Yes).await?;
    basic(username, ask_for_secret("Password: ")).await
}

async fn basic(
    username: String,
    secret: impl Future<Output = Result<Secret<String>, Failure>>,
) -> Result<Credential, Failure> {
    let problem = if username.is_empty() {
        Some("it is empty")
    } else if username.contains(':') {
        Some("it holds a colon, which would end it")
    } else if username.chars().any(char::is_control) {
        Some("it holds a control character")
    } else {
        None
    };
    if let Some(problem) = problem {
        let message = format!("this cannot be a user name: {problem}");
        return Err(Failure::new(ExitCode::Usage, "bad-username", message));
    }
    Ok(Credential::Basic {
        username,
        password: secret.await?,
    })
}

async fn secret(
    args: &GivenArgs,
    host: &RegistryHost,
    context: &Context,
) -> Result<Secret<String>, Failure> {
    let what = if args.token_stdin {
        "token"
    } else {
        "password"
    };
    let on_terminal = context.environment.terminal.on_stdin;
    match (on_terminal, args.password_stdin || args.token_stdin) {
        (true, _) if args.token_stdin => ask_for_secret("Token: ").await,
        (true, _) => ask_for_secret("Password: ").await,
        (false, true) => stdin::read_secret(what).await,
        (false, false) => Err(Failure::no_password(host)),
    }
}

async fn ask_for_secret(prompt: &str) -> Result<Secret<String>, Failure> {
    let secret = ask(prompt, Shown::No).await?;
    if secret.is_empty() {
        return Err(Failure::empty_secret("password"));
    }
    Ok(Secret::new(secret))
}
