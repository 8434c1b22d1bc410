//! Changes of `index.json` that arrive together and are written together.
//!
//! A write costs two syncs of the disk however much it changes, so whoever's turn it is writes what all others want as
//! well, and many pushes at once cost little more than one.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::{AccessError, Descriptor, Digest, Precondition, PushError, Tag};
use tokio::sync::oneshot;

use crate::blocking::{blocking, stopped};
use crate::index::{Conflict, Index};
use crate::layout_dir::LayoutDir;

/// The changes of one layout that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    waiting: Mutex<Vec<Waiting>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A change of `index.json`.
#[derive(Debug)]
pub(crate) enum Edit {
    /// Gives a manifest an entry, and moves tags to it.
    Put {
        manifest: Descriptor,
        tags: Vec<Tag>,
        precondition: Precondition,
    },
    /// Removes a tag.
    RemoveTag(Tag),
    /// Removes a manifest with all its tags.
    RemoveManifest(Digest),
}

#[derive(Debug)]
struct Waiting {
    edit: Edit,
    answer: oneshot::Sender<Result<(), PushError>>,
}

impl CommitQueue {
    /// Makes a change, and returns when it is on disk or was refused.
    ///
    /// Where the future is dropped before its turn came, nothing is changed.
    pub(crate) async fn commit(&self, layout: &LayoutDir, edit: Edit) -> Result<(), PushError> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { edit, answer });
        let turn = self.turn.clone().lock_owned().await;
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        let batch = std::mem::take(&mut *self.waiting());
        let layout = layout.clone();
        blocking(move || {
            let _turn = turn;
            write(&layout, batch);
            Ok::<_, AccessError>(())
        })
        .await?;
        answered.await.unwrap_or_else(|_| Err(stopped().into()))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes all changes of a batch in one write, and answers each.
fn write(layout: &LayoutDir, mut batch: Vec<Waiting>) {
    // Whoever does not wait any more was told nothing, and must not find a change made later behind their back.
    batch.retain(|waiting| !waiting.answer.is_closed());
    let written = layout.edit_index(|index| {
        let results: Vec<_> = batch.iter().map(|one| one.edit.apply(index)).collect();
        (results.iter().any(|r| matches!(r, Ok(true))), results)
    });
    match written {
        Ok(results) => {
            for (waiting, result) in batch.into_iter().zip(results) {
                // Nobody may be left to be told.
                drop(waiting.answer.send(result.map(drop)));
            }
        }
        Err(error) => {
            for waiting in batch {
                drop(waiting.answer.send(Err(repeat(&error).into())));
            }
        }
    }
}

impl Edit {
    /// Applies the change, and tells whether there was anything to change.
    fn apply(&self, index: &mut Index) -> Result<bool, PushError> {
        let found = match self {
            Self::Put {
                manifest,
                tags,
                precondition,
            } => {
                let put = index.put(manifest, tags, precondition);
                return put.map_err(|Conflict { tag, found }| PushError::Conflict { tag, found });
            }
            Self::RemoveTag(tag) => index.remove_tag(tag),
            Self::RemoveManifest(digest) => index.remove_manifest(digest),
        };
        if found {
            return Ok(true);
        }
        let which = match self {
            Self::RemoveTag(tag) => tag.clone().into(),
            Self::RemoveManifest(digest) => digest.clone().into(),
            Self::Put { manifest, .. } => manifest.digest.clone().into(),
        };
        Err(PushError::ManifestNotFound(which))
    }
}

/// Makes the same error once more: everybody whose change was in the batch is told why it failed.
fn repeat(error: &AccessError) -> AccessError {
    match error {
        AccessError::Io {
            action,
            path,
            source,
        } => AccessError::Io {
            action,
            path: path.clone(),
            source: match source.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(source.kind(), source.to_string()),
            },
        },
        AccessError::Store { path, reason } => AccessError::Store {
            path: path.clone(),
            reason: reason.clone(),
        },
        _ => stopped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenpack_oci::MediaType;
    use futures_util::future::join_all;
    use futures_util::{FutureExt as _, poll};

    fn put(tag: &str) -> Edit {
        Edit::Put {
            manifest: Descriptor::of(MediaType::IMAGE_MANIFEST, b"{}"),
            tags: vec![tag.parse().unwrap()],
            precondition: Precondition::Absent,
        }
    }

    #[tokio::test]
    async fn those_who_wait_are_written_and_those_who_left_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutDir::new(directory.path().to_owned());
        layout.prepare().unwrap();
        let queue = CommitQueue::default();
        let turn = queue.turn.clone().lock_owned().await;
        let mut waiting: Vec<_> = ["a", "b", "c"]
            .map(|tag| queue.commit(&layout, put(tag)).boxed())
            .into();
        for commit in &mut waiting {
            assert!(poll!(commit).is_pending());
        }
        drop(waiting.remove(1));
        assert_eq!(queue.waiting().len(), 3);
        drop(turn);
        for answer in join_all(waiting).await {
            answer.unwrap();
        }
        let tags = layout.read_index().unwrap().unwrap().tags();
        assert_eq!(tags, ["a", "c"].map(|tag| tag.parse::<Tag>().unwrap()));
    }

    #[tokio::test]
    async fn everybody_is_told_why_a_write_failed() {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutDir::new(directory.path().join("gone"));
        let queue = CommitQueue::default();
        let commits = ["a", "b"].map(|tag| queue.commit(&layout, put(tag)));
        for answer in join_all(commits).await {
            let Err(PushError::Access(AccessError::Io { source, .. })) = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(source.kind(), io::ErrorKind::NotFound);
        }
    }
}
