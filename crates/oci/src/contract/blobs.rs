//! What is promised about blobs.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;

use super::{LAYER, bytes_of, push_bytes, read};
use crate::algorithm::Algorithm;
use crate::content::{ByteStream, Content, Pushed, Reopen, Target};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{FetchError, PushError};

pub(super) async fn come_back_as_they_were<T: Target>(target: &T) {
    let large = pattern(3 * 1024 * 1024 + 7);
    for content in [b"".as_slice(), b"\0\r\n\xff", &large] {
        let descriptor = Descriptor::of(LAYER, content);
        assert!(
            !target
                .has_blob(descriptor.clone())
                .await
                .expect("can be asked"),
            "nothing was pushed yet"
        );
        let pushed = push_bytes(target, LAYER, content).await;
        assert!(target.has_blob(pushed).await.expect("can be asked"));
        assert_eq!(
            read(target, &descriptor, 0).await.expect("is there"),
            content
        );
        // Some stores cannot tell without being sent it again; both answers keep it as it is.
        let again = target.push_blob(descriptor.clone(), bytes_of(content));
        assert!(matches!(
            again.await.expect("can be pushed again"),
            Pushed::Existed | Pushed::Uploaded
        ));
        assert_eq!(
            read(target, &descriptor, 0).await.expect("is still there"),
            content
        );
    }
    // As long as there is no manifest, there may not even be a repository.
    let absent = Descriptor::of(LAYER, b"never pushed");
    assert!(matches!(
        read(target, &absent, 0).await,
        Err(FetchError::BlobNotFound(_) | FetchError::RepositoryNotFound)
    ));
}

pub(super) async fn are_refused_unless_they_are_what_they_claim<T: Target>(target: &T) {
    let honest = Descriptor::of(LAYER, b"what was promised");
    let shorter = Descriptor {
        size: honest.size - 1,
        ..honest.clone()
    };
    let longer = Descriptor {
        size: honest.size + 1,
        ..honest.clone()
    };
    for (claim, content) in [
        (&honest, "what was delivere".as_bytes()),
        (&honest, b"what was"),
        (&honest, b"what was promised and more"),
        (&honest, b""),
        (&shorter, b"what was promised"),
        (&longer, b"what was promised"),
    ] {
        for content in [bytes_of(content), in_pieces(content, 5)] {
            assert!(
                target.push_blob(claim.clone(), content).await.is_err(),
                "content that is not what it claims was taken"
            );
        }
    }
    let breaks = Content::Reopen(Arc::new(Breaks));
    assert!(matches!(
        target.push_blob(honest.clone(), breaks).await,
        Err(PushError::Content(_))
    ));
    assert!(
        !target.has_blob(honest.clone()).await.expect("can be asked"),
        "refused content was kept"
    );
    push_bytes(target, LAYER, b"what was promised").await;
    for lie in [shorter, longer] {
        assert!(
            read(target, &lie, 0).await.is_err(),
            "a lie about the size was believed"
        );
    }
}

pub(super) async fn can_be_read_from_an_offset<T: Target>(target: &T) {
    let content = pattern(700_001);
    let descriptor = Descriptor::of(LAYER, &content);
    let pushed = target.push_blob(descriptor.clone(), in_pieces(&content, 65_537));
    assert_eq!(pushed.await.expect("is stored"), Pushed::Uploaded);
    for offset in [0, 1, 262_144, 700_000, 700_001] {
        let rest = read(target, &descriptor, offset).await;
        let start = usize::try_from(offset).expect("a small number");
        assert_eq!(rest.expect("is there"), content[start..], "from {offset}");
    }
}

pub(super) async fn can_be_addressed_by_sha512<T: Target>(target: &T) {
    let content = b"content with a longer digest";
    let mut hasher = Algorithm::Sha512.hasher().expect("is known");
    hasher.update(content);
    let descriptor = Descriptor::new(LAYER, hasher.finish(), content.len() as u64);
    let pushed = target.push_blob(descriptor.clone(), bytes_of(content));
    pushed.await.expect("is stored");
    assert_eq!(
        read(target, &descriptor, 0).await.expect("is there"),
        content.as_slice()
    );
    let wrong = descriptor.digest.as_str().replacen("sha512:", "", 1);
    let wrong: String = wrong.chars().rev().collect();
    let wrong: Digest = format!("sha512:{wrong}").parse().expect("well formed");
    let wrong = Descriptor::new(LAYER, wrong, descriptor.size);
    assert!(target.push_blob(wrong, bytes_of(content)).await.is_err());
}

pub(super) async fn can_be_pushed_by_many_at_once<T: Target>(target: &T) {
    let content = pattern(200_000);
    let descriptor = Descriptor::of(LAYER, &content);
    let pushes = (1..=8)
        .map(|piece| target.push_blob(descriptor.clone(), in_pieces(&content, piece * 10_000)));
    for pushed in join_all(pushes).await {
        pushed.expect("each of them succeeds");
    }
    assert_eq!(
        read(target, &descriptor, 0).await.expect("is there"),
        content
    );
}

/// Makes bytes in which no two places look alike.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Makes content that is opened again for each reading and comes in pieces.
fn in_pieces(content: &[u8], piece: usize) -> Content {
    Content::Reopen(Arc::new(Pieces {
        content: Bytes::copy_from_slice(content),
        piece,
    }))
}

type Opened = Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send>>;

struct Pieces {
    content: Bytes,
    piece: usize,
}

impl Reopen for Pieces {
    fn open(&self, offset: u64) -> Opened {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.content.slice(start.min(self.content.len())..);
        let piece = self.piece;
        let pieces = std::iter::from_fn(move || {
            let next = rest.split_to(piece.min(rest.len()));
            (!next.is_empty()).then_some(Ok(next))
        });
        Box::pin(async { Ok(Box::pin(stream::iter(pieces)) as ByteStream) })
    }
}

/// Content whose reading fails half-way.
struct Breaks;

impl Reopen for Breaks {
    fn open(&self, _: u64) -> Opened {
        let pieces = [
            Ok(Bytes::from_static(b"what was")),
            Err(io::Error::other("the disk is on fire")),
        ];
        Box::pin(async { Ok(Box::pin(stream::iter(pieces)) as ByteStream) })
    }
}
