//! From the text of a configuration file to what it says of each registry.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use eigenpack::{RegistryHost, Route};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Fault, Position, Problem};
use super::{Entry, Placed};

/// The key of the table that all others are in.
const REGISTRY: &str = "registry";

/// What may be said of a registry.
const SETTINGS: &[&str] = &[
    "ca-file",
    "cert-file",
    "key-file",
    "insecure",
    "plain-http",
    "proxy",
];

/// The value of `proxy` that means none.
const NO_PROXY: &str = "none";

/// Reads what a file says, by the canonical forms of hosts; of all faults, the first in the file is told.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<RegistryHost, Entry>, Fault> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let valid = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Fault {
            position: Position::of(valid, valid.len()),
            problem: Problem::NotText,
        }
    })?;
    let document = DeTable::parse(text).map_err(|error| Fault {
        position: Position::of(text, error.span().map_or(0, |span| span.start)),
        problem: Problem::Syntax(error.message().to_owned()),
    })?;
    let mut reader = Reader {
        text,
        faults: Vec::new(),
    };
    let entries = reader.document(document.get_ref());
    match reader.faults.into_iter().min_by_key(|it| it.position) {
        None => Ok(entries),
        Some(fault) => Err(fault),
    }
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

type Key<'a> = Spanned<DeString<'a>>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, problem: Problem) {
        let position = self.position(span);
        self.faults.push(Fault { position, problem });
    }

    fn position(&self, span: Range<usize>) -> Position {
        Position::of(self.text, span.start)
    }

    fn unknown(&mut self, key: &Key<'_>, known: &'static [&'static str]) {
        let name = key.get_ref().clone().into_owned();
        self.fault(key.span(), Problem::UnknownKey { key: name, known });
    }

    fn document(&mut self, document: &DeTable<'_>) -> BTreeMap<RegistryHost, Entry> {
        let mut entries = BTreeMap::new();
        for (key, value) in document {
            if key.get_ref() != REGISTRY {
                self.unknown(key, &[REGISTRY]);
            } else if let Some(hosts) = self.table(key, value, REGISTRY) {
                for (name, settings) in hosts {
                    self.host(name, settings, &mut entries);
                }
            }
        }
        entries
    }

    fn host(
        &mut self,
        name: &Key<'_>,
        settings: &Value<'_>,
        entries: &mut BTreeMap<RegistryHost, Entry>,
    ) {
        let Ok(host) = name.get_ref().parse::<RegistryHost>() else {
            let (_, without_user) = name
                .get_ref()
                .rsplit_once('@')
                .unwrap_or(("", name.get_ref()));
            return self.fault(name.span(), Problem::Host(without_user.to_owned()));
        };
        let Some(settings) = self.table(name, settings, "what is said of a registry") else {
            return;
        };
        let position = self.position(name.span());
        let entry = self.entry(host.clone(), position, settings);
        if let Some(other) = entries.insert(host.canonical(), entry) {
            let mut both = [(position, host), (other.position, other.host)];
            // They come here in the order of their names.
            both.sort();
            let [(first, _), (position, host)] = both;
            let name = host.to_string();
            let problem = Problem::SameHost { name, first };
            self.faults.push(Fault { position, problem });
        }
    }

    fn entry(&mut self, host: RegistryHost, position: Position, table: &DeTable<'_>) -> Entry {
        let mut entry = Entry::new(host, position);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "ca-file" => entry.ca_file = self.path(value, "ca-file"),
                "cert-file" => entry.cert_file = self.path(value, "cert-file"),
                "key-file" => entry.key_file = self.path(value, "key-file"),
                "insecure" => entry.insecure = self.switch(value, "insecure"),
                "plain-http" => entry.plain_http = self.switch(value, "plain-http"),
                "proxy" => entry.proxy = self.proxy(value),
                _ => match value.get_ref() {
                    DeValue::Table(table) => {
                        let host = unquoted(&entry.host, key, table);
                        self.fault(key.span(), Problem::UnquotedHost(host));
                    }
                    _ => self.unknown(key, SETTINGS),
                },
            }
        }
        self.together(&entry, table);
        entry
    }

    /// Checks what has a meaning only with something else, or only without it.
    fn together(&mut self, entry: &Entry, table: &DeTable<'_>) {
        let key = |name: &str| table.iter().find(|(key, _)| key.get_ref() == name);
        for (name, partner) in [("cert-file", "key-file"), ("key-file", "cert-file")] {
            if let (Some((at, _)), None) = (key(name), key(partner)) {
                let problem = Problem::Alone { key: name, partner };
                self.fault(at.span(), problem);
            }
        }
        if !entry.plain_http {
            return;
        }
        for name in ["ca-file", "cert-file", "key-file", "insecure"] {
            // Not to be insecure is said by leaving it out, too.
            let counts = name != "insecure" || entry.insecure;
            if let Some((at, _)) = key(name).filter(|_| counts) {
                self.fault(at.span(), Problem::PlainHttp(name));
            }
        }
    }

    fn table<'t, 'v>(
        &mut self,
        key: &Key<'_>,
        value: &'t Value<'v>,
        name: &'static str,
    ) -> Option<&'t DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let problem = Problem::Kind {
                key: name,
                expected: "a table",
            };
            self.fault(key.span(), problem);
        }
        table
    }

    fn text<'t>(&mut self, value: &'t Value<'_>, key: &'static str) -> Option<&'t str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let expected = "a text";
            self.fault(value.span(), Problem::Kind { key, expected });
        }
        text
    }

    fn path(&mut self, value: &Value<'_>, key: &'static str) -> Option<Placed<PathBuf>> {
        let path = self.text(value, key)?;
        if path.is_empty() {
            self.fault(value.span(), Problem::EmptyPath(key));
        }
        Some(Placed {
            value: path.into(),
            position: self.position(value.span()),
        })
    }

    fn switch(&mut self, value: &Value<'_>, key: &'static str) -> bool {
        let switch = value.get_ref().as_bool();
        if switch.is_none() {
            let expected = "true or false";
            self.fault(value.span(), Problem::Kind { key, expected });
        }
        switch.unwrap_or_default()
    }

    fn proxy(&mut self, value: &Value<'_>) -> Option<Route> {
        let text = self.text(value, "proxy")?;
        if text == NO_PROXY {
            return Some(Route::Direct);
        }
        match text.parse() {
            Ok(url) => Some(Route::Through(url)),
            Err(error) => {
                self.fault(value.span(), Problem::Proxy(error));
                None
            }
        }
    }
}

/// Returns the host that was split by its dots into tables, as far as each of them holds nothing but the next.
fn unquoted(host: &RegistryHost, key: &Key<'_>, table: &DeTable<'_>) -> String {
    let mut whole = format!("{host}.{}", key.get_ref());
    let mut table = table;
    while table.len() == 1
        && let Some((key, value)) = table.iter().next()
        && let DeValue::Table(below) = value.get_ref()
    {
        whole.push('.');
        whole.push_str(key.get_ref());
        table = below;
    }
    whole
}

#[cfg(test)]
mod tests;
