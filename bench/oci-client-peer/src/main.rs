//! Pushes and pulls an artifact with the crate `oci-client`, as well as the crate can: blobs are streamed from and to
//! files, side by side, and an upload is one POST and one PUT (by default it is POST, PATCH and PUT).
//!
//! ```sh
//! eigenpack-bench-oci-client push REFERENCE CONFIG LAYER
//! eigenpack-bench-oci-client pull REFERENCE DIRECTORY
//! ```

use std::error::Error;
use std::path::Path;

use futures_util::TryStreamExt as _;
use futures_util::future::{try_join, try_join_all};
use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};
use oci_client::secrets::RegistryAuth;
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How much is read or written at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// The media type of both blobs: registries do not look at it.
const MEDIA_TYPE: &str = "application/octet-stream";

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let client = Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        use_monolithic_push: true,
        ..ClientConfig::default()
    });
    match args[..] {
        ["push", reference, config, layer] => {
            push(&client, &reference.parse()?, config, layer).await
        }
        ["pull", reference, directory] => {
            pull(&client, &reference.parse()?, Path::new(directory)).await
        }
        ["--version"] => {
            println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        _ => Err("usage: push REFERENCE CONFIG LAYER | pull REFERENCE DIRECTORY".into()),
    }
}

async fn push(client: &Client, to: &Reference, config: &str, layer: &str) -> Result<()> {
    client
        .store_auth_if_needed(to.resolve_registry(), &RegistryAuth::Anonymous)
        .await;
    let (config, layer) =
        try_join(push_blob(client, to, config), push_blob(client, to, layer)).await?;
    let manifest = OciManifest::Image(OciImageManifest {
        artifact_type: Some(MEDIA_TYPE.to_owned()),
        config,
        layers: vec![layer],
        ..OciImageManifest::default()
    });
    client.push_manifest(to, &manifest).await?;
    Ok(())
}

async fn push_blob(client: &Client, to: &Reference, path: &str) -> Result<OciDescriptor> {
    let (digest, size) = hash(path).await?;
    let content = ReaderStream::with_capacity(File::open(path).await?, CHUNK);
    client
        .push_blob_stream(to, content.map_err(Into::into), &digest, Some(size))
        .await?;
    Ok(OciDescriptor {
        media_type: MEDIA_TYPE.to_owned(),
        digest,
        size: size.try_into()?,
        ..OciDescriptor::default()
    })
}

async fn hash(path: &str) -> Result<(String, u64)> {
    let mut file = File::open(path).await?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        size += u64::try_from(read)?;
    }
    let hex: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((format!("sha256:{hex}"), size))
}

async fn pull(client: &Client, from: &Reference, directory: &Path) -> Result<()> {
    let (manifest, _) = client.pull_manifest(from, &RegistryAuth::Anonymous).await?;
    let OciManifest::Image(manifest) = manifest else {
        return Err("that is an index".into());
    };
    fs::create_dir_all(directory).await?;
    let blobs = std::iter::once(&manifest.config).chain(&manifest.layers);
    try_join_all(blobs.map(async |blob| {
        // A digest has no separator in it once the client has accepted it.
        let file = File::create(directory.join(blob.digest.replace(':', "-"))).await?;
        let file = tokio::io::BufWriter::with_capacity(CHUNK, file);
        client.pull_blob(from, blob, file).await?;
        Ok::<_, Box<dyn Error>>(())
    }))
    .await?;
    Ok(())
}
