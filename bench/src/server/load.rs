//! The load that `wrk` puts on a server, from another core.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::ServerArgs;
use crate::Result;
use crate::program::Program;
use crate::registry::Running;

/// Makes `wrk` print its results as JSON.
const SCRIPT: &str = include_str!("wrk.lua");

/// What registries may answer with: some refuse to whom they cannot give a manifest as it is.
const ACCEPT: &str = "Accept: application/vnd.oci.image.manifest.v1+json, */*";

/// `wrk`, ready to run.
pub(super) struct Load<'a> {
    args: &'a ServerArgs,
    wrk: Program,
    script: PathBuf,
    _directory: TempDir,
}

/// What one run of `wrk` measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) requests_per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// The server's processor time for each request, in microseconds.
    pub(super) cpu_us: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    requests: f64,
    seconds: f64,
    p50_us: f64,
    p99_us: f64,
    refused: u64,
    broken: u64,
}

impl<'a> Load<'a> {
    pub(super) fn new(args: &'a ServerArgs) -> Result<Self> {
        let wrk = Program::find("wrk", &["--version"]);
        let wrk = wrk.ok_or("there is no wrk on PATH, and nothing else makes the load")?;
        let directory = tempfile::tempdir()?;
        let script = directory.path().join("wrk.lua");
        fs::write(&script, SCRIPT)?;
        Ok(Self {
            args,
            wrk,
            script,
            _directory: directory,
        })
    }

    /// Describes the load in a few words.
    pub(super) fn describe(&self) -> String {
        format!(
            "wrk {} -t{} -c{} -d{}s on core {}",
            self.wrk.version,
            self.args.threads,
            self.args.connections,
            self.args.seconds,
            self.args.load_core
        )
    }

    /// Asks for one path as often as the server can answer.
    pub(super) fn run(&self, server: &Running, path: &str) -> Result<Measured> {
        let before = server.processor_time();
        let output = self
            .wrk
            .on_core(&self.args.load_core)
            .arg(format!("-t{}", self.args.threads))
            .arg(format!("-c{}", self.args.connections))
            .arg(format!("-d{}s", self.args.seconds))
            .args(["-H", ACCEPT, "-s"])
            .arg(&self.script)
            .arg(server.url(path))
            .output()?;
        let used = server.processor_time() - before;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find(|line| line.starts_with('{'));
        let printed: Printed = match line {
            Some(line) => serde_json::from_str(line)?,
            None => return Err(format!("wrk said: {text}").into()),
        };
        if printed.refused + printed.broken > 0 {
            let (refused, broken) = (printed.refused, printed.broken);
            return Err(format!("{path}: {refused} refused, {broken} broken requests").into());
        }
        Ok(Measured {
            requests_per_second: printed.requests / printed.seconds,
            p50_us: printed.p50_us,
            p99_us: printed.p99_us,
            cpu_us: used * 1e6 / printed.requests,
        })
    }
}
