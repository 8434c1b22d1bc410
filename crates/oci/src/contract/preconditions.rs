//! What is promised about the preconditions of a push.

use futures_util::future::join_all;

use super::{artifact, digest_of, tag};
use crate::content::{Precondition, Target};
use crate::error::PushError;
use crate::raw_manifest::RawManifest;

pub(super) async fn are_about_each_tag<T: Target>(target: &T) {
    let (one, two) = (artifact(target, "one").await, artifact(target, "two").await);
    let push = async |manifest: &RawManifest, names: &[&str], precondition| {
        let tags = names.iter().copied().map(tag).collect();
        target
            .push_manifest(manifest.clone(), tags, precondition)
            .await
    };
    let current = async |name: &str| {
        let found = target.manifest(tag(name).into()).await;
        found.ok().map(|manifest| manifest.digest().clone())
    };
    let is = |manifest: &RawManifest| Precondition::Is(manifest.digest().clone());

    for absent in [is(&one), Precondition::Is(digest_of("else"))] {
        let refused = push(&one, &["x"], absent).await;
        assert!(
            matches!(refused, Err(PushError::Conflict { found: None, .. })),
            "{refused:?}"
        );
        assert_eq!(current("x").await, None, "a refused push moved a tag");
    }
    let pushed = push(&one, &["x"], Precondition::Absent).await;
    pushed.expect("the tag is absent");
    let pushed = push(&one, &["x"], Precondition::Absent).await;
    pushed.expect("the tag names this very manifest already");
    let refused = push(&two, &["x"], Precondition::Absent).await;
    assert!(matches!(
        refused,
        Err(PushError::Conflict { tag: name, found: Some(found) })
            if name == tag("x") && found == *one.digest()
    ));
    let refused = push(&two, &["y", "x"], Precondition::Absent).await;
    assert!(matches!(refused, Err(PushError::Conflict { .. })));
    assert_eq!(current("x").await.as_ref(), Some(one.digest()));

    let pushed = push(&two, &["x"], is(&one)).await;
    pushed.expect("the tag is as expected");
    let refused = push(&one, &["x"], is(&one)).await;
    assert!(matches!(refused, Err(PushError::Conflict { .. })));
    assert_eq!(current("x").await.as_ref(), Some(two.digest()));
}

pub(super) async fn let_one_of_several_win<T: Target>(target: &T) {
    let mut rivals = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        rivals.push(artifact(target, name).await);
    }
    let first = race(target, &rivals, Precondition::Absent).await;
    let winner = rivals.remove(first);
    assert_eq!(prize(target).await, winner);

    let expected = Precondition::Is(winner.digest().clone());
    let second = race(target, &rivals, expected).await;
    assert_eq!(prize(target).await, rivals[second]);
}

pub(super) async fn do_not_lose_tags_pushed_together<T: Target>(target: &T) {
    let manifest = artifact(target, "shared").await;
    let names: Vec<_> = (10..30).map(|n| format!("v{n}")).collect();
    let pushes = names
        .iter()
        .map(|name| target.push_manifest(manifest.clone(), vec![tag(name)], Precondition::Absent));
    for pushed in join_all(pushes).await {
        pushed.expect("no two of them have the same tag");
    }
    let listed = target.tags().await.expect("tags can be listed");
    let listed: Vec<_> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(listed, names);
}

/// Lets all rivals push one tag at once and returns which of them won; all others must have been refused.
async fn race<T: Target>(target: &T, rivals: &[RawManifest], precondition: Precondition) -> usize {
    let pushes = rivals
        .iter()
        .map(|rival| target.push_manifest(rival.clone(), vec![tag("prize")], precondition.clone()));
    let mut winner = None;
    for (at, result) in join_all(pushes).await.into_iter().enumerate() {
        match result {
            Ok(()) => assert_eq!(winner.replace(at), None, "more than one won"),
            Err(PushError::Conflict { .. }) => {}
            Err(other) => panic!("a loser is told of the conflict, not of {other}"),
        }
    }
    winner.expect("one of them wins")
}

async fn prize<T: Target>(target: &T) -> RawManifest {
    let holder = target.manifest(tag("prize").into()).await;
    holder.expect("the winner's tag is there")
}
