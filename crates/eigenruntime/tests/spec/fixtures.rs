//! Every fixture with all its faults, worked out by hand.

use eigenruntime::spec::{Consumer, RuntimeSpec, check};

use crate::faults;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../fixtures/specs/", $name, ".yaml"))
    };
}

pub(crate) const AGGREGATOR: &[u8] = fixture!("valid/hourglass-aggregator");
pub(crate) const EXECUTOR: &[u8] = fixture!("valid/hourglass-executor-performer");
pub(crate) const HGCTL: &[u8] = fixture!("valid/hgctl-dialect");
pub(crate) const NUMBERS: &[u8] = fixture!("valid/version-looks-like-float");
pub(crate) const GENERIC: &[u8] = fixture!("valid/runtime-generic");

pub(crate) const VALID: &[&[u8]] = &[AGGREGATOR, EXECUTOR, HGCTL, NUMBERS, GENERIC];

const NULL_DIGEST: &[u8] = fixture!("invalid/null-digest");
const RESIDUE: &[u8] = fixture!("invalid/template-residue");
const DUPLICATE: &[u8] = fixture!("invalid/duplicate-component");
const SLOPPY: &[u8] = fixture!("invalid/short-digest-and-tag");
const MISSING: &[u8] = fixture!("invalid/missing-fields");
const EMPTY: &[u8] = fixture!("invalid/empty");

#[test]
fn valid_specs_have_warnings_at_most() {
    let cases: &[(&[u8], &[&str])] = &[
        (AGGREGATOR, &[]),
        (EXECUTOR, &["21:7 tee-spelling?"]),
        (
            HGCTL,
            &[
                "12:9 env-type-spelling?",
                "13:9 unread-env-value?",
                "15:9 unread-env-value?",
                "16:5 unread-ports?",
                "17:5 unread-command?",
            ],
        ),
        (NUMBERS, &[]),
        (
            GENERIC,
            &[
                "10:5 unread-command?",
                "13:9 env-type-spelling?",
                "16:9 env-type-spelling?",
                "18:7 tee-spelling?",
            ],
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(faults(spec, None), *expected);
        assert!(RuntimeSpec::parse(spec).is_ok());
    }
}

#[test]
fn a_consumers_traps_are_errors() {
    let cases: &[(&[u8], Consumer, &[&str])] = &[
        (AGGREGATOR, Consumer::Hgctl, &[]),
        (EXECUTOR, Consumer::Hgctl, &["21:7 tee-spelling?"]),
        (EXECUTOR, Consumer::EigenruntimeGo, &["21:7 tee-spelling"]),
        (
            HGCTL,
            Consumer::EigenruntimeGo,
            &[
                "12:9 env-type-spelling",
                "13:9 unread-env-value",
                "15:9 unread-env-value",
                "16:5 unread-ports",
                "17:5 unread-command?",
            ],
        ),
        (
            GENERIC,
            Consumer::Hgctl,
            &[
                "7:3 unread-component",
                "10:5 unread-command",
                "13:9 env-type-spelling",
                "16:9 env-type-spelling",
                "18:7 tee-spelling",
                "19:3 unread-component",
            ],
        ),
    ];
    for (spec, consumer, expected) in cases {
        assert_eq!(faults(spec, Some(*consumer)), *expected, "{consumer}");
    }
}

#[test]
fn invalid_specs_have_all_their_faults_at_once() {
    let cases: &[(&[u8], &[&str])] = &[
        (NULL_DIGEST, &["9:13 null-value"]),
        (
            RESIDUE,
            &[
                "11:13 template-residue",
                "12:13 template-residue",
                "13:17 template-residue",
                "15:20 template-residue",
            ],
        ),
        (DUPLICATE, &["10:3 duplicate-key"]),
        (SLOPPY, &["9:13 malformed-digest", "11:15 registry-tag"]),
        (
            MISSING,
            &[
                "2:1 missing-field",
                "2:1 missing-field",
                "3:7 empty-value",
                "5:3 missing-field",
                "8:9 missing-field",
                "8:9 env-type-spelling?",
            ],
        ),
        (EMPTY, &["1:1 empty-input"]),
    ];
    for (spec, expected) in cases {
        assert_eq!(faults(spec, None), *expected);
        assert!(RuntimeSpec::parse(spec).is_err());
    }
}

#[test]
fn faults_name_their_field() {
    let paths = |spec| -> Vec<String> {
        check(spec, None)
            .faults
            .iter()
            .map(|fault| fault.path.clone())
            .collect()
    };
    assert_eq!(paths(NULL_DIGEST), ["spec.executor.digest"]);
    assert_eq!(paths(DUPLICATE), ["spec.performer"]);
    assert_eq!(paths(SLOPPY), ["spec.worker.digest", "spec.api.registry"]);
    assert_eq!(
        paths(MISSING),
        [
            "kind",
            "version",
            "name",
            "spec.performer.registry",
            "spec.performer.env[0].name",
            "spec.performer.env[0].type",
        ]
    );
}

#[test]
fn a_null_digest_is_explained() {
    let report = check(NULL_DIGEST, None);
    let fault = report.faults.iter().next().unwrap();
    assert!(
        fault.message.contains("`yq` prints `null`"),
        "{}",
        fault.message
    );
    assert_eq!(&NULL_DIGEST[fault.span.clone()], b"null");
    assert_eq!(report.spec.unwrap().name(), Some("price-feed-avs"));
}

#[test]
fn a_duplicate_key_names_the_line_of_the_first() {
    let report = check(DUPLICATE, None);
    assert_eq!(
        report.faults.iter().next().unwrap().message,
        "`performer` is already defined on line 7"
    );
    let components = report.spec.unwrap().components().len();
    assert_eq!(components, 2);
}
