//! The configuration file: how single registries are reached.

mod fault;
mod file;
mod parse;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use eigenpack::{RegistryHost, Route};

pub(crate) use fault::{Fault, Position};
pub(crate) use file::ConfigurationFile;
pub(crate) use settings::Said;

/// What the file says; nothing where there is none.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    path: PathBuf,
    /// By the canonical forms of hosts.
    entries: BTreeMap<RegistryHost, Entry>,
}

/// What it says of one host.
#[derive(Debug)]
struct Entry {
    /// The host as it is written there.
    host: RegistryHost,
    position: Position,
    ca_file: Option<Placed<PathBuf>>,
    cert_file: Option<Placed<PathBuf>>,
    key_file: Option<Placed<PathBuf>>,
    insecure: bool,
    plain_http: bool,
    proxy: Option<Route>,
}

impl Entry {
    fn new(host: RegistryHost, position: Position) -> Self {
        Self {
            host,
            position,
            ca_file: None,
            cert_file: None,
            key_file: None,
            insecure: false,
            plain_http: false,
            proxy: None,
        }
    }
}

/// A value, and where it stands.
#[derive(Debug)]
struct Placed<T> {
    value: T,
    position: Position,
}
