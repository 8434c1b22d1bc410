//! Many clients at once.

use eigenpack_oci::{Precondition, PushError, Source as _, Tag, Target as _};
use futures_util::future::join_all;

use crate::fixture::{Running, manifest};

const CLIENTS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_however_many_push_it() {
    let (_directory, servers) = Running::both().await;
    let content = vec![7; 300_000];
    for server in &servers {
        let pushes = (0..CLIENTS).map(|client| {
            let content = &content;
            async move {
                let digest = server.push_blob("a/b", content).await;
                let manifest = manifest(&client.to_string());
                let pushed = server.put("a/b", "shared", &manifest, &[]).await;
                assert_eq!(pushed.status, 201);
                (digest, manifest)
            }
        });
        for (blob, manifest) in join_all(pushes).await {
            let read = server
                .get(&format!("/v2/a/b/manifests/{}", manifest.digest()))
                .await;
            assert_eq!(read.body, manifest.bytes().as_ref());
            let blob = server
                .ask(&format!("HEAD /v2/a/b/blobs/{blob}"), &[], b"")
                .await;
            assert_eq!(blob.status, 200);
        }
        let digest = server.push_blob("a/b", &content).await;
        assert_eq!(
            server.get(&format!("/v2/a/b/blobs/{digest}")).await.body,
            content
        );
        let tags = server.repository("a/b").tags().await.unwrap();
        assert_eq!(tags, ["shared".parse::<Tag>().unwrap()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_of_many_gets_a_tag_that_was_absent() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let pushes = (0..8).map(|client| async move {
            let tags = vec!["prize".parse().unwrap()];
            let repository = server.repository("a/b");
            let manifest = manifest(&client.to_string());
            repository
                .push_manifest(manifest, tags, Precondition::Absent)
                .await
        });
        let results = join_all(pushes).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        let lost =
            |result: &&Result<(), PushError>| matches!(result, Err(PushError::Conflict { .. }));
        assert_eq!((won, results.iter().filter(lost).count()), (1, 7));
    }
}
