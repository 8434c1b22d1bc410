//! The file of a fault plan: what is documented is read, and what is not is an error with its place.

use std::path::Path;

use eigenpack_registry::fault::{FaultPlan, FaultPlanError, MAX_PLAN_SIZE};

#[test]
fn every_documented_plan_and_fault_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let text = std::fs::read_to_string(path).unwrap();
    let examples: Vec<_> = text.split("```json\n").skip(1).collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        let json = example.split("```").next().unwrap();
        FaultPlan::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"));
    }
    // The first column of each table of faults, with the letters that stand for something filled in.
    let digest = format!("sha256:{}", "0".repeat(64));
    let faults: Vec<_> = (text.lines())
        .filter_map(|line| line.strip_prefix("| `{ ")?.split('`').next())
        .map(|fault| {
            let filled = fault
                .replace("N ", "3 ")
                .replace("N,", "3,")
                .replace("S ", "418 ")
                .replace("S,", "418,")
                .replace("{…}", r#"{"Warning":"299 - x"}"#)
                .replace("[…]", r#"["Server"]"#)
                .replace("sha256:…", &digest);
            format!("{{ {filled}")
        })
        .collect();
    assert_eq!(faults.len(), 18);
    let moments = [
        r#""at-once""#,
        r#"{"request-bytes":1}"#,
        r#""before-head""#,
        r#"{"body-bytes":1}"#,
    ];
    for fault in faults {
        for moment in moments {
            let fault = fault.replace("MOMENT", moment);
            let json = format!(r#"{{"rules":[{{"fault":{fault}}}]}}"#);
            FaultPlan::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"));
        }
    }
}

#[test]
fn what_is_no_plan_is_an_error_with_its_place() {
    // What is wrong stands on the second line of each.
    for (json, reason) in [
        ("{\n\"rule\": [] }", "unknown field `rule`"),
        (
            "{\"rules\":[{\"fault\":{\n\"explode\":1}}]}",
            "unknown variant `explode`",
        ),
        (
            "{\"rules\":[{\"fault\":{\n\"status\":99}}]}",
            "a status is a number from 200 to 599",
        ),
        (
            "{\"rules\":[{\"requests\":{\n\"endpoint\":\"blobs\"},\"fault\":{\"cut\":1}}]}",
            "unknown variant `blobs`",
        ),
        (
            "{\"rules\":[{\"requests\":{\n\"repository\":\"A\"},\"fault\":{\"cut\":1}}]}",
            "lower case",
        ),
        (
            "{\"rules\":[{\"requests\":{\"when\":{\n\"nth\":0}},\"fault\":{\"cut\":1}}]}",
            "expected a nonzero u64",
        ),
        (
            "{\"rules\":[{\"fault\":{\"answer\":{\"status\":200,\"headers\":{\n\"a b\":\"c\"}}}}]}",
            "is not the name of a header",
        ),
        (
            "{\"rules\":[{\"fault\":{\"stall\":{\"at\":\"at-once\",\n\"seconds\":1}}}]}",
            "unknown field `seconds`",
        ),
        ("{\"rules\":[\n{\"requests\":{}}]}", "missing field `fault`"),
        ("{\"rules\":\n[", "EOF"),
    ] {
        let error = FaultPlan::from_json(json.as_bytes()).unwrap_err();
        let FaultPlanError::Malformed {
            line,
            column,
            reason: found,
        } = error
        else {
            panic!("{error:?}")
        };
        let end = json.lines().last().unwrap().len();
        assert_eq!(line, 2, "{json}: {found}");
        assert!((1..=end).contains(&column), "{json}: {column}");
        assert!(found.contains(reason), "{found}");
        assert!(!found.contains(" at line "), "{found}");
    }
    let large = vec![b' '; usize::try_from(MAX_PLAN_SIZE).unwrap() + 1];
    let error = FaultPlan::from_json(&large).unwrap_err();
    assert_eq!(error, FaultPlanError::TooLarge);
}
