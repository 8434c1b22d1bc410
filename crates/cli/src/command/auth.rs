//! `auth explain`: which credentials are used for a registry, and why.

use eigenpack::credentials::{Answered, ChosenBy, CredentialKind, Explanation, Place, Seen, Step};
use eigenpack::oci::distribution::Challenge;
use eigenpack::{Client, Location, Reference, RegistryHost, Repository};

use super::Outcome;
use super::login::parse_host;
use crate::args::{AuthArgs, AuthCommand, ExplainArgs};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::report::{
    CredentialReport, Demand, ExplainReport, HelperReport, PlaceReport, Report, UsedReport,
};
use crate::{connection, credentials};

pub(super) async fn run(args: &AuthArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        AuthCommand::Explain(args) => explain(args, context).await,
    }
}

async fn explain(args: &ExplainArgs, context: &Context) -> Result<Outcome, Failure> {
    let (host, repository) = parse_target(&args.target)?;
    let demands = if args.offline {
        None
    } else {
        Some(demands(&host, args, context).await?)
    };
    let explanation = credentials::docker(&args.helper, context)
        .explain(&host, repository.as_ref())
        .await;
    let exit = match &explanation.outcome {
        Ok(_) => ExitCode::Done,
        Err(_) => ExitCode::Access,
    };
    let report = Report::AuthExplain(ExplainReport {
        registry: host.to_string(),
        repository: repository.as_ref().map(ToString::to_string),
        demands: demands.as_ref().and_then(|it| it.as_ref().ok()).cloned(),
        unreachable: demands.and_then(Result::err),
        used: used(&explanation),
        problem: explanation.outcome.as_ref().err().map(ToString::to_string),
        places: explanation.steps.iter().map(PlaceReport::from).collect(),
    });
    Ok(Outcome {
        report: Some(report),
        exit,
    })
}

/// Parses a host, or a repository at one.
fn parse_target(text: &str) -> Result<(RegistryHost, Option<Repository>), Failure> {
    if !text.contains('/') || text.contains("://") {
        return Ok((parse_host(text, "auth explain")?, None));
    }
    let reference: Reference = text
        .parse()
        .map_err(|error| Failure::bad_reference(&error))?;
    match reference.location {
        Location::Registry { host, repository } => Ok((host, Some(repository))),
        other => {
            let problem = format!("'{other}' is not at a registry");
            Err(Failure::not_a_host(&problem, None, "auth explain"))
        }
    }
}

/// Asks the registry what it demands; an answer that cannot be had is a part of the explanation.
async fn demands(
    host: &RegistryHost,
    args: &ExplainArgs,
    context: &Context,
) -> Result<Result<Vec<Demand>, String>, Failure> {
    let hosts = std::slice::from_ref(host);
    let options = connection::options(hosts, &args.transport, context).await?;
    let client = Client::builder_with(options).build();
    Ok(match client.challenges(host).await {
        Ok(challenges) => Ok(challenges.iter().map(Demand::from).collect()),
        Err(error) => {
            let failure = Failure::registry("it cannot be asked".to_owned(), &error);
            let words = [&[failure.message][..], &failure.causes].concat();
            Err(words.join(": "))
        }
    })
}

fn used(explanation: &Explanation) -> Option<UsedReport> {
    let found = explanation.outcome.as_ref().ok()?;
    let kind = CredentialKind::of(&found.credential)?;
    Some(UsedReport {
        credential: CredentialReport::from(&kind),
        source: found.source.to_string(),
    })
}

impl From<&CredentialKind> for CredentialReport {
    fn from(kind: &CredentialKind) -> Self {
        let (kind, username) = match kind {
            CredentialKind::Password { username } => ("password", Some(username.clone())),
            CredentialKind::IdentityToken => ("identity-token", None),
            _ => ("registry-token", None),
        };
        Self { kind, username }
    }
}

impl From<&Challenge> for Demand {
    fn from(challenge: &Challenge) -> Self {
        match challenge {
            Challenge::Basic { realm } => Self {
                scheme: "Basic".to_owned(),
                token_server: None,
                service: realm.clone(),
            },
            Challenge::Bearer(bearer) => Self {
                scheme: "Bearer".to_owned(),
                token_server: Some(bearer.realm.clone()),
                service: bearer.service.clone(),
            },
            Challenge::Other { scheme } => Self {
                scheme: scheme.clone(),
                token_server: None,
                service: None,
            },
            _ => Self {
                scheme: "another one".to_owned(),
                token_server: None,
                service: None,
            },
        }
    }
}

impl From<&Step> for PlaceReport {
    fn from(step: &Step) -> Self {
        let kind = match &step.place {
            Place::Environment => "environment",
            Place::DockerConfig(_) => "docker-config",
            Place::AuthFile(_) => "auth-file",
            _ => "other",
        };
        let mut report = Self {
            place: step.place.to_string(),
            kind,
            seen: "",
            decisive: step.decisive,
            key: None,
            credential: None,
            helper: None,
            problem: None,
        };
        report.seen = match &step.seen {
            Seen::Absent => "absent",
            Seen::NoEntry => "no-entry",
            Seen::NotReached => "not-reached",
            Seen::Unusable(problem) => {
                report.problem = Some(problem.to_string());
                "unusable"
            }
            Seen::EmptyEntry { key } => {
                report.key = Some(key.clone());
                "empty-entry"
            }
            Seen::Entry { key, kind } => {
                report.key = Some(key.clone());
                report.credential = Some(CredentialReport::from(kind));
                "entry"
            }
            Seen::BrokenEntry { key, problem } => {
                report.key = Some(key.clone());
                report.problem = Some(problem.to_string());
                "broken-entry"
            }
            Seen::Helper {
                name,
                chosen_by,
                answer,
                unused,
            } => {
                report.key.clone_from(unused);
                report.helper = Some(HelperReport {
                    name: name.to_string(),
                    chosen_by: match chosen_by {
                        ChosenBy::CredHelpers { key } => format!("credHelpers, {key:?}"),
                        ChosenBy::CredsStore => "credsStore".to_owned(),
                    },
                });
                match answer {
                    Answered::Found(kind) => {
                        report.credential = Some(CredentialReport::from(kind));
                        "helper-found"
                    }
                    Answered::NotFound => "helper-has-none",
                    Answered::Failed(error) => {
                        report.problem = Some(error.to_string());
                        "helper-failed"
                    }
                    _ => "helper",
                }
            }
            _ => "other",
        };
        report
    }
}
