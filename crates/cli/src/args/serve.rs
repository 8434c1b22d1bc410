//! `eigenpack serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::{Args, ValueEnum};

/// Serve the local store as an OCI registry
///
/// Any OCI client can push to it and pull from it; the local repository my-avs is localhost:5001/my-avs.
/// Nobody is asked for credentials, so it listens on this machine only. Ctrl-C stops it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack serve\n  eigenpack serve --listen 127.0.0.1:0 --read-only"
)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5001", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// Refuse everything that would change the store
    #[arg(long)]
    pub(crate) read_only: bool,

    /// Listen on an address that others can reach, though anybody may then read and write the store
    #[arg(long)]
    pub(crate) allow_insecure_remote: bool,

    /// Say each request on stderr
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) log: Option<LogFormat>,
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
