//! The fuzz targets on input of our own: likely input with random damage.

use proptest::prelude::*;

use damaged::damaged;

#[path = "../../../../fuzz/damaged.rs"]
pub mod damaged;
#[expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]
#[path = "../../../../fuzz/src/spec.rs"]
pub mod targets;

const SPECS: [&str; 2] = [
    include_str!("../../../../examples/price-feed-aggregator.yaml"),
    "a: &a [1, '\u{202e}', *a]\nb: {c: \"\\u202e\", ? d : |\n  e\n}\n? - f\n: !!str 012\n",
];
const CONFIGS: [&str; 2] = [
    r#"{"formatVersion":"1.0","kind":"Hourglass","avsName":"a","metadata":{"createdAt":"2025-08-14T12:00:00Z","releaseVersion":"v1"},"created":null}"#,
    " [1]",
];

proptest! {
    #[test]
    fn spec_yaml(bytes in damaged(&SPECS)) {
        targets::spec_yaml(&bytes);
    }

    #[test]
    fn artifact_config(bytes in damaged(&CONFIGS)) {
        targets::artifact_config(&bytes);
    }
}
