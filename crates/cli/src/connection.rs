//! From flags and environment to how registries are spoken to.

use std::time::Duration;

use eigenpack::{
    Authorities, Client, ClientBuilder, ClientIdentity, ProxyOptions, RegistryHost, RemoteOptions,
    TlsOptions,
};

use crate::args::TransportArgs;
use crate::environment::{Environment, ProxyVariable};
use crate::failure::Failure;
use crate::input::read_file;

/// Starts a client that speaks to the registries of a command as was asked for.
pub(crate) fn configure(
    hosts: &[RegistryHost],
    args: &TransportArgs,
    environment: &Environment,
) -> Result<ClientBuilder, Failure> {
    start(options(hosts, args, environment)?, hosts, args)
}

/// Starts a client that shows nothing of who asks: no certificate either.
pub(crate) fn configure_anonymous(
    hosts: &[RegistryHost],
    args: &TransportArgs,
    environment: &Environment,
) -> Result<ClientBuilder, Failure> {
    let mut options = options(hosts, args, environment)?;
    options.tls.identity = None;
    start(options, hosts, args)
}

fn options(
    hosts: &[RegistryHost],
    args: &TransportArgs,
    environment: &Environment,
) -> Result<RemoteOptions, Failure> {
    let mut options = RemoteOptions::default();
    options.operation_timeout = Duration::from_secs(args.timeout);
    if !hosts.is_empty() {
        options.tls = tls(args)?;
        options.proxy = proxy(environment)?;
    }
    Ok(options)
}

fn start(
    options: RemoteOptions,
    hosts: &[RegistryHost],
    args: &TransportArgs,
) -> Result<ClientBuilder, Failure> {
    let mut builder = Client::builder().remote(options);
    for host in named_hosts("--plain-http", args.plain_http.as_ref(), hosts)? {
        builder = builder.plain_http(host);
    }
    for host in named_hosts("--insecure", args.insecure.as_ref(), hosts)? {
        builder = builder.insecure(host);
    }
    Ok(builder)
}

/// Returns the hosts that a flag is for: the one that it names, or all that the command speaks to.
fn named_hosts(
    flag: &str,
    value: Option<&Option<String>>,
    all: &[RegistryHost],
) -> Result<Vec<RegistryHost>, Failure> {
    match value {
        None => Ok(Vec::new()),
        Some(None) => Ok(all.to_vec()),
        Some(Some(named)) => match named.parse() {
            Ok(host) => Ok(vec![host]),
            Err(error) => Err(Failure::bad_host(flag, named, &error)),
        },
    }
}

fn tls(args: &TransportArgs) -> Result<TlsOptions, Failure> {
    let mut tls = TlsOptions::default();
    if let Some(path) = &args.ca_file {
        let pem = read_file("--ca-file", path)?;
        tls.authorities = Authorities::from_pem(&pem)
            .map_err(|error| Failure::certificate("--ca-file", path, error))?;
    }
    if let (Some(certificate), Some(key)) = (&args.cert_file, &args.key_file) {
        let identity = ClientIdentity::from_pem(
            &read_file("--cert-file", certificate)?,
            &read_file("--key-file", key)?,
        );
        let identity = identity.map_err(|error| {
            let (flag, path) = if error.is_about_key() {
                ("--key-file", key)
            } else {
                ("--cert-file", certificate)
            };
            Failure::certificate(flag, path, error)
        })?;
        tls.identity = Some(identity);
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
