//! The rule by which a manifest gets a tag, for whoever copies and whoever tags: it is read first, and somebody else may
//! still come between.

use eigenpack_oci::{CurrentTag, Digest, FetchError, Immovable, PushError, Source, Tag, TagStatus};

/// Why a manifest does not get a tag.
#[derive(Debug)]
pub(crate) enum TagRefusal {
    /// It names something else.
    Conflict {
        tag: Tag,
        existing: Digest,
        ours: Digest,
    },
    /// What it names could not be read.
    ReadTag { tag: Tag, source: FetchError },
}

/// Reads what a tag names at the target, and decides what giving it to the manifest `ours` does; nothing is written.
pub(crate) async fn decide<S: Source>(
    target: &S,
    tag: &Tag,
    ours: &Digest,
    overwrite: bool,
) -> Result<TagStatus, TagRefusal> {
    let unreadable = |source| {
        let tag = tag.clone();
        TagRefusal::ReadTag { tag, source }
    };
    let current = CurrentTag::read(target, tag).await.map_err(unreadable)?;
    current
        .put(ours, overwrite)
        .map_err(|immovable| match immovable {
            Immovable::Unreadable(source) => unreadable(source),
            Immovable::Names(existing) => TagRefusal::Conflict {
                tag: tag.clone(),
                existing: existing.digest().clone(),
                ours: ours.clone(),
            },
        })
}

/// Tells whether `ours` was not written because somebody else was faster, who moved a tag after it was read; any other error
/// comes back as it is.
pub(crate) fn lost_race(error: PushError, ours: &Digest) -> Result<TagRefusal, PushError> {
    match error {
        PushError::Conflict {
            tag,
            found: Some(existing),
        } => Ok(TagRefusal::Conflict {
            tag,
            existing,
            ours: ours.clone(),
        }),
        error => Err(error),
    }
}
