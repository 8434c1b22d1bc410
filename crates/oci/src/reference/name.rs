//! The names inside a reference: repositories, tags and registry hosts.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A well-formed repository name, such as `org/my-avs`.
///
/// The grammar is that of the distribution specification, "Pulling manifests": lower-case components of letters and
/// digits, separated inside by `.`, `_`, `__` or dashes, and from each other by `/`; at most 255 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(Box<str>);

/// A well-formed tag, such as `opset-0-v1`: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

/// A registry's host name or address with an optional port, as the user wrote it.
///
/// A name, an IPv4 address, or an IPv6 address in brackets; the port is 1 to 65535.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(Box<str>);

/// Why a name is refused, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct NameError {
    /// What is wrong.
    pub kind: NameErrorKind,
    /// The byte of the name at which it is wrong.
    pub position: usize,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameErrorKind {
    /// Nothing where a name should be.
    #[error("a name is missing here")]
    Empty,
    /// An upper-case letter in a repository name.
    #[error("repository names are lower case")]
    UpperCase,
    /// A character that a repository name cannot hold there.
    #[error(
        "a repository name is made of a-z, 0-9 and single '.', '_', '__' or dashes between them"
    )]
    RepositoryCharacter,
    /// A repository name over 255 characters.
    #[error("a repository name has at most 255 characters")]
    RepositoryTooLong,
    /// A character that a tag cannot hold there.
    #[error(
        "a tag is made of letters, digits, '_', '.' and '-', and starts with none of the last two"
    )]
    TagCharacter,
    /// A tag over 128 characters.
    #[error("a tag has at most 128 characters")]
    TagTooLong,
    /// A host that is neither a name nor an address.
    #[error("this is not a registry host: NAME[:PORT], IPV4[:PORT] or [IPV6][:PORT]")]
    Host,
    /// A port that is not a number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl NameErrorKind {
    pub(crate) fn at(self, position: usize) -> NameError {
        NameError {
            kind: self,
            position,
        }
    }
}

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text_type!(Repository);
text_type!(Tag);
text_type!(RegistryHost);

impl Repository {
    /// Returns the last component, which names a pulled file.
    pub fn last_component(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for Repository {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > 255 {
            return Err(NameErrorKind::RepositoryTooLong.at(255));
        }
        let mut start = 0;
        for component in text.split('/') {
            check_component(component).map_err(|e| e.kind.at(start + e.position))?;
            start += component.len() + 1;
        }
        Ok(Self(text.into()))
    }
}

/// Checks one component: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn check_component(component: &str) -> Result<(), NameError> {
    if component.is_empty() {
        return Err(NameErrorKind::Empty.at(0));
    }
    let bytes = component.as_bytes();
    let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut at = 0;
    while at < bytes.len() {
        let separator = bytes[at..]
            .iter()
            .take_while(|b| b".-_".contains(b))
            .count();
        let valid_separator = match &bytes[at..at + separator] {
            [] => at == 0,
            b"." | b"_" | b"__" => at > 0,
            dashes => at > 0 && dashes.iter().all(|b| *b == b'-'),
        };
        let word = bytes[at + separator..]
            .iter()
            .take_while(|b| is_alphanumeric(**b))
            .count();
        if bytes
            .get(at + separator + word)
            .is_some_and(u8::is_ascii_uppercase)
        {
            return Err(NameErrorKind::UpperCase.at(at + separator + word));
        }
        if !valid_separator || word == 0 {
            return Err(NameErrorKind::RepositoryCharacter.at(at));
        }
        at += separator + word;
    }
    Ok(())
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        for (position, byte) in text.bytes().enumerate() {
            if !(is_word(byte) || (position > 0 && matches!(byte, b'.' | b'-'))) {
                return Err(NameErrorKind::TagCharacter.at(position));
            }
        }
        match text.len() {
            0 => Err(NameErrorKind::Empty.at(0)),
            1..=128 => Ok(Self(text.into())),
            _ => Err(NameErrorKind::TagTooLong.at(128)),
        }
    }
}

impl RegistryHost {
    /// Tells whether the first segment of a name, with a `/` behind it, is meant as a host, well formed or not.
    ///
    /// This is Docker's rule: it has a `.` or a `:`, or is `localhost`.
    pub fn is_meant_by(segment: &str) -> bool {
        // `name@sha256:…/x` is a broken digest, not a host.
        !segment.contains('@') && (segment == "localhost" || segment.contains(['.', ':']))
    }

    /// Returns the host without its port; an IPv6 address without its brackets.
    pub fn hostname(&self) -> &str {
        let (host, _) = split_port(&self.0);
        host.strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// Returns the port, where one was given.
    pub fn port(&self) -> Option<u16> {
        split_port(&self.0).1.and_then(|port| port.parse().ok())
    }

    /// Tells whether the host is this machine: `localhost`, `127.0.0.0/8` or `::1`.
    ///
    /// Judged by the text alone: a name that resolves to a loopback address is not one.
    pub fn is_loopback(&self) -> bool {
        let host = self.hostname();
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|a| a.is_loopback())
            || host.parse::<Ipv6Addr>().is_ok_and(|a| a.is_loopback())
    }

