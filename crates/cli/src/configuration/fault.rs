//! What is wrong with a configuration file, and where.

use std::fmt;

use eigenpack::ProxyUrlError;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The column in characters, counted from 1. A byte order mark is not counted.
    pub(crate) column: usize,
}

/// What is wrong at which place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) position: Position,
    pub(crate) problem: Problem,
}

/// What is wrong. It shows keys and hosts, and no other value: one may be a proxy's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A byte that is not UTF-8.
    NotText,
    /// Not TOML; the parser's words.
    Syntax(String),
    /// A key that is not known there.
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    /// A host whose dots split it, since it stands without quotes.
    UnquotedHost(String),
    /// A value of another kind than the key has.
    Kind {
        key: &'static str,
        expected: &'static str,
    },
    /// A path without a character.
    EmptyPath(&'static str),
    /// A table's name that is not a registry's host, without what may be a password.
    Host(String),
    /// A registry that has a table already.
    SameHost { name: String, first: Position },
    /// A certificate without its key, or a key without its certificate.
    Alone {
        key: &'static str,
        partner: &'static str,
    },
    /// A setting of TLS for a registry that does not speak it.
    PlainHttp(&'static str),
    /// A proxy that cannot be used.
    Proxy(ProxyUrlError),
    /// A path below a home directory that nobody knows.
    NoHome,
}

impl Position {
    /// Returns where the byte at `offset` is.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.trim_start_matches('\u{feff}').chars().count() + 1,
        }
    }
}

impl Problem {
    /// Says what to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NotText | Self::Syntax(_) => {
                "it is TOML: hosts, paths and URLs stand in quotes, as in [registry.\"ghcr.io\"]"
                    .to_owned()
            }
            Self::UnknownKey { known, .. } => format!("known here: {}", known.join(", ")),
            Self::UnquotedHost(host) => format!("put it in quotes: [registry.\"{host}\"]"),
            Self::Kind { key, expected } => match *expected {
                "a table" => "settings stand below a host: [registry.\"ghcr.io\"]".to_owned(),
                "true or false" => format!("write {key} = true, or leave it out"),
                _ => format!("write {key} = \"TEXT\""),
            },
            Self::EmptyPath(key) => format!("name a file in PEM, or leave {key} out"),
            Self::Host(_) => {
                "name it as references do, without https:// and without a path".to_owned()
            }
            Self::SameHost { .. } => "put its settings in one table".to_owned(),
            Self::Alone { partner, .. } => format!("add {partner} = \"FILE\""),
            Self::PlainHttp(key) => format!("leave plain-http out, or {key}"),
            Self::Proxy(_) => {
                "write proxy = \"http://HOST:PORT\", or proxy = \"none\" for none".to_owned()
            }
            Self::NoHome => "write the whole path".to_owned(),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("this is not UTF-8 text"),
            Self::Syntax(words) => f.write_str(words),
            Self::UnknownKey { key, .. } => write!(f, "there is no setting '{key}'"),
            Self::UnquotedHost(host) => {
                write!(f, "the dots of {host} split it, since it has no quotes")
            }
            Self::Kind { key, expected } => write!(f, "{key} must be {expected}"),
            Self::EmptyPath(key) => write!(f, "{key} names no file"),
            Self::Host(name) => write!(
                f,
                "'{name}' is not a registry's host: NAME[:PORT], IPV4[:PORT] or [IPV6][:PORT]"
            ),
            Self::SameHost { name, first } => {
                write!(f, "{name} has settings already, at {first}")
            }
            Self::Alone { key, partner } => write!(f, "{key} is of no use without {partner}"),
            Self::PlainHttp(key) => {
                write!(f, "{key} is about TLS, and with plain-http there is none")
            }
            Self::Proxy(error) => error.fmt(f),
            Self::NoHome => f.write_str("no home directory is known that ~ could stand for"),
        }
    }
}
