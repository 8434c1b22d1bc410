//! Input made to exhaust the reader ends with the limit that stopped it.

use std::ops::Range;

use eigenruntime::spec::{MAX_FAULTS, MAX_NODES, MAX_SPEC_BYTES, check};

/// Writes one piece of input for each number.
fn pieces(numbers: Range<usize>, piece: impl Fn(usize) -> String) -> String {
    numbers.map(piece).collect::<Vec<_>>().concat()
}

/// Returns the rule of the only fault of an input that cannot be read.
fn refusal(bytes: &[u8]) -> &'static str {
    let report = check(bytes, None);
    assert!(report.spec.is_none());
    let [fault] = report.faults.as_slice() else {
        panic!("one fault: {:?}", report.faults)
    };
    fault.rule.id()
}

#[test]
fn an_input_over_the_limit_is_not_looked_at() {
    let mut input = vec![b'['; 100 * 1024 * 1024];
    assert_eq!(refusal(&input), "input-too-large");
    input.truncate(MAX_SPEC_BYTES + 1);
    assert_eq!(refusal(&input), "input-too-large");
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(refusal("[".repeat(100_000).as_bytes()), "nesting-too-deep");
    assert_eq!(
        refusal("{a: ".repeat(100_000).as_bytes()),
        "nesting-too-deep"
    );
    assert_eq!(refusal("- ".repeat(100_000).as_bytes()), "nesting-too-deep");
    assert_eq!(refusal("? ".repeat(100_000).as_bytes()), "nesting-too-deep");
    let indented = pieces(0..1000, |depth| format!("{}a:\n", " ".repeat(depth)));
    assert_eq!(refusal(indented.as_bytes()), "nesting-too-deep");
    let sixty_four = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(refusal(sixty_four.as_bytes()), "wrong-type");
    assert_eq!(
        refusal(format!("[{sixty_four}]").as_bytes()),
        "nesting-too-deep"
    );
}

#[test]
fn aliases_cannot_nest_deeper_than_text() {
    let links = pieces(1..200, |i| format!("- &a{i} [*a{}]\n", i - 1));
    assert_eq!(
        refusal(format!("- &a0 [x]\n{links}").as_bytes()),
        "nesting-too-deep"
    );
}

#[test]
fn an_alias_bomb_is_refused() {
    let tens = pieces(1..30, |i| {
        format!(
            "a{i}: &a{i} [{}]\n",
            vec![format!("*a{}", i - 1); 10].join(", ")
        )
    });
    assert_eq!(
        refusal(format!("a0: &a0 [x]\n{tens}").as_bytes()),
        "too-many-nodes"
    );
    let merges = pieces(1..30, |i| {
        format!("a{i}: &a{i} {{<<: [*a{0}, *a{0}], k{i}: 1}}\n", i - 1)
    });
    let report = check(format!("a0: &a0 {{k: 1}}\n{merges}").as_bytes(), None);
    assert!(!report.faults.is_valid());
}

#[test]
fn an_alias_inside_its_anchor_is_refused() {
    assert_eq!(refusal(b"a: &a\n  b: *a\n"), "recursive-alias");
}

#[test]
fn a_long_text_behind_many_aliases_is_refused() {
    let mut text = format!("a: &a {}\nb:\n", "x".repeat(1024 * 1024));
    text.push_str(&"- *a\n".repeat(200_000));
    assert_eq!(refusal(text.as_bytes()), "too-many-nodes");
}

#[test]
fn more_nodes_than_the_limit_are_refused() {
    let list = |items| format!("[{}x]", "x,".repeat(items));
    assert_eq!(refusal(list(MAX_NODES - 2).as_bytes()), "wrong-type");
    assert_eq!(refusal(list(MAX_NODES).as_bytes()), "too-many-nodes");
}

#[test]
fn faults_beyond_the_limit_are_counted() {
    let keys = pieces(0..50_000, |i| format!("k{i}: 1\n"));
    let report = check(format!("{keys}spec: 7\n").as_bytes(), None);
    assert_eq!(report.faults.as_slice().len(), MAX_FAULTS);
    assert_eq!(report.faults.warnings(), 50_000);
    assert_eq!(
        report.faults.errors(),
        5,
        "four missing fields and a wrong type"
    );
    assert_eq!(report.faults.omitted(), 50_005 - MAX_FAULTS);
    assert!(
        report
            .faults
            .iter()
            .any(|fault| fault.position.line == 50_001),
        "errors come first"
    );
}

#[test]
fn faults_behind_aliases_count_once_however_many_there_are() {
    let residue = vec!["\"<nil>\""; 150].join(", ");
    let report = check(
        format!("a: &a [{residue}]\nb: *a\nc: *a\n").as_bytes(),
        None,
    );
    assert_eq!(
        (report.faults.errors(), report.faults.warnings()),
        (155, 3),
        "five missing fields"
    );
}

#[test]
fn many_faults_on_one_line_are_cheap() {
    let text = format!("{{{}}}", "a: 1, ".repeat(60_000));
    let report = check(text.as_bytes(), None);
    assert_eq!(report.faults.as_slice().len(), MAX_FAULTS);
    let long = "é".repeat(1_000_000);
    let report = check(format!("name: \"{long}\"\n").as_bytes(), None);
    assert!(report.faults.iter().all(|fault| fault.message.len() < 400));
}

#[test]
fn control_characters_do_not_reach_a_message() {
    let report = check(
        b"\"a\\e[2Jb\": 1\nname: \"x\\u202Ey\\n\"\nkind: \"\\x07\"\n",
        None,
    );
    for fault in &report.faults {
        for text in [&fault.message, &fault.help, &fault.path] {
            assert!(
                !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{text:?}"
            );
        }
    }
    assert!(report.faults.errors() > 0);
}
