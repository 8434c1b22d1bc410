use super::*;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn manifest(content: &str) -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, content.as_bytes())
}

/// Shows each entry as `tag=content`, in order.
fn entries(index: &Index) -> Vec<String> {
    let known = ["one", "two", "three"];
    let shown = index.descriptors().map(|d| {
        let name = ref_name(d).unwrap_or("-");
        let content = known.iter().find(|c| manifest(c).digest == d.digest);
        format!("{name}={}", content.unwrap())
    });
    shown.collect()
}

fn put(index: &mut Index, content: &str, tags: &[&str]) -> bool {
    let tags: Vec<_> = tags.iter().copied().map(tag).collect();
    index.put(&manifest(content), &tags)
}

#[test]
fn every_manifest_has_an_entry_whatever_happens_to_its_tags() {
    let mut index = Index::empty();
    assert!(put(&mut index, "one", &[]));
    assert!(!put(&mut index, "one", &[]));
    assert_eq!(entries(&index), ["-=one"]);
    assert!(put(&mut index, "one", &["a", "b"]));
    assert_eq!(entries(&index), ["a=one", "b=one"]);
    assert!(!put(&mut index, "one", &["b"]));
    assert!(put(&mut index, "two", &["a"]));
    assert_eq!(entries(&index), ["b=one", "a=two"]);
    assert!(put(&mut index, "two", &["b"]));
    assert_eq!(entries(&index), ["-=one", "a=two", "b=two"]);
    assert!(index.remove_tag(&tag("a")) && index.remove_tag(&tag("b")));
    assert!(!index.remove_tag(&tag("b")));
    assert_eq!(entries(&index), ["-=one", "-=two"]);
    assert!(index.remove_manifest(&manifest("one").digest));
    assert!(!index.remove_manifest(&manifest("one").digest));
    assert_eq!(entries(&index), ["-=two"]);
}

#[test]
fn tags_move_only_where_they_may() {
    let mut index = Index::empty();
    put(&mut index, "one", &["a"]);
    let refused = index.check(
        &manifest("two").digest,
        &[tag("new"), tag("a")],
        &Precondition::Absent,
    );
    let found = Some(manifest("one").digest);
    assert_eq!(
        refused,
        Err(Conflict {
            tag: tag("a"),
            found
        })
    );
}

#[test]
fn what_others_wrote_survives() {
    let (one, two) = (manifest("one"), manifest("two"));
    let text = format!(
        r#"{{ "x": [1.0], "schemaVersion": 2, "manifests": [
            {{"digest":"{}","mediaType":"{}","size":3,"platform":{{"os":"plan9"}},"x":1e3,
              "annotations":{{"k":"v","org.opencontainers.image.ref.name":"a"}}}},
            {{"not":"a descriptor","org.opencontainers.image.ref.name":"b"}},
            {{"mediaType":"{}","digest":"{}","size":3,
              "annotations":{{"org.opencontainers.image.ref.name":"example.com/x:y"}}}}
        ], "annotations": {{"z":"z"}} }}"#,
        one.digest, one.media_type, two.media_type, two.digest,
    );
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(index.tags(), [tag("a")]);
    assert_eq!(index.find(&tag("y").into()), None);
    put(&mut index, "two", &["a"]);
    let written = String::from_utf8(index.to_bytes()).unwrap();
    for kept in [
        r#""x":[1.0]"#,
        r#""platform":{"os":"plan9"},"x":1e3,"annotations":{"k":"v"}"#,
        r#"{"not":"a descriptor","org.opencontainers.image.ref.name":"b"}"#,
        r#"{"org.opencontainers.image.ref.name":"example.com/x:y"}"#,
        r#""annotations": {"z":"z"}"#.replace(": ", ":").as_str(),
    ] {
        assert!(written.contains(kept), "{kept} is not in {written}");
    }
    let again = Index::parse(written.as_bytes()).unwrap();
    assert_eq!(again.find(&tag("a").into()).unwrap().digest, two.digest);
    assert_eq!(again.manifests().count(), 2);
}

#[test]
fn a_tag_that_others_wrote_twice_moves_as_one() {
    let (one, two) = (manifest("one"), manifest("two"));
    let entry = |d: &Descriptor| {
        let mut tagged = d.clone();
        tagged.annotations.insert(REF_NAME.into(), "a".into());
        serde_json::to_string(&tagged).unwrap()
    };
    let text = format!(r#"{{"manifests":[{},{}]}}"#, entry(&one), entry(&two));
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(index.find(&tag("a").into()).unwrap().digest, one.digest);
    put(&mut index, "two", &["a"]);
    assert_eq!(entries(&index), ["-=one", "a=two"]);
}

#[test]
fn what_is_not_an_index_is_refused() {
    for text in ["", "[]", "{", r#"{"manifests":{}}"#, r#"{"a":1,"a":1}"#] {
        assert!(Index::parse(text.as_bytes()).is_err(), "{text}");
    }
    let null = Index::parse(br#"{"manifests":null}"#).unwrap();
    assert_eq!(null.manifests().count(), 0);
}

mod model {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const NAMES: [&str; 3] = ["one", "two", "three"];

    proptest! {
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize), 0..30)) {
            let mut index = Index::empty();
            let (mut tags, mut manifests) = (BTreeMap::new(), BTreeSet::new());
            for (kind, name, content) in steps {
                let (name, digest) = (tag(NAMES[name]), manifest(NAMES[content]).digest);
                match kind {
                    0 => {
                        put(&mut index, NAMES[content], &[name.as_str()]);
                        manifests.insert(digest.clone());
                        tags.insert(name, digest);
                    }
                    1 => {
                        let was_there = tags.remove(&name).is_some();
                        prop_assert_eq!(index.remove_tag(&name), was_there);
                    }
                    _ => {
                        prop_assert_eq!(index.remove_manifest(&digest), manifests.remove(&digest));
                        tags.retain(|_, tagged| *tagged != digest);
                    }
                }
                index = Index::parse(&index.to_bytes()).unwrap();
                prop_assert_eq!(index.tags(), tags.keys().cloned().collect::<Vec<_>>());
                for (name, digest) in &tags {
                    let found = index.find(&name.clone().into()).unwrap();
                    prop_assert_eq!(&found.digest, digest);
                }
                let listed: BTreeSet<_> = index.manifests().map(|d| d.digest.clone()).collect();
                prop_assert_eq!(&listed, &manifests);
            }
        }
    }
}
