//! The use of blobs that are there already, in the place of content that would be sent.

use std::fs;
use std::sync::Arc;

use eigenpack_oci::{AccessError, Descriptor, Pushed};

use crate::blob_store::{BlobStore, Given};
use crate::blocking::{Abandoned, blocking, while_wanted};
use crate::intact::FileState;
use crate::steps::{sync_existing, verifying};

/// How many large blobs are read at once to verify them: more would keep everybody else from the processors.
pub(crate) const MAX_READERS: usize = 2;

/// The largest blob that is read without waiting for those who read, in bytes.
const MAX_UNASKED: u64 = 1024 * 1024;

impl BlobStore {
    /// Uses what is already there, as [`reuse`](Self::reuse) does, as long as the future is not dropped.
    pub(crate) async fn reuse_while_wanted(
        self: Arc<Self>,
        descriptor: Descriptor,
    ) -> Result<Option<Pushed>, AccessError> {
        let (store, wanted) = (self.clone(), descriptor.clone());
        let takes_long = descriptor.size > MAX_UNASKED
            && blocking(move || Ok::<_, AccessError>(store.must_read(&wanted))).await?;
        // It is never closed.
        let turn = if takes_long {
            self.readers.clone().acquire_owned().await.ok()
        } else {
            None
        };
        while_wanted(move |abandoned| {
            let _turn = turn;
            self.reuse(&descriptor, abandoned)
        })
        .await
    }

    /// Uses what is already there, here or in the pool, instead of content that is to be pushed.
    ///
    /// All of it is read: that costs less than taking the content in, and a file that was damaged is replaced by the push.
    pub(crate) fn reuse(
        &self,
        descriptor: &Descriptor,
        abandoned: &Abandoned,
    ) -> Result<Option<Pushed>, AccessError> {
        if let Some(given) = self.found(descriptor)?
            && self.is_intact(descriptor, given, abandoned)?
        {
            // Whoever put it there may have died before this.
            self.sync(descriptor)?;
            return Ok(Some(Pushed::Existed));
        }
        let Some(pool) = &self.pool else {
            return Ok(None);
        };
        let Some(given) = pool.found(descriptor)? else {
            return Ok(None);
        };
        if !pool.is_intact(descriptor, given, abandoned)? {
            return Ok(None);
        }
        let _lock = self.lock()?;
        if pool.blobs.size(&descriptor.digest)?.is_none() {
            return Ok(None);
        }
        self.link_from(pool, descriptor)?;
        self.sync(descriptor)?;
        Ok(Some(Pushed::Mounted))
    }

    /// Tells whether a blob that is there is what its descriptor says, and brings it to the disk: whoever wrote it may have
    /// died before that, or never did it. Of a file that has not changed since, this process knows both.
    pub(crate) fn is_intact(
        &self,
        descriptor: &Descriptor,
        given: Given,
        abandoned: &Abandoned,
    ) -> Result<bool, AccessError> {
        let path = self.blobs.path(&descriptor.digest);
        let state = self.state(descriptor);
        if self.intact.has(&descriptor.digest, state) {
            return Ok(true);
        }
        verifying(&path);
        if !self.blobs.holds(descriptor, abandoned)? {
            return Ok(false);
        }
        sync_existing(&path)?;
        self.intact.add(&descriptor.digest, state, given);
        Ok(true)
    }

    /// Tells whether a blob is there whose file this process does not know to be intact.
    fn must_read(&self, descriptor: &Descriptor) -> bool {
        let stores = [Some(self), self.pool.as_deref()];
        let found = stores
            .into_iter()
            .flatten()
            .find_map(|store| store.state(descriptor));
        found.is_some() && !self.intact.has(&descriptor.digest, found)
    }

    /// Returns the state of a blob's file; `None` where there is none of that size.
    fn state(&self, descriptor: &Descriptor) -> Option<FileState> {
        let found = fs::metadata(self.blobs.path(&descriptor.digest)).ok()?;
        FileState::of(&found).filter(|_| found.len() == descriptor.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_store::LocalStore;
    use eigenpack_oci::{Content, MediaType, Target as _};
    use futures_util::poll;

    #[tokio::test]
    async fn a_large_blob_waits_for_those_who_read_and_a_known_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::create_or_open(directory.path()).await.unwrap();
        let [one, two] = ["one", "two"].map(|name| store.repository(&name.parse().unwrap()));
        let small = bytes::Bytes::from_static(b"small");
        let large = vec![7; usize::try_from(MAX_UNASKED).unwrap() + 1].into();
        let [small, large] = [small, large].map(|bytes| {
            let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);
            (blob, Content::Bytes(bytes))
        });
        for (blob, content) in [small.clone(), large.clone()] {
            one.push_blob(blob, content).await.unwrap();
        }
        let readers = one.opened().blobs.readers.clone();
        let all = u32::try_from(MAX_READERS).unwrap();
        let busy = readers.clone().acquire_many_owned(all).await.unwrap();
        assert!(two.mount(small.0.digest, Some(&one)).await.unwrap());
        let digest = large.0.digest;
        let mut mounting = Box::pin(two.mount(digest.clone(), Some(&one)));
        for _ in 0..20 {
            assert!(poll!(&mut mounting).is_pending());
            std::thread::sleep(std::time::Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
        drop(busy);
        assert!(mounting.await.unwrap());
        let _busy = readers.acquire_many_owned(all).await.unwrap();
        let three = store.repository(&"three".parse().unwrap());
        assert!(three.mount(digest, Some(&two)).await.unwrap());
    }

    #[test]
    fn what_nobody_waits_for_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let store = BlobStore::new(
            directory.path().join("blobs"),
            directory.path().into(),
            None,
        );
        let blob = Descriptor::of(MediaType::OCTET_STREAM, b"blob");
        let path = store.blobs.path(&blob.digest);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "blob").unwrap();
        let abandoned = Abandoned::default();
        abandoned.set();
        store.reuse(&blob, &abandoned).unwrap_err();
        let reused = store.reuse(&blob, &Abandoned::default()).unwrap();
        assert_eq!(reused, Some(Pushed::Existed));
    }
}
