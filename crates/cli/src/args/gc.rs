//! `eigenpack gc`.

use std::time::Duration;

use clap::Args;

use super::quantity::parse_duration;

/// Remove from the local store what no repository refers to any more
///
/// Only blobs that were neither written nor asked for since --min-age are removed, so that pushes may
/// go on meanwhile. A push that pauses for longer may lose what it has sent, and must send it again.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  eigenpack gc --dry-run\n  eigenpack gc --min-age 7d")]
pub(crate) struct GcArgs {
    /// Keep what is younger: a number with s, m, h or d
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = parse_duration)]
    pub(crate) min_age: Duration,

    /// Only show what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}
