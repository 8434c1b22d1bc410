//! Images between image layouts and a registry: wall, processor's time and memory.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use tempfile::TempDir;

use super::artifact::{Layout, TAG};
use super::process::{Home, Usage};
use super::tool::Tool;
use crate::Result;
use crate::program::Program;
use crate::registry::{Registry, Running};
use crate::rounds::{in_turn, settle};

/// The repository that is pushed to.
const REPOSITORY: &str = "bench/image";

/// What one program took for one image.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) program: String,
    pub(super) size: u64,
    pub(super) round: usize,
    pub(super) push: Usage,
    pub(super) pull: Usage,
}

/// What the same bytes take at the least: to be hashed, and to be moved by `curl`.
#[derive(Debug, Serialize)]
pub(super) struct Yardstick {
    pub(super) size: u64,
    pub(super) round: usize,
    pub(super) hash: Usage,
    pub(super) upload: Usage,
    pub(super) download: Usage,
}

/// What is measured with images.
pub(super) struct Plan<'a> {
    /// The sizes of the layers, in bytes.
    pub(super) sizes: &'a [u64],
    /// How many layers of that size an image has.
    pub(super) layers: u64,
    pub(super) rounds: usize,
    /// Server and client have a core each, as if they were two machines, in place of sharing all.
    pub(super) apart: bool,
}

/// All that was measured with images.
#[derive(Debug, Serialize)]
pub(super) struct Blobs {
    pub(super) registry: String,
    /// How many layers of the size each image has.
    pub(super) layers: u64,
    /// Whether server and client had a core each.
    pub(super) apart: bool,
    pub(super) samples: Vec<Sample>,
    pub(super) yardsticks: Vec<Yardstick>,
}

/// Pushes and pulls an image of each size with every program, into a registry that is empty each time.
///
/// What was written before is on disk when a measurement begins: nobody waits for the writes of another.
pub(super) fn measure(tools: &[&Tool], registry: &Registry, plan: &Plan<'_>) -> Result<Blobs> {
    let Plan { layers, rounds, .. } = *plan;
    let (server_core, client_core) = if plan.apart {
        (Some("0"), Some("1"))
    } else {
        (None, None)
    };
    let home = Home::new()?.on_core(client_core);
    let mut blobs = Blobs {
        registry: registry.name.clone(),
        layers,
        apart: plan.apart,
        samples: Vec::new(),
        yardsticks: Vec::new(),
    };
    let tools_of_yardstick =
        Program::look_for("openssl", &["version"]).zip(Program::look_for("curl", &["--version"]));
    for &size in plan.sizes {
        let directory = TempDir::new()?;
        let layout = Layout::make(&directory.path().join("image"), size, layers)?;
        for round in 0..rounds {
            eprintln!("blobs of {size} bytes: round {} of {rounds}", round + 1);
            for &tool in in_turn(tools, round) {
                let running = registry.start(server_core)?;
                let reference = format!("{}/{REPOSITORY}:{TAG}", running.address);
                settle()?;
                let push = home.run(&mut tool.push_layout(&layout, &reference))?;
                let pulled = directory.path().join("pulled");
                fs::create_dir(&pulled)?;
                settle()?;
                let pull = home.run(&mut tool.pull_layout(&reference, &pulled))?;
                fs::remove_dir_all(&pulled)?;
                blobs.samples.push(Sample {
                    program: tool.name.clone(),
                    size,
                    round,
                    push,
                    pull,
                });
            }
            if let Some((openssl, curl)) = &tools_of_yardstick
                && layers == 1
            {
                let running = registry.start(server_core)?;
                let (hash, upload, download) =
                    move_by_curl(&home, openssl, curl, &running, &layout.layer)?;
                blobs.yardsticks.push(Yardstick {
                    size,
                    round,
                    hash,
                    upload,
                    download,
                });
            }
        }
    }
    Ok(blobs)
}

fn move_by_curl(
    home: &Home,
    openssl: &Program,
    curl: &Program,
    running: &Running,
    file: &Path,
) -> Result<(Usage, Usage, Usage)> {
    let mut hash = Command::new(&openssl.path);
    let hash = home.run(hash.args(["dgst", "-sha256"]).arg(file))?;

    let hex = file.file_name().unwrap_or_default().to_string_lossy();
    let location = running.start_upload(REPOSITORY)?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let mut upload = Command::new(&curl.path);
    upload
        .args(["--silent", "--show-error", "--fail", "--upload-file"])
        .arg(file)
        .arg(format!("{location}{separator}digest=sha256:{hex}"));
    settle()?;
    let upload = home.run(&mut upload)?;

    let directory = TempDir::new()?;
    let mut download = Command::new(&curl.path);
    download
        .args(["--silent", "--show-error", "--fail", "--output"])
        .arg(directory.path().join("blob"))
        .arg(running.url(&format!("/v2/{REPOSITORY}/blobs/sha256:{hex}")));
    settle()?;
    let download = home.run(&mut download)?;
    Ok((hash, upload, download))
}
