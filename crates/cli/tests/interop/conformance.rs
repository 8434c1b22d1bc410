//! The OCI's conformance program against `eigenpack serve`, for each version of the specification.
//!
//! It answers 0 where it could not even start, and tests that were skipped or disabled do not fail it. So what counts is
//! what it wrote: how many tests there were, and exactly which of them, and of the features, did not pass.

use std::collections::BTreeSet;

use crate::program::Program;
use crate::registry::Registry;
use crate::sandbox::Sandbox;

/// The whole of the main branch, which has everything.
const MAIN: Expected<'_> = Expected {
    tests: 1032,
    disabled: &[],
    disabled_features: &[],
};

/// Without what only the main branch of the specification has.
const V1_1: Expected<'_> = Expected {
    tests: 862,
    disabled: &[
        "sha256 blobs/post cancel/blob-post-cancel",
        "sha512 blobs/post cancel/blob-post-cancel",
    ],
    disabled_features: &[
        "Blob upload cancel",
        "Manifest put with tag params",
        "Sparse Manifests",
        "Tag Param",
        "Tag Param sha512",
    ],
};

/// Without what came with 1.1, or after it.
const V1_0: Expected<'_> = Expected {
    tests: 858,
    disabled: &[
        "artifacts-with-subject/referrers",
        "empty/referrers",
        "index-with-subject/referrers",
        "missing-subject/referrers",
        "sha256 blobs/mount anonymous/blob-mount-anonymous",
        "sha256 blobs/post cancel/blob-post-cancel",
        "sha512 blobs/mount anonymous/blob-mount-anonymous",
        "sha512 blobs/post cancel/blob-post-cancel",
    ],
    disabled_features: &[
        "Blob anonymous mount",
        "Blob upload cancel",
        "Manifest put with tag params",
        "Referrers",
        "Sparse Manifests",
        "Tag Param",
        "Tag Param sha512",
    ],
};

#[test]
#[ignore = "needs the peers: just interop"]
fn conforms_to_the_main_branch_with_nothing_left_out() {
    Results::of("dev", &[("OCI_DATA_SPARSE", "true")]).are(&MAIN);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn conforms_to_1_1() {
    Results::of("1.1", &[]).are(&V1_1);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn conforms_to_1_0() {
    Results::of("1.0", &[]).are(&V1_0);
}

/// What a version asks for: every test passes but those of what the version does not have.
struct Expected<'a> {
    /// How many tests the program counts, those that are disabled included.
    tests: usize,
    disabled: &'a [&'a str],
    /// As `results.yaml` names them, under `apis` or `data`.
    disabled_features: &'a [&'a str],
}

/// What one run left behind.
struct Results {
    /// `results.yaml`, with the verdict on each feature.
    yaml: String,
    /// The tag of `junit.xml` that has the sums.
    sums: String,
    /// The tests as they were printed, each as its name and its status.
    tests: Vec<(String, String)>,
}

impl Results {
    fn of(version: &str, settings: &[(&str, &str)]) -> Self {
        let (registry, user) = (Registry::ours(), Sandbox::new());
        let address = registry.address().to_string();
        let mut variables = vec![
            ("OCI_VERSION", version),
            ("OCI_TLS", "disabled"),
            ("OCI_REGISTRY", &address),
            ("OCI_REPO1", "myorg/myrepo"),
            ("OCI_REPO2", "myorg/myrepo2"),
            ("OCI_RESULTS_DIR", "results"),
        ];
        variables.extend(settings);
        let run = user.run_with(Program::Conformance, &variables, [""; 0]);
        let out = String::from_utf8(run.succeeds()).unwrap();
        let junit = String::from_utf8(user.read("results/junit.xml")).unwrap();
        let sums = junit.lines().find(|line| line.contains("<testsuite "));
        Self {
            yaml: String::from_utf8(user.read("results/results.yaml")).unwrap(),
            sums: sums.unwrap().to_owned(),
            tests: out.lines().filter_map(test).collect(),
        }
    }

    #[track_caller]
    fn are(&self, expected: &Expected<'_>) {
        let sums = ["tests", "failures", "errors", "skipped", "disabled"].map(|sum| self.sum(sum));
        let disabled = expected.disabled.len();
        assert_eq!(sums, [expected.tests, 0, 0, 0, disabled], "{}", self.sums);
        assert!(self.tests.len() > 800, "not all tests were printed");
        assert_only_disabled(&self.tests, expected.disabled);

        let features: Vec<_> = ["apis", "data"]
            .into_iter()
            .flat_map(|section| self.section(section))
            .collect();
        assert!(features.len() > 50, "{}", self.yaml);
        assert_only_disabled(&features, expected.disabled_features);
    }

    /// Returns a sum; one that is 0 may be left out.
    fn sum(&self, attribute: &str) -> usize {
        let (_, value) = self
            .sums
            .split_once(&format!(" {attribute}=\""))
            .unwrap_or_default();
        let (value, _) = value.split_once('"').unwrap_or(("0", ""));
        value.parse().unwrap()
    }

    /// Returns the names and values of one mapping at the top of `results.yaml`.
    fn section(&self, name: &str) -> Vec<(String, String)> {
        let heading = format!("{name}:");
        let lines = self.yaml.lines().skip_while(|line| *line != heading);
        lines
            .skip(1)
            .map_while(|line| line.strip_prefix("  ")?.split_once(": "))
            .map(|(name, status)| (name.to_owned(), status.to_owned()))
            .collect()
    }
}

/// Reads a line like `    OCI Conformance Test/empty/tag list: Pass`.
fn test(line: &str) -> Option<(String, String)> {
    let (name, status) = line
        .trim_start()
        .strip_prefix("OCI Conformance Test/")?
        .split_once(": ")?;
    Some((name.to_owned(), status.to_owned()))
}

/// Fails unless exactly these are disabled and all others passed.
#[track_caller]
fn assert_only_disabled(all: &[(String, String)], expected: &[&str]) {
    let (disabled, others): (Vec<_>, Vec<_>) = all.iter().partition(|(_, s)| s == "Disabled");
    let disabled: BTreeSet<_> = disabled.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(disabled, expected.iter().copied().collect());
    let not_passed: Vec<_> = others.iter().filter(|(_, s)| s != "Pass").collect();
    assert!(not_passed.is_empty(), "{not_passed:#?}");
}
