//! What happens to a tag that something is put under: the one rule of every command that moves tags.
//!
//! A tag is read before it is moved. What it names already is left alone, and what it does not name is not replaced unless
//! that was asked for.

use crate::content::{Precondition, Source};
use crate::digest::Digest;
use crate::error::FetchError;
use crate::raw_manifest::RawManifest;
use crate::reference::Tag;

/// What happened to a tag that something was put under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagStatus {
    /// The tag is new.
    Created,
    /// The tag named the manifest already.
    Unchanged,
    /// The tag named another manifest, which keeps its digest.
    Overwritten {
        /// What it named; unknown where the former manifest could not be read.
        previous: Option<Digest>,
    },
}

/// What a tag names now.
#[derive(Debug)]
pub enum CurrentTag {
    /// There is no such tag.
    Absent,
    /// It names this manifest.
    Manifest(RawManifest),
    /// It names something that is no manifest, or not the one that its digest promises.
    Unreadable(FetchError),
}

/// Why a tag is not moved unasked.
#[derive(Debug)]
pub enum Immovable {
    /// It names something else.
    Names(RawManifest),
    /// It names something, and nobody can tell what.
    Unreadable(FetchError),
}

impl CurrentTag {
    /// Reads a tag, in one request.
    ///
    /// What is stored but broken is an answer, since it can be replaced; that a store cannot be asked is an error.
    pub async fn read<S: Source>(source: &S, tag: &Tag) -> Result<Self, FetchError> {
        match source.manifest(tag.clone().into()).await {
            Ok(manifest) => Ok(Self::Manifest(manifest)),
            Err(FetchError::ManifestNotFound(_) | FetchError::RepositoryNotFound) => {
                Ok(Self::Absent)
            }
            Err(
                error @ (FetchError::Manifest(_)
                | FetchError::Verify(_)
                | FetchError::TooLarge { .. }),
            ) => Ok(Self::Unreadable(error)),
            Err(error) => Err(error),
        }
    }

    /// Decides what putting the manifest `digest` under the tag does to it.
    pub fn put(self, digest: &Digest, overwrite: bool) -> Result<TagStatus, Immovable> {
        match self {
            Self::Absent => Ok(TagStatus::Created),
            Self::Manifest(current) if current.digest() == digest => Ok(TagStatus::Unchanged),
            Self::Manifest(current) if overwrite => {
                let previous = Some(current.digest().clone());
                Ok(TagStatus::Overwritten { previous })
            }
            Self::Unreadable(_) if overwrite => Ok(TagStatus::Overwritten { previous: None }),
            Self::Manifest(current) => Err(Immovable::Names(current)),
            Self::Unreadable(error) => Err(Immovable::Unreadable(error)),
        }
    }
}

impl Precondition {
    /// Returns what a store is to check once more when a tag is moved that was read before.
    pub fn of_overwrite(overwrite: bool) -> Self {
        if overwrite { Self::Any } else { Self::Absent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ManifestError;
    use crate::media_type::MediaType;

    #[test]
    fn a_tag_is_not_moved_unasked() {
        let manifest = |text: &'static str| {
            RawManifest::new(MediaType::IMAGE_MANIFEST, text.as_bytes().into())
        };
        let (theirs, ours) = (manifest("theirs"), manifest("ours"));
        let names = |manifest: &RawManifest| CurrentTag::Manifest(manifest.clone());
        let broken = || {
            let error = ManifestError::SchemaVersion { found: 1 };
            CurrentTag::Unreadable(error.into())
        };
        let put = |current: CurrentTag, overwrite| current.put(ours.digest(), overwrite).ok();
        for overwrite in [false, true] {
            assert_eq!(put(CurrentTag::Absent, overwrite), Some(TagStatus::Created));
            assert_eq!(put(names(&ours), overwrite), Some(TagStatus::Unchanged));
        }
        assert_eq!(
            (put(names(&theirs), false), put(broken(), false)),
            (None, None)
        );
        let overwritten = |previous| Some(TagStatus::Overwritten { previous });
        let previous = Some(theirs.digest().clone());
        assert_eq!(put(names(&theirs), true), overwritten(previous));
        assert_eq!(put(broken(), true), overwritten(None));
    }
}
