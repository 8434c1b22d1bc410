//! Lists that are long: whole, page by page, and while they grow.

use eigenpack_layout::LocalStore;
use eigenpack_oci::distribution::next_link;
use eigenpack_oci::{Source as _, Tag};
use eigenpack_registry::ServerOptions;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{Running, manifest};

const TAGS: usize = 10_000;

#[tokio::test]
async fn ten_thousand_tags_in_memory_are_listed_and_one_more_is_pushed() {
    let server = Running::in_memory().await;
    let tags = tags();
    // As many at once as one push may set.
    for batch in tags.chunks(64) {
        let manifest = manifest(&batch[0]);
        let which = format!("{}?tag={}", manifest.digest(), batch.join("&tag="));
        let pushed = server.put("a/b", &which, &manifest, &[]).await;
        assert_eq!(pushed.status, 201, "{pushed:?}");
    }
    assert_listed_and_one_more(&server, tags).await;
}

/// The tags are written into the layout by somebody else, in one go.
#[tokio::test]
async fn ten_thousand_tags_on_disk_are_listed_and_one_more_is_pushed() {
    let directory = TempDir::new().unwrap();
    let store = LocalStore::open(directory.path().join("store")).await;
    let server = Running::start(store.unwrap(), ServerOptions::default()).await;
    let (tags, manifest) = (tags(), manifest("many"));
    server.put("a/b", &tags[0], &manifest, &[]).await;
    let entries: Vec<_> = tags
        .iter()
        .map(|tag| {
            let mut descriptor = manifest.descriptor();
            let name = "org.opencontainers.image.ref.name".to_owned();
            descriptor.annotations.insert(name, tag.clone());
            descriptor
        })
        .collect();
    let index = json!({ "schemaVersion": 2, "manifests": entries });
    let layout = directory.path().join("store/repositories/a/b/_layout");
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();

    assert_listed_and_one_more(&server, tags).await;
}

fn tags() -> Vec<String> {
    (0..TAGS).map(|number| format!("t{number:05}")).collect()
}

async fn assert_listed_and_one_more(server: &Running, mut tags: Vec<String>) {
    assert_eq!(listed(server, "tags/list").await, tags);
    assert_eq!(walk(server, "/v2/a/b/tags/list?n=2999", "tags").await, tags);
    let rest = listed(server, "tags/list?last=t07499").await;
    assert_eq!(rest, tags[7500..]);

    let one_more = manifest("one more");
    let pushed = server.put("a/b", "t05000.1", &one_more, &[]).await;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    tags.insert(5001, "t05000.1".to_owned());
    let beside = listed(server, "tags/list?n=2&last=t05000").await;
    assert_eq!(beside, ["t05000.1", "t05001"]);
    let all = server.repository("a/b").tags().await.unwrap();
    let all: Vec<_> = all.iter().map(Tag::as_str).collect();
    assert_eq!(all, tags);
    let read = server.get("/v2/a/b/manifests/t05000.1").await;
    assert_eq!(read.body, one_more.bytes().as_ref());
}

#[tokio::test]
async fn a_long_catalogue_is_walked_page_by_page() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let mut names: Vec<String> = (0..20)
            .flat_map(|number| {
                [
                    format!("r{number}"),
                    format!("r{number}/nested"),
                    format!("r{number}-x"),
                ]
            })
            .collect();
        for name in &names {
            let pushed = server.put(name, "v1", &manifest("x"), &[]).await;
            assert_eq!(pushed.status, 201, "{pushed:?}");
        }
        names.sort_unstable();
        for size in [7, 59, 60, 1000] {
            let page = format!("/v2/_catalog?n={size}");
            let seen = walk(server, &page, "repositories").await;
            assert_eq!(seen, names, "in pages of {size}");
        }
    }
}

async fn listed(server: &Running, target: &str) -> Vec<String> {
    page(server, &format!("/v2/a/b/{target}"), "tags").await.0
}

/// Follows the links from page to page to the end.
async fn walk(server: &Running, first: &str, field: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(target) = next {
        let (names, link) = page(server, &target, field).await;
        assert!(!names.is_empty(), "{target} is a page of nothing");
        all.extend(names);
        next = link;
    }
    all
}

async fn page(server: &Running, target: &str, field: &str) -> (Vec<String>, Option<String>) {
    let reply = server.get(target).await;
    assert_eq!(reply.status, 200, "{target}: {reply:?}");
    let document: Value = serde_json::from_slice(&reply.body).unwrap();
    let names = serde_json::from_value(document[field].clone()).unwrap();
    let link = next_link(reply.header("link")).map(str::to_owned);
    (names, link)
}
