//! Pulling: what was published, verified from the manifest down to the last byte of the spec.

use bytes::Bytes;
use eigenpack_oci::{
    Descriptor, Digest, Event, FetchError, Observer, RawManifest, Selector, Source, Tag,
    VerifyError, fetch_observed_blob, verify,
};
use futures_util::future;

use crate::artifact::{
    ArtifactConfig, ArtifactManifest, ConfigError, MAX_CONFIG_BYTES, ShapeError,
};
use crate::spec::{self, Consumer, MAX_SPEC_BYTES, SpecReport};

/// An artifact that was pulled: every byte of it is what the manifest's digest promises.
///
/// Only [`pull`] makes one, so there is no value of an unverified artifact. That the bytes are intact says nothing about
/// the spec's rules: [`report`](Self::report) does.
#[derive(Clone, Debug)]
pub struct PulledArtifact {
    raw: RawManifest,
    manifest: ArtifactManifest,
    config_bytes: Bytes,
    config: ArtifactConfig,
    spec: Bytes,
}

/// Why an artifact was not pulled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// Neither a tag nor a digest says which artifact is meant.
    #[error("the reference has neither a tag nor a digest")]
    NoSelector,
    /// The manifest could not be fetched, or is not what its digest promises.
    #[error("cannot fetch the manifest")]
    Manifest(#[source] FetchError),
    /// The tag names another manifest than the digest beside it.
    #[error("the tag {tag} names {found}, not {expected}")]
    OtherDigest {
        /// The tag.
        tag: Tag,
        /// The digest that the reference demands.
        expected: Digest,
        /// The digest of what the tag names.
        found: Digest,
    },
    /// The digest cannot be verified.
    #[error(transparent)]
    Unverifiable(VerifyError),
    /// The manifest is not that of an EigenRuntime artifact.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A blob could not be fetched, or is not what its descriptor promises.
    #[error("cannot fetch the {part} {digest}")]
    Blob {
        /// Which blob.
        part: Part,
        /// Its digest.
        digest: Digest,
        /// Why not.
        source: FetchError,
    },
    /// The config blob is intact but cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A part of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The config blob.
    Config,
    /// The spec.
    Spec,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Spec => "spec",
        })
    }
}

impl PulledArtifact {
    /// Returns the manifest as it is stored.
    pub fn raw_manifest(&self) -> &RawManifest {
        &self.raw
    }

    /// Returns the digest of the manifest, which is the artifact's.
    pub fn digest(&self) -> &Digest {
        self.raw.digest()
    }

    /// Returns what the manifest says.
    pub fn manifest(&self) -> &ArtifactManifest {
        &self.manifest
    }

    /// Returns the config blob as it is stored.
    pub fn config_bytes(&self) -> &Bytes {
        &self.config_bytes
    }

    /// Returns what the config says.
    pub fn config(&self) -> &ArtifactConfig {
        &self.config
    }

    /// Returns the spec, byte for byte as it was published.
    pub fn spec(&self) -> &Bytes {
        &self.spec
    }

    /// Checks the spec against the rules, which an intact artifact may break.
    pub fn report(&self, consumer: Option<Consumer>) -> SpecReport {
        spec::check(&self.spec, consumer)
    }
}

/// Pulls the artifact that `selector` names: the manifest first, then config and spec side by side, each verified.
///
/// With a tag and a digest, the tag is read and must name the digest. Content that a descriptor embeds is used instead of
/// a request.
pub async fn pull<S: Source>(
    source: &S,
    selector: &Selector,
    observer: &dyn Observer,
) -> Result<PulledArtifact, PullError> {
    let raw = fetch_manifest(source, selector).await?;
    let manifest = ArtifactManifest::read(&raw)?;
    let (config_bytes, spec) = future::try_join(
        fetch(
            source,
            Part::Config,
            &manifest.config,
            MAX_CONFIG_BYTES,
            observer,
        ),
        fetch(
            source,
            Part::Spec,
            &manifest.spec,
            MAX_SPEC_BYTES as u64,
            observer,
        ),
    )
    .await?;
    let config = ArtifactConfig::read(&config_bytes)?;
    Ok(PulledArtifact {
        raw,
        manifest,
        config_bytes,
        config,
        spec,
    })
}

/// Fetches the manifest that `selector` names, of whatever kind, and checks it against the selector's digest.
pub async fn fetch_manifest<S: Source>(
    source: &S,
    selector: &Selector,
) -> Result<RawManifest, PullError> {
    let which = selector.tag_or_digest().ok_or(PullError::NoSelector)?;
    let raw = source.manifest(which).await.map_err(PullError::Manifest)?;
    if let Selector {
        tag: Some(tag),
        digest: Some(expected),
    } = selector
    {
        let wanted = Descriptor::new(
            raw.media_type().clone(),
            expected.clone(),
            raw.bytes().len() as u64,
        );
        verify(&wanted, raw.bytes()).map_err(|error| match error {
            VerifyError::WrongDigest { expected, found } => PullError::OtherDigest {
                tag: tag.clone(),
                expected,
                found,
            },
            other => PullError::Unverifiable(other),
        })?;
    }
    Ok(raw)
}

async fn fetch<S: Source>(
    source: &S,
    part: Part,
    descriptor: &Descriptor,
    limit: u64,
    observer: &dyn Observer,
) -> Result<Bytes, PullError> {
    observer.event(Event::BlobStarted(descriptor));
    let bytes = fetch_observed_blob(source, descriptor.clone(), limit, observer)
        .await
        .map_err(|source| PullError::Blob {
            part,
            digest: descriptor.digest.clone(),
            source,
        })?;
    observer.event(Event::BlobFetched(descriptor));
    Ok(bytes)
}
