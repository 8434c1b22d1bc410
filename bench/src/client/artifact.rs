//! What is pushed and pulled: small artifacts of the real kind, and images with layers of any size.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenpack::Digest;
use eigenpack::oci::Algorithm;
use serde_json::{Value, json};

use super::process::Home;
use crate::Result;
use crate::program::Program;

/// The spec that is pushed; a comment makes each one different, and exactly as long as the others.
const SPEC: &str = include_str!("../../../examples/price-feed-aggregator.yaml");

/// The size of the spec, in bytes.
const SPEC_SIZE: usize = 1024;

/// The tag of all that is pushed.
pub(super) const TAG: &str = "v1";

/// How much of a layer is made at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// An artifact of a spec of 1 KiB, as files and as an OCI image layout.
pub(super) struct Artifact {
    /// Holds the spec as `spec.yaml` and the config as `config.json`.
    pub(super) directory: PathBuf,
    /// The time that the config says.
    pub(super) created: String,
    pub(super) layout: Layout,
}

/// An OCI image layout with one manifest under [`TAG`].
pub(super) struct Layout {
    pub(super) directory: PathBuf,
    pub(super) config: PathBuf,
    /// The first of its layers.
    pub(super) layer: PathBuf,
}

impl Artifact {
    /// Makes an artifact no blob of which is that of an artifact with another number.
    pub(super) fn make(
        eigenpack: &Program,
        home: &Home,
        directory: &Path,
        number: u32,
    ) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let width = SPEC_SIZE - SPEC.len() - 2;
        let spec = format!("{SPEC}#{number:-<width$}\n");
        fs::write(directory.join("spec.yaml"), spec)?;
        let (minute, second) = (number / 60 % 60, number % 60);
        let hour = number / 3600 % 24;
        let created = format!("2025-08-14T{hour:02}:{minute:02}:{second:02}Z");
        let mut push = Command::new(&eigenpack.path);
        push.current_dir(directory)
            .args(["push", "spec.yaml", &format!("oci:layout:{TAG}")])
            .args(["--created", &created]);
        home.run(&mut push)?;
        let layout = Layout::read(directory.join("layout"))?;
        fs::copy(&layout.config, directory.join("config.json"))?;
        Ok(Self {
            directory: directory.to_owned(),
            created,
            layout,
        })
    }
}

impl Layout {
    /// Makes an image whose layers have `size` bytes each, which cannot be compressed.
    pub(super) fn make(directory: &Path, size: u64, layers: u64) -> Result<Self> {
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let layers = (0..layers)
            .map(|number| write_layer(&blobs, size, number))
            .collect::<Result<Vec<String>>>()?;
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": layers },
        });
        let (config, config_size) = write_json(&blobs, &config)?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config,
                "size": config_size,
            },
            "layers": layers.iter().map(|digest| json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest,
                "size": size,
            })).collect::<Vec<_>>(),
        });
        let (manifest, manifest_size) = write_json(&blobs, &manifest)?;
        let index = json!({
            "schemaVersion": 2,
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": manifest,
                "size": manifest_size,
                "annotations": { "org.opencontainers.image.ref.name": TAG },
            }],
        });
        fs::write(directory.join("index.json"), index.to_string())?;
        let version = json!({ "imageLayoutVersion": "1.0.0" });
        fs::write(directory.join("oci-layout"), version.to_string())?;
        Self::read(directory.to_owned())
    }

    fn read(directory: PathBuf) -> Result<Self> {
        let index = read_json(&directory.join("index.json"))?;
        let manifest = read_json(&blob(&directory, &index["manifests"][0])?)?;
        Ok(Self {
            config: blob(&directory, &manifest["config"])?,
            layer: blob(&directory, &manifest["layers"][0])?,
            directory,
        })
    }
}

/// Returns the file of the blob that a descriptor names.
fn blob(layout: &Path, descriptor: &Value) -> Result<PathBuf> {
    let digest = descriptor["digest"].as_str();
    let hex = digest.and_then(|digest| digest.strip_prefix("sha256:"));
    let hex = hex.ok_or("a layout without a SHA-256 where one belongs")?;
    Ok(layout.join("blobs/sha256").join(hex))
}

fn read_json(path: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn write_json(blobs: &Path, value: &Value) -> Result<(String, usize)> {
    let bytes = value.to_string().into_bytes();
    let digest = Digest::sha256(&bytes);
    fs::write(blobs.join(digest.encoded()), &bytes)?;
    Ok((digest.to_string(), bytes.len()))
}

fn write_layer(blobs: &Path, size: u64, number: u64) -> Result<String> {
    let path = blobs.join("layer");
    let mut file = BufWriter::new(File::create(&path)?);
    let mut hasher = Algorithm::Sha256.hasher().ok_or("there is no SHA-256")?;
    let mut state = (size + number * 2) | 1;
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        for word in chunk.chunks_mut(8) {
            // A multiplicative generator is random enough for what nobody guesses.
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            word.copy_from_slice(&state.to_le_bytes());
        }
        let length = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        hasher.update(&chunk[..length]);
        file.write_all(&chunk[..length])?;
        left -= length as u64;
    }
    file.into_inner()?.sync_all()?;
    let digest = hasher.finish();
    fs::rename(path, blobs.join(digest.encoded()))?;
    Ok(digest.to_string())
}
