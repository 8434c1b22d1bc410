//! What the file says of a host, where no flag says otherwise.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use eigenpack::{HostOptions, RegistryHost, RemoteOptions};

use super::{Configuration, Entry, Placed, Position};
use crate::certificates::{NamedFile, authorities, identity};
use crate::failure::Failure;

/// What flags say of a registry of the command: it counts before what the file says.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Said {
    pub(crate) plain_http: bool,
    pub(crate) insecure: bool,
    pub(crate) ca_file: bool,
    pub(crate) cert_file: bool,
}

/// Which settings of a registry are those of the file, to be shown.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The registry, as the file names it.
    host: RegistryHost,
    path: PathBuf,
    used: Vec<&'static str>,
    /// Those that a flag counts before.
    outranked: Vec<&'static str>,
}

impl Said {
    /// Tells whether TLS is to be spoken: whoever names certificates wants them used.
    fn over_tls(self) -> bool {
        self.insecure || self.ca_file || self.cert_file
    }
}

impl Configuration {
    /// Sets in `options` what the file says of a registry of the command. Its files must be usable.
    pub(crate) fn set(
        &self,
        host: &RegistryHost,
        said: Said,
        options: &mut RemoteOptions,
    ) -> Result<Option<Settings>, Failure> {
        let Some(entry) = self.entries.get(&host.canonical()) else {
            return Ok(None);
        };
        let mut settings = Settings {
            host: entry.host.clone(),
            path: self.path.clone(),
            used: Vec::new(),
            outranked: Vec::new(),
        };
        let options = options.host(host);
        settings.add("proxy", entry.proxy.is_some(), false);
        options.route.clone_from(&entry.proxy);
        options.plain_http = settings.add("plain-http", entry.plain_http, said.over_tls());
        // A flag that names authorities wants the registry's certificate verified.
        let outranked = said.plain_http || said.ca_file;
        if settings.add("insecure", entry.insecure, outranked) {
            options.tls.take_any_certificate();
        }
        if settings.add("ca-file", entry.ca_file.is_some(), outranked) {
            self.set_authorities(entry, options)?;
        }
        let outranked = said.plain_http || said.cert_file;
        if let (Some(certificate), Some(key)) = (&entry.cert_file, &entry.key_file)
            && settings.add("cert-file and key-file", true, outranked)
        {
            let certificate = self.file("cert-file", certificate);
            let identity = identity(&certificate, &self.file("key-file", key))?;
            options.tls.identity = Some(identity);
            options.tls.on_loopback = true;
        }
        Ok(Some(settings))
    }

    /// Sets in `options` what the file says of hosts that the registries of a command, which are `named`, may lead to. Most
    /// of them will not, so what cannot be used is left out, and told.
    pub(crate) fn set_for_others(
        &self,
        named: &BTreeSet<RegistryHost>,
        options: &mut RemoteOptions,
    ) -> Vec<Failure> {
        let entries = self.entries.iter();
        let others = entries.filter(|(host, _)| !named.contains(host));
        let failures = others.filter_map(|(host, entry)| {
            let options = options.host(host);
            options.plain_http = entry.plain_http;
            options.route.clone_from(&entry.proxy);
            self.set_authorities(entry, options).err()
        });
        failures.collect()
    }

    fn set_authorities(&self, entry: &Entry, options: &mut HostOptions) -> Result<(), Failure> {
        if let Some(file) = &entry.ca_file {
            options.tls.authorities = authorities(&self.file("ca-file", file))?;
            options.tls.on_loopback = true;
        }
        Ok(())
    }

    fn file<'a>(&self, name: &'static str, file: &'a Placed<PathBuf>) -> NamedFile<'a> {
        NamedFile {
            name,
            path: &file.value,
            place: Some(self.place(file.position)),
        }
    }

    /// Renders a place in the file.
    fn place(&self, position: Position) -> String {
        format!("{}:{position}", self.path.display())
    }
}

impl Settings {
    /// Notes a setting that is there, and tells whether it is used.
    fn add(&mut self, name: &'static str, is_there: bool, outranked: bool) -> bool {
        if is_there {
            let list = if outranked {
                &mut self.outranked
            } else {
                &mut self.used
            };
            list.push(name);
        }
        is_there && !outranked
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = match self.used.as_slice() {
            [] => "nothing".to_owned(),
            used => used.join(", "),
        };
        write!(f, "{} from {}: {used}", self.host, self.path.display())?;
        if !self.outranked.is_empty() {
            let outranked = self.outranked.join(", ");
            write!(f, " (flags outrank {outranked})")?;
        }
        Ok(())
    }
}
