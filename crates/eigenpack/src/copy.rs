//! Copying from any location to any other, every digest kept.

use std::sync::Arc;

use eigenpack_oci::{
    self as oci, AccessError, Copied, CopyError as ContentError, Digest, FetchError, Observer,
    Precondition, RawManifest, Reference, Selector, Source, Tag, TagStatus, Target,
};
use eigenruntime::{PullError, fetch_manifest};

use crate::tag_rule::{self, TagRefusal};

/// How many blobs are moved at a time.
const CONCURRENCY: usize = 4;

/// What a copy did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copy {
    /// The manifest that was copied.
    pub manifest: RawManifest,
    /// The tag that names it at the target; none where it is stored by digest alone.
    pub tag: Option<Tag>,
    /// What happened to the tag; without one, the copy is new.
    pub status: TagStatus,
    /// What was moved; nothing where the target was unchanged.
    pub copied: Copied,
}

/// Why nothing was copied, or not all of it. The target's tags are written last, so none of them names a part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source could not be opened.
    #[error("cannot open the source")]
    OpenSource(#[source] AccessError),
    /// The target could not be opened.
    #[error("cannot open the target")]
    OpenTarget(#[source] AccessError),
    /// The manifest could not be read from the source.
    #[error("cannot read the source")]
    Manifest(#[source] PullError),
    /// The target names a digest that the source does not have.
    #[error("the source is {found}, not {expected}")]
    OtherDigest {
        /// The digest in the target's reference.
        expected: Digest,
        /// The digest of what the source names.
        found: Digest,
    },
    /// The target's tag names something else; nothing visible was written.
    #[error("the tag {tag} names {existing}, and copying would move it to {ours}")]
    Conflict {
        /// The tag.
        tag: Tag,
        /// What it names.
        existing: Digest,
        /// What it would name.
        ours: Digest,
    },
    /// What the target's tag names could not be read.
    #[error("cannot read what the tag {tag} names at the target")]
    ReadTag {
        /// The tag.
        tag: Tag,
        /// Why not.
        source: FetchError,
    },
    /// The content could not be moved; the inner error names the side.
    #[error(transparent)]
    Content(ContentError),
}

/// Copies what `from` selects to `to`. Without a tag there, the source's tag is taken.
pub(crate) async fn copy<S: Source + Clone + 'static, T: Target>(
    source: &S,
    from: &Selector,
    target: &T,
    to: &Reference,
    overwrite: bool,
    observer: &Arc<dyn Observer>,
) -> Result<Copy, CopyError> {
    let manifest = fetch_manifest(source, from)
        .await
        .map_err(CopyError::Manifest)?;
    if let Some(expected) = &to.selector.digest
        && expected != manifest.digest()
    {
        let found = manifest.digest().clone();
        return Err(CopyError::OtherDigest {
            expected: expected.clone(),
            found,
        });
    }
    let tag = match &to.selector {
        Selector {
            tag: None,
            digest: None,
        } => from.tag.clone(),
        selector => selector.tag.clone(),
    };
    let status = match &tag {
        Some(tag) => tag_rule::decide(target, tag, manifest.digest(), overwrite).await?,
        None => TagStatus::Created,
    };
    let copied = if status == TagStatus::Unchanged {
        Copied::default()
    } else {
        let precondition = Precondition::of_overwrite(overwrite);
        let tags = tag.iter().cloned().collect();
        let options = oci::CopyOptions {
            tags,
            precondition,
            concurrency: CONCURRENCY,
        };
        oci::copy(source, target, manifest.clone(), &options, observer)
            .await
            .map_err(|error| not_copied(error, manifest.digest()))?
    };
    Ok(Copy {
        manifest,
        tag,
        status,
        copied,
    })
}

/// Finds out whether the content could not be moved, or the target's tag.
fn not_copied(error: ContentError, ours: &Digest) -> CopyError {
    match error {
        ContentError::Target { digest, source } => {
            let failed = |source| CopyError::Content(ContentError::Target { digest, source });
            let lost = tag_rule::lost_race(source, ours);
            lost.map_or_else(failed, CopyError::from)
        }
        error => CopyError::Content(error),
    }
}

impl From<TagRefusal> for CopyError {
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
