use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::specs::SPEC;

/// The instant of all artifacts here, so that a second push of one is the same artifact.
pub(crate) const CREATED: &str = "2025-08-14T12:00:00Z";

/// What `eigenpack push` reported.
pub(crate) struct Published {
    pub(crate) report: Value,
    pub(crate) digest: String,
}

impl Published {
    /// Pushes the spec that most tests use.
    #[track_caller]
    pub(crate) fn spec(sandbox: &Sandbox, reference: &str) -> Self {
        Self::bytes(sandbox, reference, SPEC, &[])
    }

    #[track_caller]
    pub(crate) fn bytes(sandbox: &Sandbox, reference: &str, spec: &[u8], options: &[&str]) -> Self {
        let report = push(sandbox, reference, spec, options, 0);
        let digest = report["digest"].as_str().unwrap().to_owned();
        Self { report, digest }
    }

    /// Returns the digest as the chain shows it.
    pub(crate) fn bytes32(&self) -> String {
        format!("0x{}", self.digest.strip_prefix("sha256:").unwrap())
    }
}

/// Pushes and returns the report, after checking the exit code.
#[track_caller]
pub(crate) fn push(
    sandbox: &Sandbox,
    reference: &str,
    spec: &[u8],
    options: &[&str],
    code: i32,
) -> Value {
    let file = sandbox.write("pushed.yaml", spec);
    let mut arguments = vec!["push", file.to_str().unwrap(), reference];
    arguments.extend(["--format", "json", "--created", CREATED]);
    arguments.extend(options);
    sandbox.eigenpack(arguments).exits_with_json(code)
}
