use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use eigenpack::Digest;
use serde_json::{Value, json};

/// An OCI image layout as other tools make them, with one tagged manifest.
pub(crate) struct Layout {
    pub(crate) path: PathBuf,
    /// The digest of the tagged manifest.
    pub(crate) digest: String,
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Layout {
    /// Makes a layout of one image, tagged `v1`.
    pub(crate) fn image(path: PathBuf) -> Self {
        Self::make(path, |blobs| blobs.image("linux", "amd64"))
    }

    /// Makes a layout of an index of images for three platforms, tagged `v1`.
    pub(crate) fn index(path: PathBuf) -> Self {
        Self::make(path, |blobs| {
            let platforms = [("linux", "amd64"), ("linux", "arm64"), ("windows", "amd64")];
            let images = platforms.map(|(os, architecture)| {
                let mut image = blobs.image(os, architecture);
                image["platform"] = json!({ "architecture": architecture, "os": os });
                image
            });
            let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": images });
            blobs.add(INDEX, index.to_string().as_bytes())
        })
    }

    /// Makes a layout of one manifest with so many layers of so many bytes each, which look like chance, tagged `v1`.
    pub(crate) fn large(path: PathBuf, layers: usize, size: usize) -> Self {
        Self::make(path, |blobs| {
            let layer = |seed| blobs.add("application/octet-stream", &noise(seed as u64, size));
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": "application/vnd.example.noise",
                "config": blobs.add("application/vnd.oci.empty.v1+json", b"{}"),
                "layers": (1..=layers).map(layer).collect::<Vec<_>>(),
            });
            blobs.add(MANIFEST, manifest.to_string().as_bytes())
        })
    }

    fn make(path: PathBuf, content: impl FnOnce(&Blobs) -> Value) -> Self {
        let blobs = Blobs(path.join("blobs/sha256"));
        fs::create_dir_all(&blobs.0).unwrap();
        let mut tagged = content(&blobs);
        let digest = tagged["digest"].as_str().unwrap().to_owned();
        tagged["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
        let index = json!({ "schemaVersion": 2, "manifests": [tagged] });
        fs::write(path.join("index.json"), index.to_string()).unwrap();
        fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { path, digest }
    }

    /// Returns all blobs, manifests included, by their file names.
    pub(crate) fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        blobs(&self.path)
    }

    /// Returns the bytes of the tagged manifest.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        self.blobs()[self.digest.strip_prefix("sha256:").unwrap()].clone()
    }
}

/// Returns all blobs of a layout by their file names, each after a look at its digest.
pub(crate) fn blobs(layout: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = layout.join("blobs/sha256");
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            assert_eq!(Digest::sha256(&bytes).encoded(), name);
            (name, bytes)
        })
        .collect()
}

struct Blobs(PathBuf);

impl Blobs {
    /// Adds an image whose one layer holds one file.
    fn image(&self, os: &str, architecture: &str) -> Value {
        let layer = tar(
            "hello.txt",
            format!("hello {os} on {architecture}\n").as_bytes(),
        );
        let config = json!({
            "architecture": architecture,
            "os": os,
            "config": { "Cmd": ["/hello"] },
            "rootfs": { "type": "layers", "diff_ids": [Digest::sha256(&layer).to_string()] },
        });
        let config = config.to_string();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add("application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": [self.add("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        self.add(MANIFEST, manifest.to_string().as_bytes())
    }

    fn add(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes);
        fs::write(self.0.join(digest.encoded()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }
}

/// Makes bytes that do not repeat, by Marsaglia's xorshift; the seed is not 0.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Makes a tar archive of one small file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    let mut field = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    field(0, name);
    field(100, "0000644\0");
    field(108, "0000000\0");
    field(116, "0000000\0");
    field(124, &format!("{:011o}\0", content.len()));
    field(136, "00000000000\0");
    // The sum is taken as if it were spaces itself.
    field(148, "        ");
    field(156, "0");
    field(257, "ustar\x0000");
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(content);
    // To the end of the block, and two empty ones.
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}
