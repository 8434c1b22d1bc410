//! Docker's `config.json` as a document that is changed in one place and kept in all others.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eigenpack_oci::RegistryHost;
use eigenpack_oci::distribution::Credential;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::ser::PrettyFormatter;
use serde_json::value::{RawValue, to_raw_value};

use crate::credentials::file::{Fields, names_host};
use crate::credentials::helper::HelperName;

/// The fields of an entry that hold a credential.
const SECRETS: [&str; 5] = [
    "auth",
    "identitytoken",
    "registrytoken",
    "username",
    "password",
];

/// How deep values are taken apart to be indented; what is deeper stays in its spelling.
const MAX_DEPTH: usize = 16;

/// A `config.json`: its fields in their order, each number and text in its spelling.
#[derive(Debug)]
pub(super) struct Document {
    fields: Vec<(String, Node)>,
    /// Whether the last line is ended.
    final_newline: bool,
    changed: bool,
}

/// An entry that was removed.
pub(super) struct Removed {
    pub(super) key: String,
    pub(super) held_something: bool,
}

#[derive(Debug)]
enum Node {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Scalar(Box<RawValue>),
}

impl Document {
    /// Reads a document that [`CredentialFile::parse`](crate::credentials::CredentialFile::parse) accepts.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = if bytes.trim_ascii().is_empty() {
            Vec::new()
        } else {
            let whole: &RawValue = serde_json::from_slice(bytes).ok()?;
            match Node::of(whole.to_owned(), MAX_DEPTH) {
                Node::Object(fields) => fields,
                Node::Array(_) | Node::Scalar(_) => return None,
            }
        };
        Some(Self {
            fields,
            final_newline: bytes.ends_with(b"\n"),
            changed: false,
        })
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Writes the document with tabs, as Docker does.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        serialize_fields(&self.fields, &mut serializer)?;
        if self.final_newline {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// Sets what the entry of a key holds; what else is in it stays.
    pub(super) fn set_entry(&mut self, key: &str, credential: Option<&Credential>) {
        let auths = object(&mut self.fields, "auths", |name| {
            name.eq_ignore_ascii_case("auths")
        });
        let entry = object(auths, key, |name| name == key);
        entry.retain(|(name, _)| !is_secret(name));
        entry.extend(credential.into_iter().filter_map(secret_field));
        self.changed = true;
    }

    /// Sets the helper for all registries that have none of their own.
    pub(super) fn set_store(&mut self, name: &HelperName) {
        if let Some(value) = scalar(name.as_str()) {
            let slot = find_or_add(&mut self.fields, "credsStore", |name| {
                name.eq_ignore_ascii_case("credsStore")
            });
            *slot = value;
            self.changed = true;
        }
    }

    /// Removes the entries that are for a registry as a whole.
    pub(super) fn remove_entries(&mut self, host: &RegistryHost) -> Vec<Removed> {
        let mut removed = Vec::new();
        for (name, auths) in &mut self.fields {
            if !name.eq_ignore_ascii_case("auths") {
                continue;
            }
            if let Node::Object(entries) = auths {
                entries.retain(|(key, entry)| {
                    let is_wanted = names_host(key, host);
                    if is_wanted {
                        removed.push(Removed {
                            key: key.clone(),
                            held_something: entry.holds_credential(),
                        });
                    }
                    !is_wanted
                });
            }
        }
        self.changed |= !removed.is_empty();
        removed
    }
}

impl Node {
    fn of(raw: Box<RawValue>, depth: usize) -> Self {
        let Some(deeper) = depth.checked_sub(1) else {
            return Self::Scalar(raw);
        };
        match raw.get().as_bytes().first() {
            Some(b'{') => match Fields::of(&raw) {
                Some(fields) => Self::Object(
                    fields
                        .into_iter()
                        .map(|(key, raw)| (key, Self::of(raw, deeper)))
                        .collect(),
                ),
                None => Self::Scalar(raw),
            },
            Some(b'[') => match serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()) {
                Ok(items) => {
                    Self::Array(items.into_iter().map(|raw| Self::of(raw, deeper)).collect())
                }
                Err(_) => Self::Scalar(raw),
            },
            _ => Self::Scalar(raw),
        }
    }

    fn holds_credential(&self) -> bool {
        match self {
            Self::Object(fields) => fields.iter().any(|(name, _)| is_secret(name)),
            Self::Array(_) => true,
            Self::Scalar(raw) => raw.get() != "null",
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(fields) => serialize_fields(fields, serializer),
            Self::Array(items) => items.serialize(serializer),
            Self::Scalar(raw) => raw.serialize(serializer),
        }
    }
}

fn serialize_fields<S: Serializer>(
    fields: &[(String, Node)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for (key, value) in fields {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Makes the field of an entry that holds a credential.
fn secret_field(credential: &Credential) -> Option<(String, Node)> {
    let (name, value) = match credential {
        Credential::Anonymous => return None,
        Credential::Basic { username, password } => {
            let pair = format!("{username}:{}", password.expose());
            ("auth", BASE64_STANDARD.encode(pair))
        }
        Credential::IdentityToken(token) => ("identitytoken", token.expose().clone()),
        Credential::RegistryToken(token) => ("registrytoken", token.expose().clone()),
    };
    Some((name.to_owned(), scalar(&value)?))
}

fn scalar(text: &str) -> Option<Node> {
    to_raw_value(text).ok().map(Node::Scalar)
}

/// Returns the object of a field, which is added where it is missing and made one where it is something else.
fn object<'a>(
    fields: &'a mut Vec<(String, Node)>,
    name: &str,
    is_it: impl Fn(&str) -> bool,
) -> &'a mut Vec<(String, Node)> {
    let node = find_or_add(fields, name, is_it);
    if !matches!(node, Node::Object(_)) {
        *node = Node::Object(Vec::new());
    }
    match node {
        Node::Object(fields) => fields,
        Node::Array(_) | Node::Scalar(_) => unreachable!("it was made one above"),
    }
}

/// Returns the last field that is wanted, which is the one that counts, or adds it at the end.
fn find_or_add<'a>(
    fields: &'a mut Vec<(String, Node)>,
    name: &str,
    is_it: impl Fn(&str) -> bool,
) -> &'a mut Node {
    let found = fields.iter().rposition(|(key, _)| is_it(key));
    let at = found.unwrap_or_else(|| {
        fields.push((name.to_owned(), Node::Object(Vec::new())));
        fields.len() - 1
    });
    &mut fields[at].1
}
