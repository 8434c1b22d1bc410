//! From text to [`Reference`]; each error says at which byte the text stops being one.

use std::net::Ipv4Addr;
use std::str::FromStr;

use super::name::{NameError, NameErrorKind};
use super::{Location, Reference, RegistryHost, Repository, Selector, Tag};
use crate::digest::{Digest, DigestError};

/// The longest reference read, in bytes.
const MAX_LENGTH: usize = 4096;

/// Why a text is not a reference, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ReferenceError {
    /// What is wrong.
    pub kind: ReferenceErrorKind,
    /// The byte of the text at which it is wrong.
    pub position: usize,
    /// The text that was parsed.
    pub text: String,
}

/// What is wrong with a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// Nothing was given.
    #[error("the reference is empty")]
    Empty,
    /// More than 4096 bytes.
    #[error("a reference has at most {MAX_LENGTH} bytes")]
    TooLong,
    /// A URL was given.
    #[error("a reference has no scheme: leave {scheme} out")]
    Scheme {
        /// The scheme and its slashes.
        scheme: &'static str,
    },
    /// A form that a later version will read.
    #[error("archives cannot be read yet: unpack the tar file and name its directory with oci:")]
    Archive,
    /// A registry's host alone; as the name of a local repository it would only be mistaken for the registry.
    #[error("this names a registry and no repository there")]
    NoRepository {
        /// The host, with its port if there is one.
        host: String,
    },
    /// A digest alone.
    #[error("this is a digest without the repository that it is in")]
    DigestAlone,
    /// `oci:` without a path.
    #[error("oci: needs the path of an image layout directory")]
    NoPath,
    /// A control character; such a reference cannot be shown safely.
    #[error("a reference has no control characters")]
    ControlCharacter,
    /// A host, repository or tag that is not well formed.
    #[error(transparent)]
    Name(NameErrorKind),
    /// A digest that is not well formed.
    #[error(transparent)]
    Digest(DigestError),
}

/// A fault and its position; the text is added once, at the end.
type Fault = (ReferenceErrorKind, usize);

fn name_fault(base: usize) -> impl Fn(NameError) -> Fault {
    move |e| (ReferenceErrorKind::Name(e.kind), base + e.position)
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        parse(text).map_err(|(kind, position)| ReferenceError {
            kind,
            position,
            text: text.chars().take(MAX_LENGTH).collect(),
        })
    }
}

fn parse(text: &str) -> Result<Reference, Fault> {
    if text.is_empty() {
        return Err((ReferenceErrorKind::Empty, 0));
    }
    if text.len() > MAX_LENGTH {
        return Err((ReferenceErrorKind::TooLong, MAX_LENGTH));
    }
    if let Some(at) = text.find(char::is_control) {
        return Err((ReferenceErrorKind::ControlCharacter, at));
    }
    for scheme in ["https://", "http://", "oci://", "docker://"] {
        if text.starts_with(scheme) {
            return Err((ReferenceErrorKind::Scheme { scheme }, 0));
        }
    }
    if text.starts_with("oci-archive:") {
        return Err((ReferenceErrorKind::Archive, 0));
    }
    match text.strip_prefix("oci:") {
        Some(rest) => parse_layout(rest, "oci:".len()),
        None => parse_repository(text),
    }
}

/// Parses what stands behind `oci:`. A suffix counts only after the last `/`, so that paths may hold colons.
fn parse_layout(rest: &str, base: usize) -> Result<Reference, Fault> {
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    let suffix = match rest[last..].find('@').or_else(|| rest[last..].find(':')) {
        Some(at) if rest[last..].contains('@') => {
            // `path:tag@digest`: the tag starts at the first colon before the `@`.
            rest[last..last + at].find(':').unwrap_or(at) + last
        }
        Some(at) => last + at,
        None => rest.len(),
    };
    let path = &rest[..suffix];
    if path.is_empty() {
        return Err((ReferenceErrorKind::NoPath, base));
    }
    Ok(Reference {
        location: Location::Layout {
            path: path.to_owned(),
        },
        selector: parse_selector(&rest[suffix..], base + suffix)?,
    })
}

