//! What the commands about credentials report.

use std::fmt;
use std::path::Path;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct LoginReport {
    pub(crate) registry: String,
    /// The user's name; an identity token has none.
    pub(crate) username: Option<String>,
    /// Whether the registry asked for the credentials, and so accepted them.
    pub(crate) checked: bool,
    pub(crate) stored: CredentialPlace,
}

#[derive(Debug, Serialize)]
pub(crate) struct LogoutReport {
    pub(crate) registry: String,
    /// What was removed; nothing where nobody was logged in.
    pub(crate) erased: Vec<CredentialPlace>,
    /// Where the registry still gets credentials from, in words.
    pub(crate) remaining: Option<String>,
}

/// Where credentials were stored or removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialPlace {
    /// `helper` or `file`.
    pub(crate) kind: &'static str,
    /// The credential helper, without `docker-credential-`.
    pub(crate) helper: Option<String>,
    /// The file: the one that has the credentials, or that names the helper.
    pub(crate) path: String,
    /// The key of the entry that was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

impl CredentialPlace {
    pub(crate) fn helper(name: &str, config: &Path) -> Self {
        Self {
            kind: "helper",
            helper: Some(name.to_owned()),
            path: config.display().to_string(),
            key: None,
        }
    }

    /// A kind of place that a later version of the library may know.
    pub(crate) fn other(place: &impl fmt::Debug) -> Self {
        Self {
            kind: "other",
            helper: None,
            path: format!("{place:?}"),
            key: None,
        }
    }

    pub(crate) fn file(path: &Path, key: Option<&String>) -> Self {
        Self {
            kind: "file",
            helper: None,
            path: path.display().to_string(),
            key: key.cloned(),
        }
    }
}

/// How credentials for a registry were looked for; nothing of it is secret.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainReport {
    pub(crate) registry: String,
    pub(crate) repository: Option<String>,
    /// What the registry demands: nothing where it was not or could not be asked, an empty list where it demands nothing.
    pub(crate) demands: Option<Vec<Demand>>,
    /// Why the registry could not be asked.
    pub(crate) unreachable: Option<String>,
    /// What is used; nothing where the registry is asked anonymously, or there is a problem.
    pub(crate) used: Option<UsedReport>,
    /// Why no credentials can be had though there should be some.
    pub(crate) problem: Option<String>,
    /// Each place, in the order in which they count.
    pub(crate) places: Vec<PlaceReport>,
}

/// One way in which a registry lets itself be answered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Demand {
    /// `Basic`, `Bearer`, or what the registry wrote.
    pub(crate) scheme: String,
    /// The URL of the server that gives out tokens.
    pub(crate) token_server: Option<String>,
    /// What the registry calls itself there.
    pub(crate) service: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct UsedReport {
    pub(crate) credential: CredentialReport,
    /// Where it is from, in words.
    pub(crate) source: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct CredentialReport {
    /// `password`, `identity-token` or `registry-token`.
    pub(crate) kind: &'static str,
    pub(crate) username: Option<String>,
}

/// What one place had.
#[derive(Debug, Serialize)]
pub(crate) struct PlaceReport {
    /// The variable's name or the file's path.
    pub(crate) place: String,
    /// `environment`, `docker-config` or `auth-file`.
    pub(crate) kind: &'static str,
    /// `absent`, `unusable`, `no-entry`, `empty-entry`, `entry`, `broken-entry`, `helper-found`, `helper-has-none`,
    /// `helper-failed` or `not-reached`.
    pub(crate) seen: &'static str,
    /// Whether this decided.
    pub(crate) decisive: bool,
    /// The key of the entry; beside a helper, of one that does not count.
    pub(crate) key: Option<String>,
    pub(crate) credential: Option<CredentialReport>,
    pub(crate) helper: Option<HelperReport>,
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HelperReport {
    /// Without `docker-credential-`.
    pub(crate) name: String,
    /// What in the file names it.
    pub(crate) chosen_by: String,
}
