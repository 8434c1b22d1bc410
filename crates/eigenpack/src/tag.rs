//! Giving a manifest further tags, under the same rule for moving one as a push.

use eigenpack_oci::{
    AccessError, Digest, FetchError, Precondition, PushError, RawManifest, Tag, TagStatus, Target,
};
use eigenruntime::PullError;

use crate::tag_rule::{self, TagRefusal};

/// A manifest with its new tags.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tagged {
    /// The manifest.
    pub manifest: RawManifest,
    /// Each tag and what became of it.
    pub tags: Vec<(Tag, TagStatus)>,
}

/// Why no tag was set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] AccessError),
    /// The manifest to be tagged could not be read.
    #[error(transparent)]
    Manifest(#[from] PullError),
    /// A tag names something else; none was moved.
    #[error("the tag {tag} names {existing}, and tagging would move it to {ours}")]
    Conflict {
        /// The tag.
        tag: Tag,
        /// What it names.
        existing: Digest,
        /// What it would name.
        ours: Digest,
    },
    /// What a tag names now could not be read.
    #[error("cannot read what the tag {tag} names now")]
    ReadTag {
        /// The tag.
        tag: Tag,
        /// Why not.
        source: FetchError,
    },
    /// A tag could not be written.
    #[error("cannot set the tags")]
    Push(#[source] PushError),
}

impl From<TagRefusal> for TagError {
    fn from(refusal: TagRefusal) -> Self {
        match refusal {
            TagRefusal::Conflict {
                tag,
                existing,
                ours,
            } => Self::Conflict {
                tag,
                existing,
                ours,
            },
            TagRefusal::ReadTag { tag, source } => Self::ReadTag { tag, source },
        }
    }
}

/// Sets tags after all of them were read, so that a conflict moves none.
pub(crate) async fn set_tags<T: Target>(
    target: &T,
    manifest: RawManifest,
    tags: &[Tag],
    overwrite: bool,
) -> Result<Tagged, TagError> {
    let mut statuses = Vec::new();
    for tag in tags {
        let status = tag_rule::decide(target, tag, manifest.digest(), overwrite).await?;
        statuses.push((tag.clone(), status));
    }
    let changed: Vec<Tag> = statuses
        .iter()
        .filter(|(_, status)| *status != TagStatus::Unchanged)
        .map(|(tag, _)| tag.clone())
        .collect();
    if !changed.is_empty() {
        let precondition = Precondition::of_overwrite(overwrite);
        target
            .push_manifest(manifest.clone(), changed, precondition)
            .await
            .map_err(|error| {
                let lost = tag_rule::lost_race(error, manifest.digest());
                lost.map_or_else(TagError::Push, TagError::from)
            })?;
    }
    Ok(Tagged {
        manifest,
        tags: statuses,
    })
}
