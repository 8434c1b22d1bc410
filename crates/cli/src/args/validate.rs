//! `eigenpack validate`.

use clap::Args;
use eigenpack::spec::Consumer;

/// Check specs against every rule and show all faults at once
///
/// Exits with 1 if any file is not a valid spec. Warnings are traps: spellings that one of the known readers
/// understands and another silently ignores.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eigenpack validate runtime-spec.yaml\n  eigenpack validate --consumer hgctl specs/*.yaml\n  cat spec.yaml | eigenpack validate -"
)]
pub(crate) struct ValidateArgs {
    /// Files to check; - is stdin
    #[arg(required = true, value_name = "SPEC")]
    pub(crate) specs: Vec<String>,

    /// Treat the traps of this reader as errors: hgctl or eigenruntime-go
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<Consumer>,
}
