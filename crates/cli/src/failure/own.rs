//! Failures that arise in the command line itself: usage, files, settings.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use eigenpack::oci::{NameError, ReferenceErrorKind};
use eigenpack::{ProxyUrlError, Reference, ReferenceError, TlsError};
use eigenpack_registry::fault::FaultPlanError;
use eigenpack_registry::{HtpasswdError, TlsIdentityError};

use super::Failure;
use crate::exit_code::ExitCode;
use crate::render::{clean, shell_quoted};

impl Failure {
    /// A reference to the local store where only registries are wanted.
    pub(crate) fn local_reference_refused(reference: &Reference) -> Self {
        Self::new(
            ExitCode::Usage,
            "local-reference",
            format!("{reference} names the local store, and --remote-only is set"),
        )
        .hint(format!(
            "name a registry, for example ghcr.io/org/{reference}"
        ))
    }

    /// No place for the local store is known.
    pub(crate) fn no_home() -> Self {
        Self::new(
            ExitCode::Input,
            "no-store",
            "there is no home directory for the local store",
        )
        .hint("choose a directory with --store DIR or EIGENPACK_STORE")
    }

    /// A host in a flag is not well formed.
    pub(crate) fn bad_host(flag: &str, host: &str, error: &NameError) -> Self {
        Self::new(
            ExitCode::Usage,
            "bad-host",
            format!("{flag}={} is not a host", clean(host)),
        )
        .caused_by(error)
    }

    /// A file of certificates or keys cannot be used.
    pub(crate) fn certificate(flag: &str, path: &Path, error: TlsError) -> Self {
        let path = clean(&path.display().to_string());
        Self::new(
            ExitCode::Input,
            "bad-certificate",
            format!("cannot use {flag} {path}"),
        )
        .field("path", path)
        .caused_by(&error)
    }

    /// The environment names a proxy that cannot be used. Its URL may hold a password, so it is not shown.
    pub(crate) fn proxy(variable: &str, error: ProxyUrlError) -> Self {
        Self::new(
            ExitCode::Input,
            "bad-proxy",
            format!("cannot use the proxy that {variable} names"),
        )
        .hint(format!("correct it, or unset it: unset {variable}"))
        .caused_by(&error)
    }

    /// A fault in this program, which has said more of it on stderr already.
    pub(crate) fn bug() -> Self {
        let message = "eigenpack failed in a way that it should not";
        Self::new(ExitCode::Bug, "bug", message)
            .hint("this is a bug: please report it, with the command and what is said above")
    }

    /// A reference that cannot be parsed, with a caret at the fault.
    pub(crate) fn bad_reference(error: &ReferenceError) -> Self {
        let before: String = error
            .text
            .chars()
            .scan(0, |at, c| {
                *at += c.len_utf8();
                (*at <= error.position).then_some(c)
            })
            .collect();
        let caret = clean(&before).chars().count();
        let mut failure = Self::new(
            ExitCode::Usage,
            "bad-reference",
            format!("'{}' is not a reference", clean(&error.text)),
        )
        .field("position", error.position)
        .hint(reference_hint(error));
        failure.causes.push(error.to_string());
        failure.details = Some(format!("  {}\n  {:caret$}^", clean(&error.text), ""));
        failure
    }

    /// An address that a server may not listen on with so little protection.
    pub(crate) fn insecure_listen(address: SocketAddr, has_users: bool, has_tls: bool) -> Self {
        let (risk, missing) = match (has_users, has_tls) {
            (true, _) => (
                "passwords and content would be sent in the clear",
                "--tls-cert FILE --tls-key FILE",
            ),
            (false, true) => (
                "anybody could read and write the store: nobody is asked for credentials",
                "--htpasswd FILE",
            ),
            (false, false) => (
                "anybody could read and write the store, and see what others do",
                "--htpasswd FILE --tls-cert FILE --tls-key FILE",
            ),
        };
        Self::new(
            ExitCode::Usage,
            "insecure-listen",
            format!("on {address} {risk}"),
        )
        .field("address", address.to_string())
        .hint(format!(
            "add {missing}, or listen on 127.0.0.1; --allow-insecure-remote accepts the risk"
        ))
    }

