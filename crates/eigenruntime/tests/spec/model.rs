//! What is read of a spec.

use eigenruntime::spec::{RuntimeSpec, TeeDemand, check};

use crate::fixtures::{AGGREGATOR, EXECUTOR, GENERIC, HGCTL, NUMBERS};

#[test]
fn texts_stay_as_written() {
    let spec = RuntimeSpec::parse(NUMBERS).unwrap();
    assert_eq!(spec.name(), Some("0123"));
    assert_eq!(spec.version(), Some("1.10"));

    let text = "apiVersion: eigenruntime.io/v1\nkind: Runtime\nname: no\nversion: 0x1F\n\
                spec:\n  true:\n    registry: a.test/b\n    digest: sha256:";
    let text = format!("{text}{}\n", "0".repeat(64));
    let spec = RuntimeSpec::parse(text.as_bytes()).unwrap();
    assert_eq!((spec.name(), spec.version()), (Some("no"), Some("0x1F")));
    assert!(spec.component("true").is_some());
}

#[test]
fn components_are_read_whole() {
    let spec = RuntimeSpec::parse(HGCTL).unwrap();
    assert_eq!(spec.api_version(), Some("eigenruntime.io/v1"));
    assert_eq!(spec.kind(), Some("Runtime"));
    let [relay] = spec.components() else {
        panic!("one component")
    };
    assert_eq!(relay.name(), "aggregator");
    assert_eq!(relay.registry(), Some("registry.test:5000/relay/node"));
    assert_eq!(
        relay.digest().unwrap().as_str(),
        relay.digest_text().unwrap()
    );
    assert_eq!(
        relay.command().collect::<Vec<_>>(),
        ["/app/node", "--role", "aggregator"]
    );
    assert_eq!(relay.ports().collect::<Vec<_>>(), ["8080", "9091"]);
    let [level, port] = relay.env() else {
        panic!("two variables")
    };
    assert_eq!(
        (level.name(), level.kind()),
        (Some("LOG_LEVEL"), Some("plain"))
    );
    assert_eq!((level.type_name(), level.value()), (None, Some("debug")));
    assert_eq!(port.value(), Some("9091"));
    assert!(
        !format!("{port:?}").contains("9091"),
        "a value is not for logs"
    );
}

#[test]
fn both_spellings_of_the_tee_demand_are_read() {
    let tee = |spec, name| {
        RuntimeSpec::parse(spec)
            .unwrap()
            .component(name)
            .unwrap()
            .tee()
    };
    assert_eq!(
        tee(EXECUTOR, "performer"),
        TeeDemand {
            camel_case: None,
            snake_case: Some(true)
        }
    );
    assert!(tee(GENERIC, "api-server").is_enabled());
    assert!(!tee(AGGREGATOR, "aggregator").is_enabled());
    let secret = &RuntimeSpec::parse(GENERIC).unwrap().components()[0].env()[0].clone();
    assert!(secret.is_secret());
    assert_eq!(secret.required(), Some(true));
}

#[test]
fn a_spec_with_faults_is_read_as_far_as_it_goes() {
    let report = check(
        b"kind: [a]\nname: x\nversion:\nspec:\n  a: 1\n  b: {digest: abc}\n",
        None,
    );
    let spec = report.spec.unwrap();
    assert_eq!(
        (spec.kind(), spec.name(), spec.version()),
        (None, Some("x"), None)
    );
    let [b] = spec.components() else {
        panic!("one component is a mapping")
    };
    assert_eq!(
        (b.digest_text(), b.digest(), b.registry()),
        (Some("abc"), None, None)
    );
    assert!(check(b"[1, 2]", None).spec.is_none());
}

#[test]
fn an_invalid_spec_says_where_its_first_error_is() {
    let error = RuntimeSpec::parse(b"[1, 2]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the spec has 1 error, at 1:1: the spec is a list, but a mapping is needed"
    );
}
