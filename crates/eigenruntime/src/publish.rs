//! Publishing: the tag is read first, the blobs go up side by side, the manifest comes last and makes them visible.

use std::sync::Arc;

use eigenpack_oci::{
    Content, CurrentTag, Descriptor, Digest, Event, FetchError, Immovable, Observer, Precondition,
    PushError, Pushed, Tag, TagStatus, Target, observed,
};
use futures_util::future;

use crate::artifact::{
    Artifact, ArtifactBuilder, ArtifactManifest, BuildError, CREATED_ANNOTATION, Created,
};
use crate::difference::{self, Difference};

/// How an artifact is to be published.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// The tag it is published under.
    pub tag: Tag,
    /// Whether a tag that names something else may be moved.
    pub overwrite: bool,
    /// Whether the time of creation was taken from the clock.
    ///
    /// If so, what is stored under the tag counts as the same when it differs in nothing but its time, so that pushing
    /// twice is a success. A time that was given is part of what was asked for.
    pub created_from_clock: bool,
    /// The digest that the artifact must have; otherwise nothing is written.
    pub expect_digest: Option<Digest>,
    /// Whether the blobs are pushed even where the tag names the artifact already.
    ///
    /// A store on disk answers that it has them only after it has read them, and so damage is mended. With a registry it
    /// would cost requests for nothing that it should not have kept itself.
    pub mend: bool,
}

/// An artifact that is in the target under its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The artifact; where it was there already with an earlier time, that one.
    pub artifact: Artifact,
    /// The tag.
    pub tag: Tag,
    /// What happened to the tag.
    pub status: TagStatus,
    /// What happened to each blob; empty where none was sent.
    pub blobs: Vec<(Descriptor, Pushed)>,
}

/// Why an artifact was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No artifact can be built from the inputs.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The artifact has another digest than the one that was expected; nothing was written.
    #[error("the artifact's digest is {found}, but {expected} was expected")]
    UnexpectedDigest {
        /// The digest expected.
        expected: Digest,
        /// The digest that the inputs give.
        found: Digest,
    },
    /// The tag names something else, and was not to be moved; nothing visible was written.
    #[error("the tag {tag} names {existing}, and pushing would move it to {ours}")]
    Conflict {
        /// The tag.
        tag: Tag,
        /// What it names.
        existing: Digest,
        /// What would have been published; where the time is the clock's, with the time of what is there, so that it is the
        /// same for whoever asks again.
        ours: Digest,
        /// In what the two differ, as far as the manifests tell.
        differences: Vec<Difference>,
    },
    /// The tag could not be read.
    #[error("cannot read what the tag names now")]
    ReadTag(#[source] FetchError),
    /// A blob could not be stored; nothing visible was written.
    #[error("cannot store the blob {digest}")]
    PushBlob {
        /// The blob.
        digest: Digest,
        /// Why not.
        source: Box<PushError>,
    },
    /// The manifest could not be stored.
    #[error("cannot store the manifest {digest}")]
    PushManifest {
        /// The manifest.
        digest: Digest,
        /// Why not.
        source: Box<PushError>,
    },
}

