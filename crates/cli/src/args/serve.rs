//! `eigenpack serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::serve_limits::ServeLimits;

/// Serve the local store as an OCI registry
///
/// Any OCI client can push to it and pull from it; the local repository my-avs is localhost:5001/my-avs.
/// It listens on this machine only. Others can be let in with --htpasswd, --tls-cert and --tls-key. Ctrl-C stops it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack serve\n  eigenpack serve --listen 127.0.0.1:0 --read-only\n  \
    eigenpack serve --listen 0.0.0.0:5001 --htpasswd users --tls-cert cert.pem --tls-key key.pem"
)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5001", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// Refuse everything that would change the store
    #[arg(long)]
    pub(crate) read_only: bool,

    /// Ask for credentials: an htpasswd file with bcrypt hashes, as htpasswd -B makes it
    #[arg(long, value_name = "FILE")]
    pub(crate) htpasswd: Option<PathBuf>,

    /// Speak https: the certificate in PEM, followed by those that lead to its authority
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Listen on an address that others can reach without --htpasswd or TLS
    #[arg(long)]
    pub(crate) allow_insecure_remote: bool,

    /// Say each request on stderr
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) log: Option<LogFormat>,

    /// Make requests fail on purpose, as a fault plan says; docs/faults.md describes the file
    #[arg(long, value_name = "FILE")]
    pub(crate) fault: Option<String>,

    #[command(flatten)]
    pub(crate) limits: ServeLimits,
}

/// The forms of the log of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Parses an address; of names, only that of this machine is known without asking anybody.
fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    const FORM: &str = "an address is ADDR:PORT, for example 127.0.0.1:5001 or [::1]:5001";
    match text.strip_prefix("localhost:") {
        Some(port) => {
            let port = port.parse().map_err(|_| FORM)?;
            Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        }
        None => text.parse().map_err(|_| FORM),
    }
}
