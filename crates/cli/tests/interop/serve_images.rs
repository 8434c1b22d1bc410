//! Images and indexes of images through `eigenpack serve` and `eigenpack copy`, byte for byte.

use std::collections::BTreeMap;

use crate::everybody::{copied_by_us, everybody_reads, plain_http_host};
use crate::layouts::{Layout, blobs};
use crate::program::Program;
use crate::proxy::RecordingProxy;
use crate::registry::Registry;
use crate::sandbox::Sandbox;

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_brings_an_image_and_takes_it_away() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let image = Layout::image(user.path("image"));
    skopeo_there_and_back(&registry, &user, &image, &[]);
}

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_brings_an_index_of_three_platforms_and_takes_it_away() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let index = Layout::index(user.path("image"));
    skopeo_there_and_back(&registry, &user, &index, &["--all"]);
}

#[track_caller]
fn skopeo_there_and_back(registry: &Registry, user: &Sandbox, image: &Layout, options: &[&str]) {
    let there = format!("docker://{}", registry.reference("acme/image:v1"));
    let mut arguments = vec!["--insecure-policy", "copy", "--preserve-digests"];
    arguments.extend(options);
    let push = ["--dest-tls-verify=false", "oci:image:v1", &there];
    user.run(Program::Skopeo, [&arguments[..], &push].concat())
        .succeeds();
    let pull = ["--src-tls-verify=false", &there, "oci:back:v1"];
    user.run(Program::Skopeo, [&arguments[..], &pull].concat())
        .succeeds();

    assert_eq!(blobs(&user.path("back")), image.blobs());
    everybody_reads(registry, "acme/image:v1", &image.manifest());
    assert_eq!(
        copied_by_us(&registry.reference("acme/image:v1")),
        image.blobs()
    );
}

#[test]
#[ignore = "needs the peers: just interop"]
fn skopeo_lists_tags_and_deletes_an_image() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let image = Layout::image(user.path("image"));
    for tag in ["v1", "v2"] {
        let there = registry.reference(&format!("acme/image:{tag}"));
        user.eigenpack(["copy", "oci:image:v1", &there]).succeeds();
    }
    let repository = format!("docker://{}", registry.reference("acme/image"));
    let list = ["list-tags", "--tls-verify=false", &repository];
    let listed = user.run(Program::Skopeo, list).exits_with_json(0);
    assert_eq!(listed["Tags"], serde_json::json!(["v1", "v2"]));

    // It looks up what the tag names and deletes that, with all its tags.
    let tagged = format!("{repository}:v1");
    let delete = ["delete", "--tls-verify=false", &tagged];
    user.run(Program::Skopeo, delete).succeeds();
    for rest in [":v1", ":v2", &format!("@{}", image.digest)] {
        let gone = registry.reference(&format!("acme/image{rest}"));
        user.eigenpack(["manifest", &gone]).exits(4);
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn crane_brings_an_index_and_takes_it_away() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let index = Layout::index(user.path("image"));
    let there = registry.reference("acme/image:v1");

    user.run(Program::Crane, ["push", "--index", "image", &there])
        .succeeds();
    // What is pushed so is the layout's own index, which names ours.
    let child = registry.reference(&format!("acme/image@{}", index.digest));
    user.run(Program::Crane, ["pull", "--format=oci", &child, "back"])
        .succeeds();

    everybody_reads(
        &registry,
        &format!("acme/image@{}", index.digest),
        &index.manifest(),
    );
    assert_eq!(copied_by_us(&child), index.blobs());
    let back = blobs(&user.path("back"));
    for (name, bytes) in index.blobs() {
        assert_eq!(back.get(&name), Some(&bytes), "{name}");
    }
}

#[test]
#[ignore = "needs the peers: just interop"]
fn regctl_brings_an_index_and_takes_it_away() {
    let (registry, user) = (Registry::ours(), Sandbox::new());
    let index = Layout::index(user.path("image"));
    let (there, host) = (
        registry.reference("acme/image:v1"),
        plain_http_host(&registry),
    );

    let copy = ["--host", &host, "image", "copy"];
    let push = ["ocidir://image:v1", &there];
    user.run(Program::Regctl, [&copy[..], &push].concat())
        .succeeds();
    let pull = [&there, "ocidir://back:v1"];
    user.run(Program::Regctl, [&copy[..], &pull].concat())
        .succeeds();

    everybody_reads(&registry, "acme/image:v1", &index.manifest());
    assert_eq!(copied_by_us(&there), index.blobs());
    assert_eq!(blobs(&user.path("back")), index.blobs());
}