fn parse_repository(text: &str) -> Result<Reference, Fault> {
    let (host, start) = match text.split_once('/') {
        Some((first, _)) if RegistryHost::is_meant_by(first) => {
            let host: RegistryHost = first.parse().map_err(name_fault(0))?;
            (Some(host), first.len() + 1)
        }
        _ => (None, 0),
    };
    let rest = &text[start..];
    if host.is_none() {
        if parse_digest(rest).is_ok_and(|digest| digest.algorithm().hasher().is_some()) {
            return Err((ReferenceErrorKind::DigestAlone, 0));
        }
        if let Some(host) = host_alone(rest) {
            let host = host.to_owned();
            return Err((ReferenceErrorKind::NoRepository { host }, text.len()));
        }
    }
    let end = rest.find([':', '@']).unwrap_or(rest.len());
    let repository: Repository = rest[..end].parse().map_err(name_fault(start))?;
    let selector = parse_selector(&rest[end..], start + end)?;
    let location = match host {
        Some(host) => Location::Registry { host, repository },
        None => Location::Local { repository },
    };
    Ok(Reference { location, selector })
}

/// Returns the host in a text that is only that: whoever forgets the repository must not push to the local store.
///
/// Local repositories may have a `.` in their names, so a name with one is a host only with a port behind it.
fn host_alone(text: &str) -> Option<&str> {
    let end = text.find('@').unwrap_or(text.len());
    let text = &text[..end];
    if text.contains('/') {
        return None;
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let has_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    let host = if has_port { text } else { name };
    let is_known = host.parse().is_ok_and(|host: RegistryHost| {
        host.is_docker_hub() || host.is_loopback() || name.parse::<Ipv4Addr>().is_ok()
    });
    (is_known || has_port && name.contains('.')).then_some(host)
}

/// Parses `[:TAG][@DIGEST]`, which starts at byte `base` of the reference.
fn parse_selector(suffix: &str, base: usize) -> Result<Selector, Fault> {
    let (tag, digest) = match suffix.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (suffix, None),
    };
    let tag = match tag.strip_prefix(':') {
        Some(name) => Some(name.parse::<Tag>().map_err(name_fault(base + 1))?),
        None => None,
    };
    let digest = match digest {
        Some(text) => {
            let at = suffix.len() - text.len();
            let fault = |e| (ReferenceErrorKind::Digest(e), base + at);
            Some(parse_digest(text).map_err(fault)?)
        }
        None => None,
    };
    Ok(Selector { tag, digest })
}

