//! What a server asks of the store behind it.

use std::future::Future;
use std::ops::Range;

use bytes::Bytes;
use eigenpack_layout::StoredBlob;
use eigenpack_oci::{
    AccessError, Algorithm, BlobStream, Descriptor, Digest, FetchError, MediaType, Precondition,
    PushError, RawManifest, Repository, Tag, TagOrDigest,
};

/// Many repositories, as a registry keeps them.
///
/// It differs from [`Target`](eigenpack_oci::Target) by what only a server needs: blobs known by their digests alone,
/// uploads whose digest comes last, deletion in one repository of what others share, and the list of repositories. What
/// a method acknowledges is as durable as the store is.
pub trait RegistryStore: Send + Sync + 'static {
    /// A blob that is being received.
    type Upload: UploadSession;

    /// Reads a manifest, verified.
    fn manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> impl Future<Output = Result<RawManifest, FetchError>> + Send;

    /// Looks up a blob that is going to be read. A small one comes at once, verified; nobody relies on it to stay.
    fn stored_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<StoredBlob, FetchError>> + Send;

    /// Returns the size of a blob; whoever is told of it can rely on it for a while.
    fn blob_size(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<u64, FetchError>> + Send;

    /// Streams the bytes of a blob in `range`, which lies within its size. The whole blob is verified as it passes.
    fn blob(
        &self,
        repository: &Repository,
        descriptor: Descriptor,
        range: Range<u64>,
    ) -> impl Future<Output = Result<BlobStream, FetchError>> + Send;

    /// Lists the tags in byte order.
    fn tags(
        &self,
        repository: &Repository,
    ) -> impl Future<Output = Result<Vec<Tag>, FetchError>> + Send;

    /// Lists the manifests whose `subject` is `digest`, of one artifact type or of all.
    fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> impl Future<Output = Result<Vec<Descriptor>, FetchError>> + Send;

    /// Lists the repositories in byte order.
    fn repositories(&self) -> impl Future<Output = Result<Vec<Repository>, AccessError>> + Send;

    /// Stores a manifest and moves the tags to it, all of them or none, where the precondition allows each.
    fn push_manifest(
        &self,
        repository: &Repository,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Deletes a tag, or a manifest with all its tags.
    fn delete_manifest(
        &self,
        repository: &Repository,
        which: TagOrDigest,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Deletes a blob from one repository, and tells whether it was there.
    fn delete_blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> impl Future<Output = Result<bool, AccessError>> + Send;

    /// Gives a repository a blob that the store has: in the repository `from`, or wherever it is. Tells whether it did.
    fn mount(
        &self,
        repository: &Repository,
        digest: Digest,
        from: Option<&Repository>,
    ) -> impl Future<Output = Result<bool, PushError>> + Send;

    /// Starts to receive a blob whose digest will probably be of this algorithm.
    fn start_upload(
        &self,
        repository: &Repository,
        algorithm: Algorithm,
    ) -> impl Future<Output = Result<Self::Upload, PushError>> + Send;
}

/// A blob that is being received. Dropping it cancels the upload; nothing of it is left.
///
/// A step whose future is dropped may still be done: the size tells.
pub trait UploadSession: Send + Sync + 'static {
    /// Returns how many bytes have arrived.
    fn size(&self) -> impl Future<Output = Result<u64, PushError>> + Send;

    /// Appends bytes whose first is byte `offset` of the blob, and returns how many have arrived now.
    ///
    /// Where `offset` is not how many had arrived before, nothing is appended.
    fn append(
        &self,
        offset: u64,
        batch: Vec<Bytes>,
    ) -> impl Future<Output = Result<u64, PushError>> + Send;

    /// Keeps the blob under its digest, which may be of another algorithm than was announced.
    ///
    /// Content of another digest is refused and thrown away.
    fn close(self, digest: Digest) -> impl Future<Output = Result<(), PushError>> + Send;
}