    /// An htpasswd file that cannot be used.
    pub(crate) fn htpasswd(path: &str, error: &HtpasswdError) -> Self {
        let failure = Self::new(
            ExitCode::Input,
            "htpasswd",
            format!("cannot use the htpasswd file {}", clean(path)),
        )
        .field("path", path)
        .caused_by(error);
        match error {
            HtpasswdError::TooLarge => failure,
            HtpasswdError::Duplicate { .. } => failure.hint("remove one of the two lines"),
            _ => failure.hint(format!(
                "set a user's password with: htpasswd -B {} USER",
                shell_quoted(path)
            )),
        }
    }

    /// A certificate and a key that cannot be used.
    pub(crate) fn tls_identity(cert: &str, key: &str, error: &TlsIdentityError) -> Self {
        let failure = Self::new(
            ExitCode::Input,
            "tls",
            format!(
                "cannot use the certificate {} with the key {}",
                clean(cert),
                clean(key)
            ),
        )
        .field("certificate", cert)
        .field("key", key)
        .caused_by(error);
        match error {
            TlsIdentityError::NoCertificate | TlsIdentityError::BadCertificate => failure.hint(
                "--tls-cert is a file in PEM: the server's certificate first, then those above it",
            ),
            TlsIdentityError::EncryptedKey => failure.hint(format!(
                "decrypt it into another file: openssl pkey -in {} -out plain.pem",
                shell_quoted(key)
            )),
            TlsIdentityError::KeyMismatch => failure
                .hint("give the key of the server's certificate, and put that certificate first"),
            _ => failure.hint("--tls-key is a file in PEM with one private key"),
        }
    }

    /// An address that a server cannot listen on.
    pub(crate) fn listen(address: SocketAddr, error: &io::Error) -> Self {
        let failure = Self::new(
            ExitCode::Input,
            "listen",
            format!("cannot listen on {address}"),
        )
        .field("address", address.to_string())
        .caused_by(error);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("take any port that is free: eigenpack serve --listen 127.0.0.1:0")
            }
            _ => failure,
        }
    }

    /// A file that is not a fault plan.
    pub(crate) fn fault_plan(path: &str, error: &FaultPlanError) -> Self {
        let message = format!("{} is not a fault plan", clean(path));
        let failure = Self::new(ExitCode::Input, "fault-plan", message)
            .field("path", path)
            .hint("see docs/faults.md for what a plan can say");
        let failure = match error {
            FaultPlanError::Malformed { line, column, .. } => {
                failure.field("line", *line).field("column", *column)
            }
            _ => failure,
        };
        failure.caused_by(error)
    }

    /// A file that could not be read or written.
    pub(crate) fn file(action: &str, path: &str, error: &io::Error) -> Self {
        let failure = Self::new(
            ExitCode::Input,
            "file",
            format!("cannot {action} {}", clean(path)),
        )
        .field("path", path)
        .caused_by(error);
        match error.kind() {
            io::ErrorKind::NotFound if action == "read" => {
                failure.hint("check the path; - reads the spec from stdin")
            }
            _ => failure,
        }
    }

    /// A file that would be replaced by something else.
    pub(crate) fn file_exists(path: &str, reference: &Reference) -> Self {
        let path = clean(path);
        Self::new(
            ExitCode::Input,
            "file-exists",
            format!("{path} holds something else already"),
        )
        .field("path", path.as_str())
        .hint(format!(
            "choose another file with -o FILE, or replace it: eigenpack pull --force {}",
            shell_quoted(&reference.to_string())
        ))
    }
}

/// Says what the reference may have been meant to be.
fn reference_hint(error: &ReferenceError) -> String {
    let forms = "a reference is HOST/REPO:TAG, REPO:TAG for the local store, or oci:PATH:TAG";
    let meant = match &error.kind {
        ReferenceErrorKind::NoRepository { host } => {
            return format!("name the repository too: {}/ORG/NAME:TAG", clean(host));
        }
        ReferenceErrorKind::DigestAlone => {
            return format!(
                "name the repository too: HOST/ORG/NAME@{}",
                clean(&error.text)
            );
        }
        ReferenceErrorKind::Scheme { scheme } => error.text.strip_prefix(scheme),
        _ => None,
    };
    match meant.filter(|meant| meant.parse::<Reference>().is_ok()) {
        Some(meant) => format!("leave it out: {}", clean(meant)),
        None => forms.to_owned(),
    }
}
