//! Reading what is stored: manifests of any kind, configs, tags.

use bytes::Bytes;
use eigenpack_oci::{
    AccessError, Descriptor, FetchError, Manifest, ManifestError, RawManifest, Selector, Source,
    fetch_blob,
};
use eigenruntime::{MAX_CONFIG_BYTES, PullError, fetch_manifest};

/// Why an artifact or a manifest could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] AccessError),
    /// It could not be read, or is not what its digest promises.
    #[error(transparent)]
    Pull(#[from] PullError),
}

/// Why tags could not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TagsError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] AccessError),
    /// The store could not be read.
    #[error("cannot list the tags")]
    Fetch(#[from] FetchError),
}

/// Why a config blob could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchConfigError {
    /// Its manifest could not be read.
    #[error(transparent)]
    Manifest(#[from] ReadError),
    /// Its manifest cannot be understood.
    #[error(transparent)]
    Shape(#[from] ManifestError),
    /// It is an index, which has no config.
    #[error("this is an image index, which has no config")]
    Index,
    /// The blob could not be fetched, or is not what its descriptor promises.
    #[error("cannot fetch the config {}", descriptor.digest)]
    Blob {
        /// The config's descriptor.
        descriptor: Box<Descriptor>,
        /// Why not.
        source: FetchError,
    },
}

/// A config blob and the manifest that points to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfigBlob {
    /// The manifest.
    pub manifest: RawManifest,
    /// The config's descriptor.
    pub descriptor: Descriptor,
    /// The config's bytes, as they are stored.
    pub bytes: Bytes,
}

pub(crate) async fn config<S: Source>(
    source: &S,
    selector: &Selector,
) -> Result<ConfigBlob, FetchConfigError> {
    let manifest = fetch_manifest(source, selector)
        .await
        .map_err(ReadError::from)?;
    let Manifest::Image(image) = Manifest::read(&manifest)? else {
        return Err(FetchConfigError::Index);
    };
    let descriptor = image.config;
    match fetch_blob(source, descriptor.clone(), MAX_CONFIG_BYTES).await {
        Ok(bytes) => Ok(ConfigBlob {
            manifest,
            descriptor,
            bytes,
        }),
        Err(source) => Err(FetchConfigError::Blob {
            descriptor: Box::new(descriptor),
            source,
        }),
    }
}