/// Publishes what `builder` builds under a tag of `target`.
///
/// The tag is read first, in one request. If it names the same artifact, nothing is written; if it names another one,
/// nothing is written either and the answer is [`PublishError::Conflict`], unless `overwrite` is set. Stores on disk
/// check the tag again under their lock; a registry has no atomic check-and-put, so another client can still come first
/// between reading and writing.
pub async fn publish<T: Target>(
    builder: &ArtifactBuilder,
    target: &T,
    options: &PublishOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Published, PublishError> {
    let ours = builder.build()?;
    if !options.created_from_clock {
        expect(options, &ours)?;
    }
    let tag = &options.tag;
    let decides_by_tag = options.mend || options.expect_digest.is_some();
    let (current, sent) = if options.overwrite && !(options.created_from_clock && decides_by_tag) {
        // What the tag names hardly changes anything about the blobs, so they need not wait for it.
        let blobs = push_blobs(&ours, target, observer);
        let (current, blobs) = future::join(CurrentTag::read(target, tag), blobs).await;
        (current.map_err(PublishError::ReadTag)?, Some(blobs?))
    } else {
        let current = CurrentTag::read(target, tag).await;
        (current.map_err(PublishError::ReadTag)?, None)
    };
    let comparable = comparable(builder, &current, options);
    let artifact = comparable.build()?;
    let status = match current.put(artifact.manifest.digest(), options.overwrite) {
        Ok(TagStatus::Unchanged) => {
            expect(options, &artifact)?;
            let mut blobs = match sent {
                Some(blobs) => blobs,
                None if options.mend => push_blobs(&artifact, target, observer).await?,
                None => Vec::new(),
            };
            // A config with the clock's time belongs to nothing then.
            blobs.retain(|(descriptor, _)| artifact.has_blob(descriptor));
            return Ok(Published {
                artifact,
                tag: tag.clone(),
                status: TagStatus::Unchanged,
                blobs,
            });
        }
        Ok(status) => status,
        Err(Immovable::Unreadable(error)) => return Err(PublishError::ReadTag(error)),
        Err(Immovable::Names(stored)) => {
            return Err(PublishError::Conflict {
                tag: tag.clone(),
                existing: stored.digest().clone(),
                ours: artifact.manifest.digest().clone(),
                differences: difference::between(&comparable, &artifact, &stored),
            });
        }
    };
    expect(options, &ours)?;
    let blobs = match sent {
        Some(blobs) => blobs,
        None => push_blobs(&ours, target, observer).await?,
    };
    push_manifest(&ours, target, options, observer).await?;
    Ok(Published {
        artifact: ours,
        tag: tag.clone(),
        status,
        blobs,
    })
}

fn expect(options: &PublishOptions, artifact: &Artifact) -> Result<(), PublishError> {
    match &options.expect_digest {
        Some(expected) if expected != artifact.manifest.digest() => {
            Err(PublishError::UnexpectedDigest {
                expected: expected.clone(),
                found: artifact.manifest.digest().clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Returns the builder whose artifact is to be compared with what is stored: where our time is the clock's, at the
/// stored one's time, so that time alone makes no difference.
fn comparable(
    builder: &ArtifactBuilder,
    current: &CurrentTag,
    options: &PublishOptions,
) -> ArtifactBuilder {
    let stored = match current {
        CurrentTag::Manifest(raw) if options.created_from_clock => ArtifactManifest::read(raw).ok(),
        _ => None,
    };
    let builder = builder.clone();
    match stored.and_then(|mut manifest| manifest.annotations.remove(CREATED_ANNOTATION)) {
        Some(created) => builder.created(Created::verbatim(created)),
        None => builder,
    }
}

async fn push_blobs<T: Target>(
    artifact: &Artifact,
    target: &T,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<(Descriptor, Pushed)>, PublishError> {
    let blobs = [
        (&artifact.config_descriptor, &artifact.config),
        (&artifact.spec_descriptor, &artifact.spec),
    ];
    future::try_join_all(blobs.map(|(descriptor, bytes)| async move {
        observer.event(Event::BlobStarted(descriptor));
        let pushed = target
            .push_blob(
                descriptor.clone(),
                observed(Content::Bytes(bytes.clone()), descriptor, observer),
            )
            .await
            .map_err(|error| PublishError::PushBlob {
                digest: descriptor.digest.clone(),
                source: Box::new(error),
            })?;
        observer.event(Event::BlobPushed(descriptor, pushed));
        Ok((descriptor.clone(), pushed))
    }))
    .await
}

async fn push_manifest<T: Target>(
    artifact: &Artifact,
    target: &T,
    options: &PublishOptions,
    observer: &Arc<dyn Observer>,
) -> Result<(), PublishError> {
    let precondition = Precondition::of_overwrite(options.overwrite);
    let manifest = &artifact.manifest;
    target
        .push_manifest(manifest.clone(), vec![options.tag.clone()], precondition)
        .await
        .map_err(|error| match error {
            // Somebody else was faster.
            PushError::Conflict {
                tag,
                found: Some(existing),
            } => PublishError::Conflict {
                tag,
                existing,
                ours: manifest.digest().clone(),
                differences: Vec::new(),
            },
            error => PublishError::PushManifest {
                digest: manifest.digest().clone(),
                source: Box::new(error),
            },
        })?;
    observer.event(Event::ManifestPushed(&manifest.descriptor()));
    Ok(())
}
