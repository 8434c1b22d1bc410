//! From flags, the configuration file and the environment to how registries are spoken to.

use std::collections::BTreeSet;
use std::time::Duration;

use eigenpack::{Client, ClientBuilder, ProxyOptions, RegistryHost, RemoteOptions, TlsOptions};

use crate::args::TransportArgs;
use crate::certificates::{NamedFile, authorities, identity};
use crate::configuration::{Configuration, ConfigurationFile, Said};
use crate::context::Context;
use crate::environment::{Environment, ProxyVariable};
use crate::failure::Failure;
use crate::input::on_a_thread;

/// Starts a client that shows nothing of who asks, of how the registries of a command are spoken to: no certificate either.
pub(crate) fn anonymous(hosts: &[RegistryHost], mut options: RemoteOptions) -> ClientBuilder {
    options.tls.identity = None;
    for host in hosts {
        options.host(host).tls.identity = None;
    }
    Client::builder_with(options)
}

/// Returns how the registries of a command are spoken to, and tells those who want to know what the configuration file has to
/// do with it.
pub(crate) async fn options(
    hosts: &[RegistryHost],
    args: &TransportArgs,
    context: &Context,
) -> Result<RemoteOptions, Failure> {
    let (options, notes) = resolve(hosts, args, context).await?;
    for note in notes {
        context.detail(note);
    }
    Ok(options)
}

/// Decides on a thread of its own: a file that is named may be a pipe which nobody writes to, and an interruption is heard
/// all the same.
async fn resolve(
    hosts: &[RegistryHost],
    args: &TransportArgs,
    context: &Context,
) -> Result<(RemoteOptions, Vec<String>), Failure> {
    let hosts: BTreeSet<_> = hosts.iter().map(RegistryHost::canonical).collect();
    let (args, environment) = (args.clone(), context.environment.clone());
    let configuration = context.configuration.clone();
    on_a_thread(move || decide(&hosts, &args, &environment, configuration.as_ref())).await
}

/// Decides: flags count before the configuration file, and that before the environment.
fn decide(
    hosts: &BTreeSet<RegistryHost>,
    args: &TransportArgs,
    environment: &Environment,
    configuration: Option<&ConfigurationFile>,
) -> Result<(RemoteOptions, Vec<String>), Failure> {
    let mut options = RemoteOptions::default();
    options.operation_timeout = Duration::from_secs(args.timeout);
    let plain_http = named_hosts("--plain-http", args.plain_http.as_ref(), hosts)?;
    let insecure = named_hosts("--insecure", args.insecure.as_ref(), hosts)?;
    let mut notes = Vec::new();
    if hosts.is_empty() {
        return Ok((options, notes));
    }
    options.tls = tls(args)?;
    options.proxy = proxy(environment)?;
    let configuration =
        configuration.map_or_else(|| Ok(Configuration::default()), ConfigurationFile::read)?;
    for host in hosts {
        let said = Said {
            plain_http: plain_http.contains(host),
            insecure: insecure.contains(host),
            ca_file: args.ca_file.is_some(),
            cert_file: args.cert_file.is_some(),
        };
        let settings = configuration.set(host, said, &mut options)?;
        notes.extend(settings.map(|it| it.to_string()));
    }
    let unusable = configuration.set_for_others(hosts, &mut options);
    notes.extend(
        unusable
            .iter()
            .map(|it| format!("not used: {}", it.message)),
    );
    for host in &insecure {
        options.host(host).tls.take_any_certificate();
    }
    for host in &plain_http {
        options.host(host).plain_http = true;
    }
    Ok((options, notes))
}

/// Returns the hosts that a flag is for: the one that it names, or all that the command speaks to.
fn named_hosts(
    flag: &str,
    value: Option<&Option<String>>,
    all: &BTreeSet<RegistryHost>,
) -> Result<BTreeSet<RegistryHost>, Failure> {
    match value {
        None => Ok(BTreeSet::new()),
        Some(None) => Ok(all.clone()),
        Some(Some(named)) => match named.parse::<RegistryHost>() {
            Ok(host) => Ok(BTreeSet::from([host.canonical()])),
            Err(error) => Err(Failure::bad_host(flag, named, &error)),
        },
    }
}

fn tls(args: &TransportArgs) -> Result<TlsOptions, Failure> {
    let mut tls = TlsOptions::default();
    if let Some(path) = &args.ca_file {
        tls.authorities = authorities(&NamedFile::flag("--ca-file", path))?;
    }
    if let (Some(certificate), Some(key)) = (&args.cert_file, &args.key_file) {
        tls.identity = Some(identity(
            &NamedFile::flag("--cert-file", certificate),
            &NamedFile::flag("--key-file", key),
        )?);
    }
    // Whoever names certificates wants them used, on loopback too.
    tls.on_loopback = args.ca_file.is_some() || args.cert_file.is_some();
    Ok(tls)
}

fn proxy(environment: &Environment) -> Result<ProxyOptions, Failure> {
    let parse = |variable: &Option<ProxyVariable>| {
        let Some(variable) = variable else {
            return Ok(None);
        };
        let text = variable.value.to_str().unwrap_or_default();
        text.parse()
            .map(Some)
            .map_err(|error| Failure::proxy(variable.name, error))
    };
    let mut proxy = ProxyOptions::default();
    proxy.http = parse(&environment.http_proxy)?;
    proxy.https = parse(&environment.https_proxy)?;
    proxy.no_proxy.clone_from(&environment.no_proxy);
    Ok(proxy)
}
