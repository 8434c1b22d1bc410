//! Changes of `index.json` that arrive together and are written together.
//!
//! A write costs two syncs of the disk however much it changes, so whoever's turn it is writes what all others want as
//! well, and many pushes at once cost little more than one.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::{AccessError, Digest, Precondition, PushError, RawManifest, Tag};
use tokio::sync::oneshot;

use crate::blob_store::BlobStore;
use crate::blocking::{blocking, stopped};
use crate::index::Index;
use crate::layout_dir::LayoutDir;
use crate::receive::store_bytes;

/// The changes of one layout that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    waiting: Mutex<Vec<Waiting>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A change of `index.json`.
#[derive(Debug)]
pub(crate) enum Edit {
    /// Gives a manifest that was stored an entry, and moves tags to it.
    Put {
        manifest: RawManifest,
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
    pub(crate) async fn commit(
        &self,
        layout: &LayoutDir,
        blobs: &Arc<BlobStore>,
        edit: Edit,
    ) -> Result<(), PushError> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { edit, answer });
        let turn = self.turn.clone().lock_owned().await;
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        let batch = std::mem::take(&mut *self.waiting());
        let (layout, blobs) = (layout.clone(), blobs.clone());
        blocking(move || {
            let _turn = turn;
            write(&layout, &blobs, batch);
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
fn write(layout: &LayoutDir, blobs: &BlobStore, mut batch: Vec<Waiting>) {
    // Whoever does not wait any more was told nothing, and must not find a change made later behind their back.
    batch.retain(|waiting| !waiting.answer.is_closed());
    let written = layout.edit_index(|index| {
        let results = batch.iter().map(|one| one.edit.apply(index, blobs));
        let results: Vec<_> = results.collect();
        (results.iter().any(|r| matches!(r, Ok(true))), results)
    });
    match written {
        Ok(results) => {
            for (waiting, result) in batch.into_iter().zip(results) {
                // Nobody may be left to be told.
                drop(waiting.answer.send(result.map(drop)));
            }
        }
        // Not all of them are too much: what makes the index smaller, above all, must always be possible.
        Err(PushError::TooLarge { .. }) if batch.len() > 1 => {
            let rest = batch.split_off(batch.len() / 2);
            write(layout, blobs, batch);
            write(layout, blobs, rest);
        }
        Err(PushError::Access(error)) => {
            for waiting in batch {
                drop(waiting.answer.send(Err(repeat(&error).into())));
            }
        }
        Err(error) => {
            // One alone: what it asked for is what is wrong.
            if let Some(waiting) = batch.pop() {
                drop(waiting.answer.send(Err(error)));
            }
        }
    }
}

impl Edit {
    /// Applies the change, and tells whether there was anything to change.
    fn apply(&self, index: &mut Index, blobs: &BlobStore) -> Result<bool, PushError> {
        let found = match self {
            Self::Put {
                manifest,
                tags,
                precondition,
            } => {
                let descriptor = manifest.descriptor();
                index.check(manifest.digest(), tags, precondition)?;
                // It was stored without the lock, and may have been deleted as a mere blob since. Who deletes holds the lock.
                if blobs.dir().size(manifest.digest())? != Some(descriptor.size) {
                    store_bytes(blobs, &descriptor, manifest.bytes())?;
                }
                return Ok(index.put(&descriptor, tags));
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
            Self::Put { manifest, .. } => manifest.digest().clone().into(),
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
    use eigenpack_oci::{MediaType, Source as _};
    use futures_util::future::join_all;
    use futures_util::{FutureExt as _, poll};

    use crate::store::LayoutStore;

    fn manifest() -> RawManifest {
        let json = r#"{"schemaVersion":2,"manifests":[]}"#;
        RawManifest::new(MediaType::IMAGE_INDEX, json.into())
    }

    fn put(tag: &str) -> Edit {
        Edit::Put {
            manifest: manifest(),
            tags: vec![tag.parse().unwrap()],
            precondition: Precondition::Absent,
        }
    }

    fn blobs_of(layout: &LayoutDir) -> Arc<BlobStore> {
        Arc::new(BlobStore::new(layout.blobs(), layout.scratch(), None))
    }

    #[tokio::test]
    async fn a_manifest_that_was_deleted_before_it_had_its_entry_is_there_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let store = LayoutStore::create_or_open(directory.path()).await.unwrap();
        let opened = store.opened();
        let edit = put("a");
        let Edit::Put { manifest, .. } = &edit else {
            unreachable!("it is a put");
        };
        let digest = manifest.digest().clone();
        store_bytes(&opened.blobs, &manifest.descriptor(), manifest.bytes()).unwrap();
        assert!(store.delete_blob(digest.clone()).await.unwrap());
        let commit = opened.commits.commit(&opened.layout, &opened.blobs, edit);
        commit.await.unwrap();
        store.manifest(digest.clone().into()).await.unwrap();
        assert!(!store.delete_blob(digest.clone()).await.unwrap());
        store.manifest(digest.into()).await.unwrap();
    }

    #[tokio::test]
    async fn a_blob_is_deleted_only_where_nobody_makes_it_a_manifest_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let store = LayoutStore::create_or_open(directory.path()).await.unwrap();
        let opened = store.opened();
        let manifest = manifest();
        let descriptor = manifest.descriptor();
        store_bytes(&opened.blobs, &descriptor, manifest.bytes()).unwrap();
        let lock = opened.layout.lock_index().unwrap();
        let deleting = tokio::spawn({
            let (store, digest) = (store.clone(), descriptor.digest.clone());
            async move { store.delete_blob(digest).await }
        });
        tokio::task::yield_now().await;
        // Time enough for a deletion that does not wait.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let mut index = Index::empty();
        index.put(&descriptor, &[]);
        std::fs::write(opened.layout.index(), index.to_bytes()).unwrap();
        drop(lock);
        assert!(!deleting.await.unwrap().unwrap());
        store.manifest(descriptor.digest.into()).await.unwrap();
    }

    #[tokio::test]
    async fn a_change_that_is_refused_makes_no_index() {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutDir::new(directory.path().to_owned());
        layout.prepare().unwrap();
        let edit = Edit::Put {
            manifest: manifest(),
            tags: vec!["a".parse().unwrap()],
            precondition: Precondition::Is(Digest::sha256(b"another")),
        };
        let queue = CommitQueue::default();
        let refused = queue.commit(&layout, &blobs_of(&layout), edit).await;
        assert!(matches!(refused, Err(PushError::Conflict { .. })));
        assert!(!layout.has_index());
    }

    #[tokio::test]
    async fn no_index_is_written_that_nobody_could_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutDir::new(directory.path().to_owned());
        layout.prepare().unwrap();
        let blobs = blobs_of(&layout);
        let queue = CommitQueue::default();
        let commit = |layout: &LayoutDir, edit| {
            let layout = layout.clone();
            let (blobs, queue) = (&blobs, &queue);
            async move { queue.commit(&layout, blobs, edit).await }
        };
        for tag in ["a", "b", "c"] {
            commit(&layout, put(tag)).await.unwrap();
        }
        let size = std::fs::metadata(layout.index()).unwrap().len();
        commit(&layout, Edit::RemoveTag("c".parse().unwrap()))
            .await
            .unwrap();
        let fits = layout.clone().with_max_index_size(size);
        let too_small = layout.clone().with_max_index_size(size - 1);
        let refused = commit(&too_small, put("c")).await;
        assert!(matches!(refused, Err(PushError::TooLarge { .. })));
        assert_eq!(too_small.read_index().unwrap().unwrap().tags().len(), 2);
        commit(&fits, put("c")).await.unwrap();
        assert_eq!(fits.read_index().unwrap().unwrap().tags().len(), 3);

        // In one batch with others, it is refused alone.
        let remove = |tag: &str| Edit::RemoveTag(tag.parse().unwrap());
        let edits = [put("d"), put("e"), remove("a")];
        let turn = queue.turn.clone().lock_owned().await;
        let mut commits: Vec<_> = edits.map(|edit| commit(&fits, edit).boxed()).into();
        for commit in &mut commits {
            assert!(poll!(commit).is_pending());
        }
        drop(turn);
        let answers: Vec<_> = join_all(commits).await.iter().map(Result::is_ok).collect();
        assert_eq!(answers, [false, true, true]);
        let tags = ["b", "c", "e"].map(|tag| tag.parse::<Tag>().unwrap());
        assert_eq!(fits.read_index().unwrap().unwrap().tags(), tags);
    }

    #[tokio::test]
    async fn those_who_wait_are_written_and_those_who_left_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let layout = LayoutDir::new(directory.path().to_owned());
        layout.prepare().unwrap();
        let blobs = blobs_of(&layout);
        let queue = CommitQueue::default();
        let turn = queue.turn.clone().lock_owned().await;
        let mut waiting: Vec<_> = ["a", "b", "c"]
            .map(|tag| queue.commit(&layout, &blobs, put(tag)).boxed())
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
        let blobs = blobs_of(&layout);
        let queue = CommitQueue::default();
        let commits = ["a", "b"].map(|tag| queue.commit(&layout, &blobs, put(tag)));
        for answer in join_all(commits).await {
            let Err(PushError::Access(AccessError::Io { source, .. })) = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(source.kind(), io::ErrorKind::NotFound);
        }
    }
}
