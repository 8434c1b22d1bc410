//! Properties that hold for any input.

use eigenruntime::spec::{Consumer, MAX_FAULTS, SpecReport, check};
use proptest::prelude::*;

use crate::fixtures::VALID;

fn holds_its_promises(input: &[u8], report: &SpecReport) -> Result<(), TestCaseError> {
    let faults = &report.faults;
    prop_assert!(faults.as_slice().len() <= MAX_FAULTS);
    prop_assert_eq!(
        faults.omitted() + faults.as_slice().len(),
        faults.errors() + faults.warnings()
    );
    prop_assert!(report.spec.is_some() || !faults.is_valid());
    let mut last = 0;
    for fault in faults {
        prop_assert!(fault.position.offset >= last, "in order");
        last = fault.position.offset;
        prop_assert!(fault.span.start == fault.position.offset && fault.span.end <= input.len());
        let marked = std::str::from_utf8(&input[fault.span.clone()]);
        prop_assert!(
            marked.is_ok_and(|text| !text.contains('\n')),
            "whole characters on one line"
        );
        prop_assert!(fault.position.line >= 1 && fault.position.column >= 1);
        prop_assert!(!fault.message.is_empty() && !fault.help.is_empty());
        prop_assert!(!fault.message.contains(char::is_control));
        prop_assert!(!fault.help.contains(char::is_control));
        prop_assert!(!fault.path.contains(char::is_control));
    }
    for span in faults.secrets() {
        prop_assert!(span.start < span.end && span.end <= input.len());
    }
    Ok(())
}

/// Text dense in what YAML and specs are made of.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("  "),
        Just("\t"),
        Just("- "),
        Just(": "),
        Just("? "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("\""),
        Just("'"),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("!t "),
        Just("!!str "),
        Just("| "),
        Just("> "),
        Just("# "),
        Just("---"),
        Just("..."),
        Just("%YAML"),
        Just("{{ .X }}"),
        Just("<no value>"),
        Just("null"),
        Just("~"),
        Just("yes"),
        Just("true"),
        Just("spec"),
        Just("env"),
        Just("name"),
        Just("type"),
        Just("secret"),
        Just("value"),
        Just("value: "),
        Just("type: secret"),
        Just("digest"),
        Just("ports"),
        Just("registry"),
        Just("command"),
        Just("resources"),
        Just("tee_enabled"),
        Just("sha256:abc"),
        Just("a.test/b:c@d"),
        Just("é"),
        Just("\u{feff}"),
        Just("\u{85}"),
        Just("\\"),
        Just("0"),
    ];
    prop::collection::vec(fragment, 0..80).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes(input in prop::collection::vec(any::<u8>(), 0..400)) {
        holds_its_promises(&input, &check(&input, None))?;
    }

    #[test]
    fn arbitrary_text(input in "\\PC{0,200}") {
        holds_its_promises(input.as_bytes(), &check(input.as_bytes(), Some(Consumer::Hgctl)))?;
    }

    #[test]
    fn text_dense_in_syntax(input in fragments()) {
        holds_its_promises(input.as_bytes(), &check(input.as_bytes(), None))?;
    }

    #[test]
    fn mutated_fixtures(
        fixture in prop::sample::select(VALID),
        edits in prop::collection::vec((any::<prop::sample::Index>(), fragments()), 1..4),
    ) {
        let mut input = fixture.to_vec();
        for (at, fragment) in edits {
            let at = at.index(input.len());
            let end = (at + fragment.len() / 2).min(input.len());
            input.splice(at..end, fragment.bytes().take(12));
        }
        holds_its_promises(&input, &check(&input, Some(Consumer::EigenruntimeGo)))?;
    }

    #[test]
    fn a_check_is_deterministic(input in fragments()) {
        let (a, b) = (check(input.as_bytes(), None), check(input.as_bytes(), None));
        prop_assert_eq!(a.faults, b.faults);
        prop_assert_eq!(a.spec, b.spec);
    }
}
