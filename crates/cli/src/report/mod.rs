//! What each command found: the machine output, and what the text for people is made of.
//!
//! The names of these fields are an interface that scripts rely on.

mod auth;

use std::collections::BTreeMap;

use bytes::Bytes;
use eigenpack::oci::{Descriptor, Pushed};
use eigenpack::spec::{Fault, Faults, Severity};
use eigenpack::{Digest, Location, Reference, TagStatus};
use serde::Serialize;

pub(crate) use auth::{
    CredentialPlace, CredentialReport, Demand, ExplainReport, HelperReport, LoginReport,
    LogoutReport, PlaceReport, UsedReport,
};

/// The result of a command.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Report {
    Validate(ValidateReport),
    Push(PushReport),
    DryRun(DryRunReport),
    Pull(PullReport),
    Inspect(Box<InspectReport>),
    Resolve(ResolveReport),
    Tags(TagsReport),
    Tag(TagReport),
    Copy(CopyReport),
    Serve(ServeReport),
    Gc(GcReport),
    Login(LoginReport),
    Logout(LogoutReport),
    AuthExplain(ExplainReport),
    Content(ContentReport),
}

/// Where something is, and which digest it has.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    /// The reference as it was given.
    pub(crate) reference: String,
    /// The repository as the chain wants it: no scheme, no tag, no digest. An image layout is none.
    pub(crate) repository: Option<String>,
    pub(crate) digest: String,
    /// The digest as a contract takes it; only a SHA-256 digest fits.
    pub(crate) bytes32: Option<String>,
    /// `registry`, or `local` for the local store and image layouts.
    pub(crate) location: &'static str,
}