#[test]
#[ignore = "needs the peers: just interop"]
fn an_index_survives_every_form_that_copy_knows() {
    let user = Sandbox::new();
    let index = Layout::index(user.path("image"));
    let (first, second) = (Registry::ours(), Registry::ours());
    let foreign = [Registry::docker(), Registry::distribution()];
    let digest = &index.digest;

    let mut from = "oci:image:v1".to_owned();
    for to in [
        first.reference("acme/image:v1"),
        "local/image:v1".to_owned(),
        "oci:between:v1".to_owned(),
        foreign[0].reference("acme/image:v1"),
        foreign[1].reference("acme/image:v1"),
        second.reference("acme/image:v1"),
    ] {
        let report = user
            .eigenpack(["copy", &from, &to, "--format", "json"])
            .exits_with_json(0);
        assert_eq!(report["digest"], *digest, "{to}");
        let manifest = user.eigenpack(["manifest", &to]).succeeds();
        assert_eq!(manifest, index.manifest(), "{to}");
        from = to;
    }

    for registry in [&first, &foreign[0], &foreign[1], &second] {
        let there = registry.reference("acme/image:v1");
        assert_eq!(copied_by_us(&there), index.blobs(), "{there}");
    }
    assert_eq!(blobs(&user.path("between")), index.blobs());
    everybody_reads(&second, "acme/image:v1", &index.manifest());
}

/// What is there already is not read.
#[test]
#[ignore = "needs the peers: just interop"]
fn a_copy_between_two_registries_asks_for_each_thing_once() {
    let user = Sandbox::new();
    let index = Layout::index(user.path("image"));
    let (ours, foreign) = (Registry::ours(), Registry::docker());
    let (before_ours, before_foreign) = (
        RecordingProxy::before(ours.address()),
        RecordingProxy::before(foreign.address()),
    );
    let start = foreign.reference("acme/image:v1");
    user.eigenpack(["copy", "oci:image:v1", &start]).succeeds();

    let from = before_foreign.reference("acme/image:v1");
    let to = before_ours.reference("acme/image:v1");
    user.eigenpack(["copy", &from, &to]).succeeds();

    // The index, three manifests, and a config and a layer for each.
    let mut read = before_foreign.take_requests();
    let all = read.len();
    read.sort_unstable();
    read.dedup();
    assert_eq!((all, read.len()), (10, 10), "{read:#?}");
    assert!(read.iter().all(|request| request.starts_with("GET ")));
    // The tag, one request for each of six blobs, the three manifests, the index.
    let written = before_ours.take_requests();
    assert_eq!(written.len(), 11, "{written:#?}");

    user.eigenpack(["copy", &from, &to]).succeeds();
    assert_eq!(before_foreign.take_requests().len(), 1);
    assert_eq!(before_ours.take_requests().len(), 1);

    // Debian's registry takes no content with the request that starts an upload. The four blobs that go up at once find
    // out, and are read once more.
    let back = before_foreign.reference("acme/back:v1");
    user.eigenpack(["copy", &to, &back]).succeeds();
    let mut read = before_ours.take_requests();
    assert!(read.len() <= 10 + 4, "{read:#?}");
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), 10, "{read:#?}");
    assert_eq!(
        copied_by_us(&foreign.reference("acme/back:v1")),
        index.blobs()
    );
}

/// Where a registry moves blobs between its repositories itself, none of them is read or sent. The one that is built into
/// `crane` does not: it opens a session, which the content then goes into.
#[test]
#[ignore = "needs the peers: just interop"]
fn a_copy_within_a_registry_moves_no_blob_that_the_registry_mounts() {
    let user = Sandbox::new();
    let index = Layout::index(user.path("image"));
    for (registry, pushed, of_blobs) in [
        (Registry::docker(), "mounted", vec![("POST", 6)]),
        (Registry::distribution(), "mounted", vec![("POST", 6)]),
        (Registry::ours(), "mounted", vec![("POST", 6)]),
        (
            Registry::crane(),
            "uploaded",
            vec![("GET", 6), ("POST", 6), ("PUT", 6)],
        ),
    ] {
        let proxy = RecordingProxy::before(registry.address());
        let from = proxy.reference("acme/image:v1");
        user.eigenpack(["copy", "oci:image:v1", &from]).succeeds();
        proxy.take_requests();

        let to = proxy.reference("acme/there:v1");
        let report = user
            .eigenpack(["copy", &from, &to, "--format", "json"])
            .exits_with_json(0);

        let blobs = report["blobs"].as_array().unwrap();
        let all_are = |expected| blobs.iter().all(|blob| blob["pushed"] == expected);
        assert!(all_are(pushed), "not {pushed}: {report:#}");
        let requests = proxy.take_requests();
        let methods = requests
            .iter()
            .filter(|request| request.contains("/blobs/"))
            .filter_map(|request| request.split(' ').next());
        let mut counts = BTreeMap::new();
        for method in methods {
            *counts.entry(method).or_insert(0) += 1;
        }
        assert_eq!(counts, of_blobs.into_iter().collect(), "{requests:#?}");
        let there = registry.reference("acme/there:v1");
        assert_eq!(copied_by_us(&there), index.blobs());
    }
}
