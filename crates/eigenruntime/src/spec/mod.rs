//! EigenRuntime specifications: reading them, and every rule they must keep.
//!
//! A spec's YAML becomes a bounded tree of nodes that keeps what decoding into types would lose: where each value
//! stands, its text as written, and keys that occur twice. All rules run on that tree, so one pass finds all faults.
//! Nothing is decoded untyped: `version: 1.10` stays `1.10`, and a name `no` stays `no`.
//!
//! ```
//! use eigenruntime::spec::{self, Rule};
//!
//! let report = spec::check(b"kind: Hourglass\nspec:\n  executor:\n    digest: null\n", None);
//! let fault = report.faults.iter().find(|fault| fault.rule == Rule::NullValue).unwrap();
//! assert_eq!((fault.position.line, fault.position.column), (4, 13));
//! assert_eq!(fault.path, "spec.executor.digest");
//! assert_eq!(report.spec.unwrap().kind(), Some("Hourglass"));
//! ```
//!
//! Work and memory are bounded for any input: [`MAX_SPEC_BYTES`] of text, [`MAX_NODES`] nodes after aliases are
//! expanded, [`MAX_DEPTH`] levels and [`MAX_FAULTS`] faults.

mod boolean;
mod collector;
mod compose;
mod consumer;
mod excerpt;
mod fault;
mod help;
mod keys;
mod mask;
mod merge;
mod model;
mod node;
mod path;
mod rule;
mod rules;
mod secret;
mod source;
mod syntax;
mod template;
mod view;

pub use consumer::{Consumer, UnknownConsumer};
pub use fault::{Fault, Faults, InvalidSpec, MAX_FAULTS, Position, Severity};
pub use model::{Component, EnvVar, RuntimeSpec, TeeDemand};
pub use node::{MAX_DEPTH, MAX_NODES};
pub use rule::Rule;
pub(crate) use rules::is_identifier;
pub use source::MAX_SPEC_BYTES;

use collector::Collector;
use source::Source;

/// What a check of a spec found.
#[derive(Clone, Debug)]
pub struct SpecReport {
    /// The spec as far as it can be read, whatever its faults; `None` where it is no YAML mapping at all.
    pub spec: Option<RuntimeSpec>,
    /// All faults, in the order of their positions.
    pub faults: Faults,
}

/// Checks a spec against every rule, and reads what can be read of it.
///
/// With a `consumer`, the traps of that reader are errors instead of warnings.
pub fn check(bytes: &[u8], consumer: Option<Consumer>) -> SpecReport {
    let source = match Source::read(bytes) {
        Ok(source) => source,
        Err(faults) => return SpecReport { spec: None, faults },
    };
    let mut collector = Collector::new(&source, consumer);
    let spec = compose::compose(&source, &mut collector).and_then(|root| {
        rules::check(&root, &mut collector);
        RuntimeSpec::from_node(&root)
    });
    SpecReport {
        spec,
        faults: collector.finish(),
    }
}

impl RuntimeSpec {
    /// Parses a spec that breaks no rule; warnings do not count.
    ///
    /// Use [`check`] to read a spec in spite of its faults, or to see its warnings.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidSpec> {
        match check(bytes, None) {
            SpecReport {
                spec: Some(spec),
                faults,
            } if faults.is_valid() => Ok(spec),
            SpecReport { faults, .. } => Err(InvalidSpec { faults }),
        }
    }
}