    /// Tells whether the host is one of Docker Hub's names, in upper or lower case.
    pub fn is_docker_hub(&self) -> bool {
        let names = ["docker.io", "index.docker.io", "registry-1.docker.io"];
        names.iter().any(|name| self.0.eq_ignore_ascii_case(name))
    }

    /// Returns the host that answers on the wire: Docker Hub's registry has another name than its users write.
    pub fn on_the_wire(&self) -> &str {
        if self.is_docker_hub() {
            "registry-1.docker.io"
        } else {
            &self.0
        }
    }

    /// Returns the one form of all the ways to write this host: in lower case, and Docker Hub by the name that answers.
    ///
    /// A port is kept as it is, the scheme's own one too.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self(self.on_the_wire().to_ascii_lowercase().into())
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_brackets = text.rfind(']').map_or(0, |at| at + 1);
    match text[after_brackets..].rfind(':') {
        Some(at) => (
            &text[..after_brackets + at],
            Some(&text[after_brackets + at + 1..]),
        ),
        None => (text, None),
    }
}

impl FromStr for RegistryHost {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (host, port) = split_port(text);
        if host.is_empty() {
            return Err(NameErrorKind::Empty.at(0));
        }
        let valid = match host.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
            None => host.len() <= 253 && host.split('.').all(is_domain_component),
        };
        if !valid {
            return Err(NameErrorKind::Host.at(0));
        }
        match port {
            Some(port)
                if !port.bytes().all(|b| b.is_ascii_digit())
                    || !port.parse::<u16>().is_ok_and(|port| port > 0) =>
            {
                Err(NameErrorKind::Port.at(host.len() + 1))
            }
            _ => Ok(Self(text.into())),
        }
    }
}

fn is_domain_component(component: &str) -> bool {
    !component.is_empty()
        && !component.starts_with('-')
        && !component.ends_with('-')
        && component
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_names_follow_the_specification() {
        for good in [
            "a",
            "a/b",
            "a-b",
            "a--b",
            "a__b",
            "a_b.c",
            "0/a.b/c-d",
            "library/x",
        ] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        for (bad, position) in [
            ("", 0),
            ("a/", 2),
            ("/a", 0),
            ("a//b", 2),
            ("a..b", 1),
            ("a/_b", 2),
            ("a.", 1),
            ("a___b", 1),
            ("aB", 1),
            ("a b", 1),
            ("..", 0),
            ("a/../b", 2),
        ] {
            assert_eq!(
                bad.parse::<Repository>().unwrap_err().position,
                position,
                "{bad}"
            );
        }
    }

    #[test]
    fn tags_follow_the_specification() {
        for good in ["_x", "a..b", "a-", "v1.0", "A", &"t".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for (bad, position) in [("", 0), (".a", 0), ("-a", 0), ("a/b", 1), ("a+b", 1)] {
            assert_eq!(bad.parse::<Tag>().unwrap_err().position, position, "{bad}");
        }
        assert_eq!(
            "t".repeat(129).parse::<Tag>().unwrap_err().kind,
            NameErrorKind::TagTooLong
        );
    }

    #[test]
    fn a_host_has_one_form_however_it_is_written() {
        for (written, canonical) in [
            ("GHCR.io:443", "ghcr.io:443"),
            ("docker.io", "registry-1.docker.io"),
            ("Index.Docker.IO", "registry-1.docker.io"),
            ("[2001:DB8::1]:5000", "[2001:db8::1]:5000"),
        ] {
            let host: RegistryHost = written.parse().unwrap();
            assert_eq!(host.canonical().as_str(), canonical);
            // The wire is the same for every spelling.
            assert!(host.on_the_wire().eq_ignore_ascii_case(canonical));
            assert_eq!(host.is_docker_hub(), canonical == "registry-1.docker.io");
        }
    }

    #[test]
    fn hosts_have_ports_and_brackets() {
        let host: RegistryHost = "[::1]:5000".parse().unwrap();
        assert_eq!(
            (host.hostname(), host.port(), host.is_loopback()),
            ("::1", Some(5000), true)
        );
        for good in ["ghcr.io", "localhost:1", "127.8.0.1:65535", "[2001:db8::1]"] {
            assert!(good.parse::<RegistryHost>().is_ok(), "{good}");
        }
        for bad in [
            "", ":5", "a:0", "a:65536", "a:+1", "a:", "[::1", "[x]", "-a.b", "a..b", "[::1%1]",
            "a_b",
        ] {
            assert!(bad.parse::<RegistryHost>().is_err(), "{bad}");
        }
        assert!(
            !"localhost.evil.test"
                .parse::<RegistryHost>()
                .unwrap()
                .is_loopback()
        );
    }
}
