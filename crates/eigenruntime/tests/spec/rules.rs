//! One case a rule: a whole spec with one line changed, and the faults that this brings.

use std::collections::BTreeSet;

use eigenruntime::spec::{Consumer, Rule, check};

use crate::faults;

/// A spec without faults, as lines that a case can replace.
const BASE: &[&str] = &[
    "apiVersion: eigenruntime.io/v1alpha1",
    "kind: Hourglass",
    "name: my-avs",
    "version: 1",
    "spec:",
    "  performer:",
    "    registry: ghcr.io/org/image",
    "    digest: sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
    "    env:",
    "      - name: A",
    "        type: plain",
    "        required: true",
    "    resources:",
    "      tee_enabled: false",
    "",
];

/// The line to replace (1 to 14, or 15 to append), what to write there, and the faults.
type Case = (usize, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    (15, "", &[]),
    // Syntax and structure.
    (3, "name: \"my-avs", &["3:7 yaml-syntax"]),
    (3, "name: my: avs", &["3:9 yaml-syntax"]),
    (3, "name: *missing", &["3:7 yaml-syntax"]),
    (7, "\tregistry: ghcr.io/org/image", &["7:1 yaml-syntax"]),
    (15, "---\nkind: Runtime", &["15:1 several-documents"]),
    (15, "...", &[]),
    (5, "spec: &s", &[]),
    (15, "  executor: *s", &["15:13 yaml-syntax"]),
    // Keys and types.
    (15, "name: other", &["15:1 duplicate-key"]),
    (11, "        name: B", &["11:9 duplicate-key"]),
    (3, "name: [my-avs]", &["3:7 wrong-type"]),
    (3, "? [a, b]\n: c\nname: my-avs", &["3:3 wrong-type"]),
    (12, "        required: \"true\"", &["12:19 wrong-type"]),
    (12, "        required: maybe", &["12:19 wrong-type"]),
    (12, "        required: yes", &["12:19 boolean-spelling?"]),
    (12, "        required: \"ON\"", &["12:19 boolean-spelling?"]),
    (12, "        required: !!str true", &["12:25 wrong-type"]),
    (12, "        required: !!bool \"true\"", &[]),
    (12, "        required:", &[]),
    (10, "      - A\n      - name: A", &["10:9 wrong-type"]),
    (10, "      -\n      - name: A", &["9:5 wrong-type"]),
    (9, "    command: /bin/node\n    env:", &["9:14 wrong-type"]),
    (9, "    ports: {a: b}\n    env:", &["9:12 wrong-type"]),
    (6, "  executor:\n  performer:", &["6:3 wrong-type"]),
    (6, "  executor: 1\n  performer:", &["6:13 wrong-type"]),
    (3, "name: !env NAME", &["3:12 custom-tag?"]),
    (4, "version: !!str 1", &[]),
    // Required fields.
    (3, "", &["1:1 missing-field"]),
    (7, "", &["6:3 missing-field"]),
    (3, "name:", &["3:1 empty-value"]),
    (3, "name: \"  \"", &["3:7 empty-value"]),
    (3, "name: ~", &["3:7 null-value"]),
    (7, "    registry: Null", &["7:15 null-value"]),
    (10, "      - name:", &["10:9 empty-value"]),
    // Residue is one fault a place.
    (8, "    digest: {{ .Digest }}", &["8:13 template-residue"]),
    (
        8,
        "    digest: \"{{ .Digest }}\"",
        &["8:13 template-residue"],
    ),
    (
        8,
        "    digest: sha256:%!s(<nil>)",
        &["8:13 template-residue"],
    ),
    (6, "  <no value>:", &["6:3 template-residue"]),
    (6, "  {{ .Name }}:", &["6:3 template-residue"]),
    (
        6,
        "  {{ .Name }}:\n    registry: ghcr.io/a/b\n    digest: x\n  performer:",
        &["6:3 template-residue", "8:13 malformed-digest"],
    ),
    (10, "      - name: {{ .X }}", &["10:15 template-residue"]),
    (
        13,
        "    resources: <no value>\n    x:",
        &["13:16 template-residue", "14:5 unknown-field?"],
    ),
    (
        9,
        "    command: [sh, \"{{.Names}}\"]\n    env:",
        &["9:5 unread-command?", "9:19 template-residue?"],
    ),
    // Unknown fields.
    (
        7,
        "    registy: x\n    registry: ghcr.io/org/image",
        &["7:5 unknown-field?"],
    ),
    (15, "metadata: {}", &["15:1 unknown-field?"]),
    (14, "      teeenabled: true", &["14:7 unknown-field?"]),
    (
        9,
        "    tee_enabled: true\n    env:",
        &["9:5 unknown-field?"],
    ),
    // The head of the spec.
    (1, "apiVersion: v1", &["1:13 unknown-api-version?"]),
    (2, "kind: hourglass", &["2:7 unknown-kind?"]),
    (2, "kind: a/b", &["2:7 malformed-kind"]),
    (3, "name: my/avs", &["3:7 malformed-name?"]),
    (3, "name: \"my\\navs\"", &["3:7 malformed-name"]),
    (3, "name: \" x\"", &["3:7 malformed-name"]),
    (3, "name: My AVS", &[]),
    (4, "version: 1 2", &["4:10 malformed-version"]),
    // Images.
    (
        7,
        "    registry: https://ghcr.io/org/image",
        &["7:15 registry-scheme"],
    ),
    (
        7,
        "    registry: ghcr.io/org/image:v1",
        &["7:15 registry-tag"],
    ),
    (
        7,
        "    registry: ghcr.io/org/image@sha256:ab",
        &["7:15 registry-digest"],
    ),
    (7, "    registry: org/image", &["7:15 registry-host?"]),
    (7, "    registry: ghcr.io/Org", &["7:15 malformed-registry"]),
    (8, "    digest: 0xabc", &["8:13 malformed-digest"]),
    (8, "    digest: blake3:abc", &["8:13 unverifiable-digest"]),
    // Variables.
    (10, "      - name: A=B", &["10:15 malformed-env-name"]),
    (10, "      - name: a.b", &["10:15 malformed-env-name?"]),
    (10, "      - name: 1A", &["10:15 malformed-env-name?"]),
    (
        10,
        "      - name: A\n      - name: A",
        &["11:15 duplicate-env-name"],
    ),
    (
        11,
        "        type: secret\n        kind: secret\n        value: x",
        &["13:16 secret-value"],
    ),
    (
        11,
        "        type: secret\n        kind: secret\n        value: \"\"",
        &[],
    ),
    (
        11,
        "        type: secret\n        kind: plain",
        &["12:9 env-type-conflict"],
    ),
    (11, "        type: runtime", &["11:9 env-type-spelling?"]),
    // Dialects.
    (14, "      tee_enabled: true", &["14:7 tee-spelling?"]),
    (14, "      teeEnabled: true", &["14:7 tee-spelling?"]),
    (14, "      teeEnabled: false", &[]),
    (14, "      teeEnabled: true\n      tee_enabled: true", &[]),
    (
        14,
        "      teeEnabled: true\n      tee_enabled: false",
        &["15:7 tee-conflict"],
    ),
    (
        14,
        "      tee_enabled: true\n      teeEnabled:",
        &["15:7 tee-conflict"],
    ),
    (
        14,
        "      tee_enabled: false\n      teeEnabled: Yes",
        &["15:7 tee-conflict", "15:19 boolean-spelling?"],
    ),
    (
        14,
        "      tee_enabled: yes\n      teeEnabled: true",
        &["14:20 boolean-spelling?"],
    ),
    (11, "        value: x", &["11:9 unread-env-value?"]),
    (9, "    ports: [80]\n    env:", &["9:5 unread-ports?"]),
    (
        9,
        "    ports: [0, 80/tcp]\n    env:",
        &[
            "9:5 unread-ports?",
            "9:13 malformed-port",
            "9:16 malformed-port",
        ],
    ),
    (
        9,
        "    ports: [!!int \"80\", !!str 80]\n    env:",
        &["9:5 unread-ports?", "9:31 malformed-port"],
    ),
    (
        9,
        "    ports: [65535, 65536, 0443, +80]\n    env:",
        &[
            "9:5 unread-ports?",
            "9:20 malformed-port",
            "9:27 malformed-port",
            "9:33 malformed-port",
        ],
    ),
    (9, "    ports: []\n    command: []\n    env:", &[]),
    (9, "    command: [a]\n    env:", &["9:5 unread-command?"]),
    (6, "  perfomer:", &["6:3 unread-component?"]),
];

