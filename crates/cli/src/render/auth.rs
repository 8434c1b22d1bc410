//! The text of `login`, `logout` and `auth explain`.

use super::{Fields, clean};
use crate::report::{
    CredentialPlace, CredentialReport, Demand, ExplainReport, LoginReport, LogoutReport,
    PlaceReport,
};

pub(super) fn login(report: &LoginReport) -> String {
    let mut fields = Fields::default();
    fields.add("registry", &report.registry);
    fields.add_some("user", report.username.as_ref());
    fields.add("stored in", place(&report.stored));
    fields.render()
}

pub(super) fn logout(report: &LogoutReport) -> String {
    let mut fields = Fields::default();
    fields.add("registry", &report.registry);
    if report.erased.is_empty() {
        fields.add("removed", "nothing: nobody was logged in");
    }
    for (index, erased) in report.erased.iter().enumerate() {
        let name = if index == 0 { "removed from" } else { "" };
        fields.add(name, place(erased));
    }
    fields.render()
}

fn place(place: &CredentialPlace) -> String {
    match (&place.helper, &place.key) {
        (Some(helper), _) => format!("docker-credential-{helper} (named in {})", place.path),
        (None, Some(key)) => format!("{}, entry {key:?}", place.path),
        (None, None) => place.path.clone(),
    }
}

pub(super) fn explain(report: &ExplainReport) -> String {
    let mut head = Fields::default();
    head.add("registry", &report.registry);
    head.add_some("repository", report.repository.as_ref());
    match &report.demands {
        Some(demands) if demands.is_empty() => head.add("demands", "nothing"),
        Some(demands) => {
            for (index, demand) in demands.iter().enumerate() {
                let name = if index == 0 { "demands" } else { "or" };
                head.add(name, demanded(demand));
            }
        }
        None => head.add_some("demands", report.unreachable.as_ref()),
    }
    match (&report.used, &report.problem) {
        (Some(used), _) => {
            let used = format!("{} from {}", credential(&used.credential), used.source);
            head.add("used", used);
        }
        (None, Some(problem)) => head.add("error", problem),
        (None, None) => head.add("used", "no credentials: the registry is asked anonymously"),
    }
    let mut places = Fields::default();
    for place in &report.places {
        let mark = if place.decisive { "→" } else { " " };
        places.add(format!("{mark} {}", place.place), seen(place));
    }
    format!(
        "{}\nlooked at, in this order\n{}",
        head.render(),
        places.render()
    )
}

fn demanded(demand: &Demand) -> String {
    let named = |service: &str| format!(" (it calls itself {service})");
    let service = demand.service.as_deref().map(named).unwrap_or_default();
    match &demand.token_server {
        Some(server) => format!("a token of {server}{service}"),
        None if demand.scheme == "Basic" => format!("a user name and a password{service}"),
        None => format!("{}, which is not spoken here", demand.scheme),
    }
}

fn credential(credential: &CredentialReport) -> String {
    match (&credential.username, credential.kind) {
        (Some(username), _) => format!("the password of {username}"),
        (None, "identity-token") => "an identity token".to_owned(),
        (None, _) => "a registry token".to_owned(),
    }
}

fn seen(place: &PlaceReport) -> String {
    let key = place.key.as_deref().unwrap_or_default();
    let problem = place.problem.as_deref().unwrap_or_default();
    let found = place
        .credential
        .as_ref()
        .map(credential)
        .unwrap_or_default();
    let helper = place
        .helper
        .as_ref()
        .map(|helper| format!("docker-credential-{} ({})", helper.name, helper.chosen_by));
    let helper = helper.unwrap_or_default();
    let unused = match (&place.helper, &place.key) {
        (Some(_), Some(key)) => format!("; the entry {key:?} does not count beside a helper"),
        _ => String::new(),
    };
    let text = match place.seen {
        "absent" if place.kind == "environment" => "is not set".to_owned(),
        "absent" => "is not there".to_owned(),
        "unusable" => format!("cannot be used: {problem}"),
        "no-entry" => "has nothing for the registry".to_owned(),
        "empty-entry" => format!("has an empty entry {key:?}"),
        "entry" => format!("has {found}, entry {key:?}"),
        "broken-entry" => format!("has a broken entry {key:?}: {problem}"),
        "helper-found" => format!("names {helper}, which has {found}"),
        "helper-has-none" => format!("names {helper}, which has nothing"),
        "helper-failed" => format!("names {helper}, which does not work"),
        "not-reached" => "was not looked at".to_owned(),
        other => other.to_owned(),
    };
    clean(&(text + &unused))
}