impl Identity {
    pub(crate) fn new(reference: &Reference, digest: &Digest) -> Self {
        Self {
            reference: reference.to_string(),
            repository: match &reference.location {
                Location::Layout { .. } => None,
                location => Some(location.to_string()),
            },
            digest: digest.to_string(),
            bytes32: digest.bytes32(),
            location: if reference.location.is_registry() {
                "registry"
            } else {
                "local"
            },
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ValidateReport {
    pub(crate) valid: bool,
    pub(crate) files: Vec<CheckedFile>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckedFile {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) check: Check,
    /// Why it could not be read, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The file's bytes and what is wrong with them, for showing the faults.
    #[serde(skip)]
    pub(crate) content: Option<(Bytes, Faults)>,
}

/// What a check of a spec found; nothing where it could not be read.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Check {
    pub(crate) valid: bool,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) faults: Vec<FaultReport>,
    /// How many further faults are not listed.
    pub(crate) omitted: usize,
}

impl From<&Faults> for Check {
    fn from(faults: &Faults) -> Self {
        Self {
            valid: faults.is_valid(),
            errors: faults.errors(),
            warnings: faults.warnings(),
            faults: faults.iter().map(FaultReport::from).collect(),
            omitted: faults.omitted(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct FaultReport {
    pub(crate) rule: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl From<&Fault> for FaultReport {
    fn from(fault: &Fault) -> Self {
        Self {
            rule: fault.rule.id(),
            severity: match fault.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            line: fault.position.line,
            column: fault.position.column,
            path: fault.path.clone(),
            message: fault.message.clone(),
            help: fault.help.clone(),
        }
    }
}

/// What happened to a tag.
#[derive(Debug, Serialize)]
pub(crate) struct TagOutcome {
    /// `created`, `unchanged` or `overwritten`.
    pub(crate) status: &'static str,
    /// What the tag named before, when it was overwritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
}

impl From<&TagStatus> for TagOutcome {
    fn from(status: &TagStatus) -> Self {
        let (status, previous) = match status {
            TagStatus::Created => ("created", None),
            TagStatus::Unchanged => ("unchanged", None),
            TagStatus::Overwritten { previous } => ("overwritten", previous.as_ref()),
        };
        Self {
            status,
            previous: previous.map(ToString::to_string),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct PushReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    #[serde(flatten)]
    pub(crate) outcome: TagOutcome,
    pub(crate) created: String,
    pub(crate) blobs: Vec<BlobReport>,
    /// Whether everybody can read it, where that was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BlobReport {
    pub(crate) digest: String,
    pub(crate) size: u64,
    /// `uploaded`, `existed` or `mounted`.
    pub(crate) pushed: &'static str,
}

impl From<&(Descriptor, Pushed)> for BlobReport {
    fn from((descriptor, pushed): &(Descriptor, Pushed)) -> Self {
        Self {
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            pushed: match pushed {
                Pushed::Uploaded => "uploaded",
                Pushed::Existed => "existed",
                Pushed::Mounted => "mounted",
            },
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CopyReport {
    /// The target.
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) source: String,
    #[serde(flatten)]
    pub(crate) outcome: TagOutcome,
    /// How many manifests were written.
    pub(crate) manifests: usize,
    pub(crate) blobs: Vec<BlobReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DryRunReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) created: String,
    pub(crate) manifest: String,
    pub(crate) config: String,
    #[serde(rename = "specDigest")]
    pub(crate) spec_digest: String,
    #[serde(rename = "specSize")]
    pub(crate) spec_size: u64,
    /// The command that pushes exactly this.
    pub(crate) command: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct PullReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    /// The file that was written.
    pub(crate) path: String,
    pub(crate) created: Option<String>,
    #[serde(rename = "specDigest")]
    pub(crate) spec_digest: String,
    #[serde(rename = "specSize")]
    pub(crate) spec_size: u64,
    pub(crate) check: Check,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) created: Option<String>,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) config: InspectedConfig,
    pub(crate) spec: InspectedSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectedConfig {
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) media_type: String,
    /// The config as it is stored, every field of it.
    pub(crate) content: serde_json::Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectedSpec {
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) media_type: String,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) components: Vec<InspectedComponent>,
    pub(crate) check: Check,
}

#[derive(Debug, Serialize)]
pub(crate) struct InspectedComponent {
    pub(crate) name: String,
    pub(crate) registry: Option<String>,
    pub(crate) digest: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ResolveReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) created: Option<String>,
    /// Which of the two forms the text shows.
    #[serde(skip)]
    pub(crate) as_bytes32: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct TagsReport {
    pub(crate) repository: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TagReport {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) tags: Vec<TagResult>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TagResult {
    pub(crate) tag: String,
    #[serde(flatten)]
    pub(crate) outcome: TagOutcome,
}

/// What a server says when it is ready.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServeReport {
    /// The address and port that are listened on.
    pub(crate) address: String,
    /// The host as it stands in references.
    pub(crate) host: String,
    /// Where the server is: the scheme and the address.
    pub(crate) url: String,
    pub(crate) store: String,
    pub(crate) read_only: bool,
    /// Whether credentials are asked for.
    pub(crate) authentication: bool,
    /// The certificate's file, where the server speaks https.
    pub(crate) tls_cert: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GcReport {
    /// Whether nothing was removed, and only what would be is listed.
    pub(crate) dry_run: bool,
    pub(crate) removed: Vec<RemovedBlob>,
    pub(crate) removed_bytes: u64,
    pub(crate) temporary_files: u64,
    pub(crate) temporary_bytes: u64,
    /// How many unreferenced blobs stay because they are too young.
    pub(crate) young: usize,
    pub(crate) unreadable: Vec<UnreadableReport>,
    /// What could not be removed; the command fails then, after it has removed all else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed: Vec<FailedReport>,
}

/// A blob that could not be removed.
#[derive(Debug, Serialize)]
pub(crate) struct FailedReport {
    pub(crate) digest: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct RemovedBlob {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// A repository of which everything stays.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadableReport {
    pub(crate) repository: String,
    /// The manifest that cannot be read; nothing where it is the index.
    pub(crate) manifest: Option<String>,
    pub(crate) reason: String,
}

/// Exact stored bytes. As text they are written as they are; in the document they are text where they are UTF-8.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContentReport {
    pub(crate) reference: String,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    /// The content, if it is UTF-8.
    pub(crate) content: Option<String>,
    #[serde(skip)]
    pub(crate) bytes: Bytes,
}

impl ContentReport {
    pub(crate) fn new(
        reference: &Reference,
        digest: &Digest,
        media_type: &str,
        bytes: Bytes,
    ) -> Self {
        Self {
            reference: reference.to_string(),
            digest: digest.to_string(),
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            content: std::str::from_utf8(&bytes).ok().map(str::to_owned),
            bytes,
        }
    }
}