fn with(line: usize, text: &str) -> String {
    let mut lines = BASE.to_vec();
    lines[line - 1] = text;
    lines.join("\n") + "\n"
}

#[test]
fn each_case_has_exactly_its_faults() {
    let mut wrong = Vec::new();
    for (line, text, expected) in CASES {
        let spec = with(*line, text);
        let crlf = spec.replace('\n', "\r\n");
        let marked = format!("\u{feff}{spec}");
        for (form, spec) in [
            ("as it is", spec),
            ("with CRLF", crlf),
            ("with a BOM", marked),
        ] {
            let found = faults(spec.as_bytes(), None);
            if found != *expected {
                wrong.push(format!(
                    "{form}, {line} {text:?}: {found:?} instead of {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case() {
    // Those of whole inputs are tested in `hostile.rs`, or cannot be written as a line of a spec.
    let elsewhere = [
        Rule::InputTooLarge,
        Rule::NotUtf8,
        Rule::NestingTooDeep,
        Rule::TooManyNodes,
        Rule::RecursiveAlias,
        Rule::EmptyInput,
        Rule::NoComponents,
    ];
    let tested: BTreeSet<_> = CASES
        .iter()
        .flat_map(|(_, _, faults)| faults.iter())
        .filter_map(|fault| fault.split(' ').nth(1))
        .map(|id| id.trim_end_matches('?'))
        .collect();
    for rule in Rule::ALL {
        assert!(
            tested.contains(rule.id()) || elsewhere.contains(rule),
            "no case for {rule}"
        );
    }
}

#[test]
fn specs_without_components() {
    let head = BASE[..4].join("\n");
    for spec in ["spec:", "spec: {}", "spec: ~"] {
        assert_eq!(
            faults(format!("{head}\n{spec}\n").as_bytes(), None),
            ["5:1 no-components"]
        );
    }
    assert_eq!(
        faults(format!("{head}\nspec: []\n").as_bytes(), None),
        ["5:7 wrong-type"]
    );
    assert_eq!(
        faults(format!("{head}\n").as_bytes(), None),
        ["1:1 missing-field"]
    );
}

#[test]
fn inputs_without_a_spec() {
    for input in [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "null\n",
        "\u{feff}",
    ] {
        assert_eq!(
            faults(input.as_bytes(), None),
            ["1:1 empty-input"],
            "{input:?}"
        );
    }
    assert_eq!(faults(b"just text", None), ["1:1 wrong-type"]);
    assert_eq!(faults(b"{{ .Spec }}", None), ["1:1 template-residue"]);
    assert_eq!(
        faults(b"- {{ .A }}\n- {{ .B }}\n", None),
        [
            "1:1 wrong-type",
            "1:3 template-residue",
            "2:3 template-residue"
        ]
    );
    let block = faults(b"{{ .Name }}: {{ .Value }}\nspec: {}\n", None);
    assert_eq!(
        block[4..],
        [
            "1:1 template-residue",
            "1:14 template-residue",
            "2:1 no-components"
        ]
    );
    assert_eq!(faults(b"a: \x80", None), ["1:4 not-utf8"]);
}

#[test]
fn a_secrets_value_is_in_no_message() {
    let forms = [
        "        type: secret\n        value: hunter2",
        "        type: plain\n        type: secret\n        value: hunter2",
        "        kind: Secret\n        value: hunter2",
        "        type: secret\n        value: [hunter2]",
        "        type: secret\n        value: x\n        value: hunter2",
        // Not well-formed.
        "        type: secret\n        value: @hunter2",
        "        type: secret\n        value: *hunter2",
        "        type: secret\n        value: a: hunter2",
        "        type: secret\n        Value: \"hunter2",
        "        type: secret\n        value: x\n          hunter2: y",
        "        type: secret\n---\n- {type: secret, value: hunter2}",
        // Not what the rules take for a variable.
        "        x: {A: {type: secret, value: hunter2}}",
        "        x: {A: {TYPE: secret, value: {a: [hunter2]}}}",
        "        type: secret\n        Value: hunter2",
        "        type: secret\n        default: hunter2",
        "        type: secret\n        value: !hunter2",
        "        type: secret\n        value: !hunter2 x",
        "        type: secret\n        value: &hunter2",
        "        <<: {value: hunter2}\n        value: x\n        <<: [{type: secret}]",
    ];
    for form in forms {
        for bom in ["", "\u{feff}"] {
            let spec = format!("{bom}{}", with(11, form));
            let faults = check(spec.as_bytes(), None).faults;
            for fault in &faults {
                let text = format!("{} {} {}", fault.message, fault.help, fault.path);
                assert!(!text.contains("hunter2"), "{text}");
            }
            let mut shown = spec.clone().into_bytes();
            for span in faults.secrets() {
                shown[span.clone()].fill(b'*');
            }
            let shown = String::from_utf8(shown).unwrap();
            assert!(!shown.contains("hunter2"), "{form}: {shown}");
        }
    }
}

#[test]
fn only_a_secrets_values_are_hidden() {
    let hidden = |text: &str| -> Vec<String> {
        let faults = check(text.as_bytes(), None).faults;
        let spans = faults.secrets().iter();
        spans.map(|span| text[span.clone()].to_owned()).collect()
    };
    let spec = with(
        11,
        "        type: secret\n        value:\n          a: x\n        Required: y",
    );
    assert_eq!(hidden(&spec), ["a: x"]);
    let plain = with(11, "        type: plain\n        value: x");
    assert_eq!(hidden(&plain), [""; 0]);
    let shared = "a: &a {name: n, value: x, type: y}\nb: {<<: *a, type: secret, c: [1, 2]}\n";
    assert_eq!(hidden(shared), ["x", "[1, 2]"]);
    let invalid = "# value: x\na: {value: y}\nname: @z\n";
    assert_eq!(hidden(invalid), ["x", "y}"]);
    assert_eq!(hidden("value: x\n---\nvalue: y\n"), ["y"]);
    let bytes = check(b"value: x\n\xff", None).faults;
    assert_eq!(bytes.secrets().first(), Some(&(7..8)));
    let large = "value: x\n".to_owned() + &" ".repeat(eigenruntime::spec::MAX_SPEC_BYTES);
    assert_eq!(hidden(&large)[0][..1], *"x");
}

#[test]
fn names_are_free_for_other_kinds_unless_hgctl_reads_them() {
    let spec = with(6, "  mesh:").replace("kind: Hourglass", "kind: Runtime");
    assert_eq!(faults(spec.as_bytes(), None), [""; 0]);
    assert_eq!(
        faults(spec.as_bytes(), Some(Consumer::Hgctl)),
        ["6:3 unread-component"]
    );
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    let spec = with(6, "  executor: &e")
        + "  performer:\n    <<: *e\n    registry: ghcr.io/org/other\n  aggregator: *e\n";
    assert_eq!(faults(spec.as_bytes(), None), [""; 0]);
    let report = check(spec.as_bytes(), None);
    let spec = report.spec.unwrap();
    let registry = |name| spec.component(name).unwrap().registry();
    assert_eq!(registry("executor"), Some("ghcr.io/org/image"));
    assert_eq!(registry("performer"), Some("ghcr.io/org/other"));
    assert_eq!(registry("aggregator"), Some("ghcr.io/org/image"));
    assert_eq!(spec.component("performer").unwrap().env().len(), 1);
}

#[test]
fn merge_keys_that_readers_refuse_are_errors() {
    let merging = |text: &str| {
        let spec = with(6, "  executor: &e") + "  performer:\n" + text;
        faults(spec.as_bytes(), None)
    };
    for (text, expected) in [
        ("    <<: *e\n", &[][..]),
        ("    <<: [*e, *e]\n", &[]),
        ("    !!merge \"<<\": *e\n", &[]),
        ("    <<: *e\n    <<: *e\n", &["18:5 duplicate-key"]),
        (
            "    <<: *e\n    \"<<\": *e\n",
            &["18:5 duplicate-key", "18:5 unknown-field?"],
        ),
        (
            "    <<: foo\n    <<: *e\n",
            &["17:9 wrong-type", "18:5 duplicate-key"],
        ),
        (
            "    <<:\n",
            &[
                "16:3 missing-field",
                "16:3 missing-field",
                "17:5 wrong-type",
            ],
        ),
        (
            "    <<: *e\n    env: [{<<: [foo], name: A}]\n",
            &["18:16 wrong-type"],
        ),
        (
            "    <<: {{ .E }}\n    <<: *e\n",
            &["17:9 template-residue", "18:5 duplicate-key"],
        ),
        (
            "    <<: {env: [], <<: *e, env: []}\n",
            &["17:27 duplicate-key"],
        ),
        (
            "    <<: {<<: foo, digest: x}\n    <<: *e\n",
            &[
                "17:14 wrong-type",
                "17:27 malformed-digest",
                "18:5 duplicate-key",
            ],
        ),
    ] {
        assert_eq!(merging(text), *expected, "{text}");
    }
    let faults = check(b"a:\n- b\n- {c: {<<: 1}}\n", None).faults;
    let fault = faults
        .iter()
        .find(|fault| fault.rule == Rule::WrongType)
        .unwrap();
    assert_eq!(fault.path, "a[1].c[\"<<\"]");
}

#[test]
fn a_fault_behind_aliases_is_listed_once() {
    let spec = with(6, "  executor: &e").replace("sha256:3fc4", "sha256:XX")
        + "  performer: *e\n  aggregator: *e\n";
    assert_eq!(faults(spec.as_bytes(), None), ["8:13 malformed-digest"]);
}

#[test]
fn json_is_accepted_with_any_white_space() {
    let compact = r#"{"apiVersion":"eigenruntime.io/v1","kind":"Runtime","name":"a\/b","version":"1","spec":{"x":{"registry":"ghcr.io/a/b","digest":null,"env":[{"name":"A","type":"plain","required":true}],"resources":{"tee_enabled":false}}}}"#;
    assert_eq!(
        faults(compact.as_bytes(), None),
        ["1:60 malformed-name?", "1:128 null-value"]
    );

    let value: serde_json::Value = serde_json::from_str(compact).unwrap();
    let spaces = serde_json::to_string_pretty(&value).unwrap();
    let tabs = spaces.replace("  ", "\t");
    for (text, expected) in [(spaces, 13), (tabs, 11)] {
        for text in [
            text.clone(),
            text.replace('\n', "\r\n"),
            format!("\n{text}\n"),
        ] {
            let report = check(text.as_bytes(), None);
            let found: Vec<_> = report.faults.iter().map(|fault| fault.rule).collect();
            assert!(report.spec.is_some(), "{:?}", report.faults);
            assert_eq!(found.len(), 2);
            assert!(found.contains(&Rule::MalformedName) && found.contains(&Rule::NullValue));
            let null = report
                .faults
                .iter()
                .find(|fault| fault.rule == Rule::NullValue)
                .unwrap();
            assert_eq!(&text[null.span.clone()], "null");
            assert!(null.position.column >= expected, "{}", null.position);
        }
    }
}

#[test]
fn templates_that_are_not_yaml_are_recognised() {
    for line in [
        "  {{- if .Aggregator }}",
        "  {{ range .Components }}\n  performer:",
    ] {
        let report = check(with(6, line).as_bytes(), None);
        let fault = report.faults.iter().next().unwrap();
        assert!(fault.help.contains("template"), "{fault}: {}", fault.help);
    }
}

#[test]
fn misspellings_are_recognised() {
    let help = |line, text| {
        let report = check(with(line, text).as_bytes(), None);
        report
            .faults
            .iter()
            .map(|fault| fault.help.clone())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(help(15, "    comand: x"), "did you mean `command`?");
    assert_eq!(
        help(14, "      TEE_Enabled: true"),
        "did you mean `tee_enabled`?"
    );
    assert_eq!(help(6, "  Performer:"), "did you mean `performer`?");
    assert!(help(15, "    image: x").contains("`registry` and `digest`"));
}
