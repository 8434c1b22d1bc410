//! The limits of `eigenpack serve`.

use std::time::Duration;

use clap::Args;
use eigenpack::oci::MAX_MANIFEST_SIZE;

use super::quantity::{parse_count, parse_duration, parse_size, parse_timeout};

/// What a server takes, and how long it waits.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ServeLimits {
    /// The largest manifest; at most 4MiB, which is what a store keeps
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = parse_manifest_size)]
    pub(crate) max_manifest_size: u64,

    /// The largest blob
    #[arg(long, value_name = "SIZE", default_value = "64GiB", value_parser = parse_size)]
    pub(crate) max_upload_size: u64,

    /// The most uploads open at once
    #[arg(long, value_name = "NUMBER", default_value = "1024", value_parser = parse_count)]
    pub(crate) max_uploads: usize,

    /// How long an upload may lie untouched before it is thrown away
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_timeout)]
    pub(crate) upload_expiry: Duration,

    /// The largest head of a request, its line and headers together; at least 8KiB
    #[arg(long, value_name = "SIZE", default_value = "32KiB", value_parser = parse_header_size)]
    pub(crate) max_header_size: usize,

    /// The longest path of a request
    #[arg(long, value_name = "SIZE", default_value = "8KiB", value_parser = parse_small_size)]
    pub(crate) max_path_size: usize,

    /// The longest query of a request
    #[arg(long, value_name = "SIZE", default_value = "8KiB", value_parser = parse_small_size)]
    pub(crate) max_query_size: usize,

    /// The most connections at once; more wait until one ends
    #[arg(long, value_name = "NUMBER", default_value = "1024", value_parser = parse_count)]
    pub(crate) max_connections: usize,

    /// The longest time in which nothing moves on a connection
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_timeout)]
    pub(crate) idle_timeout: Duration,

    /// The longest time that one request may take, and then its answer
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_timeout)]
    pub(crate) request_timeout: Duration,

    /// How long requests under way may go on after the server was told to stop
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) stop_timeout: Duration,
}

fn parse_manifest_size(text: &str) -> Result<u64, &'static str> {
    match parse_size(text)? {
        size if size > MAX_MANIFEST_SIZE => Err("no store keeps a manifest of more than 4MiB"),
        size => Ok(size),
    }
}

fn parse_header_size(text: &str) -> Result<usize, &'static str> {
    match parse_small_size(text)? {
        ..8192 => Err("a head may not be held to less than 8KiB"),
        size => Ok(size),
    }
}

/// Parses the size of something that is held in memory.
fn parse_small_size(text: &str) -> Result<usize, &'static str> {
    match parse_size(text)? {
        size @ ..=0x0100_0000 => usize::try_from(size).map_err(|_| "this size is too large"),
        _ => Err("it is held in memory, so it is at most 16MiB"),
    }
}
