//! The rules of specs on whole files: fixtures, one case a rule, hostile input, arbitrary input.

mod fixtures;
pub mod fuzz_targets;
mod hostile;
mod model;
mod properties;
mod rules;

use eigenruntime::spec::{self, Consumer, Fault};

/// Returns `line:column rule` of every fault of `text`; a warning's rule has a `?`.
fn faults(text: &[u8], consumer: Option<Consumer>) -> Vec<String> {
    spec::check(text, consumer)
        .faults
        .iter()
        .map(brief)
        .collect()
}

fn brief(fault: &Fault) -> String {
    let mark = match fault.severity {
        spec::Severity::Error => "",
        spec::Severity::Warning => "?",
    };
    format!("{} {}{mark}", fault.position, fault.rule)
}