fn parse_digest(text: &str) -> Result<Digest, DigestError> {
    if text.starts_with("0x") || text.starts_with("0X") {
        Digest::parse_bytes32(text)
    } else {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn parsed(text: &str) -> Reference {
        text.parse()
            .unwrap_or_else(|e: ReferenceError| panic!("{text}: {e} at {}", e.position))
    }

    #[test]
    fn tells_registries_from_the_local_store() {
        for registry in [
            "ghcr.io/org/a:t",
            "localhost/a",
            "localhost:5000/a/b",
            "h:1/a",
            "[::1]:5/a",
            "docker.io/a",
        ] {
            assert!(parsed(registry).location.is_registry(), "{registry}");
        }
        for local in [
            "a",
            "a:t",
            "a/b:t",
            "org/a",
            &format!("a@sha256:{HEX}"),
            "host:t",
        ] {
            assert!(
                matches!(parsed(local).location, Location::Local { .. }),
                "{local}"
            );
        }
    }

    #[test]
    fn a_host_or_a_digest_alone_is_none() {
        for (text, host) in [
            ("localhost", "localhost"),
            ("localhost:5001", "localhost:5001"),
            ("localhost:v1", "localhost"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("10.0.0.1", "10.0.0.1"),
            ("docker.io:v1", "docker.io"),
            ("ghcr.io:5000", "ghcr.io:5000"),
            (&format!("localhost:5000@sha256:{HEX}"), "localhost:5000"),
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            let host = host.to_owned();
            assert_eq!(
                error.kind,
                ReferenceErrorKind::NoRepository { host },
                "{text}"
            );
        }
        for text in [format!("sha256:{HEX}"), format!("0x{HEX}")] {
            let error = text.parse::<Reference>().unwrap_err();
            assert_eq!(error.kind, ReferenceErrorKind::DigestAlone, "{text}");
        }
        for local in ["my-avs:5000", "my.avs:v1", "local/host:5000", "localhosts"] {
            assert!(!parsed(local).location.is_registry(), "{local}");
        }
    }

    #[test]
    fn a_chain_digest_is_a_digest() {
        let reference = parsed(&format!("my-avs:t@0x{}", HEX.to_uppercase()));
        assert_eq!(reference.to_string(), format!("my-avs:t@sha256:{HEX}"));
    }

    #[test]
    fn a_layout_suffix_counts_after_the_last_slash() {
        let layout = |text: &str| match parsed(text) {
            Reference {
                location: Location::Layout { path },
                selector,
            } => (
                path,
                selector.tag.map(|t| t.to_string()),
                selector.digest.is_some(),
            ),
            other => panic!("{other:?}"),
        };
        assert_eq!(layout("oci:a:b/c"), ("a:b/c".into(), None, false));
        assert_eq!(
            layout("oci:/x/y:t"),
            ("/x/y".into(), Some("t".into()), false)
        );
        assert_eq!(
            layout(&format!("oci:y@sha256:{HEX}")),
            ("y".into(), None, true)
        );
        assert_eq!(
            layout(&format!("oci:u@h/y:t@sha256:{HEX}")),
            ("u@h/y".into(), Some("t".into()), true)
        );
    }

    #[test]
    fn errors_point_at_the_fault() {
        for (text, position) in [
            ("", 0),
            ("https://ghcr.io/a", 0),
            ("ghcr.io/Org/a", 8),
            ("ghcr.io/org/a:", 14),
            ("ghcr.io/org/a:t!", 15),
            ("a@sha256:abc", 2),
            ("a@0x12", 2),
            ("h:99999/a", 2),
            ("oci:", 4),
            ("oci-archive:x.tar", 0),
            ("a\nb", 1),
            ("A", 0),
            ("a/b/", 4),
        ] {
            assert_eq!(
                text.parse::<Reference>().unwrap_err().position,
                position,
                "{text:?}"
            );
        }
    }

    fn reference_text() -> impl Strategy<Value = String> {
        let host = prop_oneof![
            Just(String::new()),
            Just("oci:".into()),
            Just("oci:/tmp/".into()),
            "[a-z]{1,5}\\.[a-z]{2}/",
            "localhost:[1-9][0-9]{0,3}/",
        ];
        let name = "[a-z0-9]{1,8}(/[a-z0-9]{1,4}([._-][a-z0-9]{1,3})?){0,2}";
        let tag = prop_oneof![Just(String::new()), ":[A-Za-z0-9_][A-Za-z0-9._-]{0,10}"];
        let digest = prop_oneof![Just(String::new()), "@sha256:[0-9a-f]{64}"];
        (host, name, tag, digest).prop_map(|(h, n, t, d)| format!("{h}{n}{t}{d}"))
    }

    proptest! {
        #[test]
        fn round_trips(text in reference_text()) {
            let reference = text.parse::<Reference>().unwrap();
            prop_assert_eq!(reference.to_string(), text);
        }

        #[test]
        fn never_panics(text in "\\PC{0,60}|[a-z:@/.0x-]{0,60}") {
            if let Ok(reference) = text.parse::<Reference>() {
                let shown = reference.to_string();
                prop_assert_eq!(shown.parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
