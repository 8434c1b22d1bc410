//! Runs a program once, and tells what that took.

use std::fs;
use std::io::{Read as _, Seek as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Serialize;
use tempfile::TempDir;
use wait4::Wait4 as _;

use crate::Result;
use crate::machine::first_value;
use crate::program::on_core;

/// How much of a failed program's words is shown, in bytes.
const SHOWN: usize = 2000;

const MIB: f64 = 1024.0 * 1024.0;

/// What a run took.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Usage {
    pub(super) wall_s: f64,
    /// The processor's time of user and system together.
    pub(super) cpu_s: f64,
    /// The most memory that was resident, and no less than [`floor_mib`].
    pub(super) peak_mib: f64,
}

/// A user's home: nobody's settings and caches take part, and nothing that was stored remains.
pub(super) struct Home {
    directory: TempDir,
    /// Where its programs run; on all cores by default.
    core: Option<&'static str>,
}

impl Home {
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let core = None;
        Ok(Self { directory, core })
    }

    /// Runs the programs on one core alone from now on.
    pub(super) fn on_core(mut self, core: Option<&'static str>) -> Self {
        self.core = core;
        self
    }

    /// Runs a program to its end, which must be a good one.
    pub(super) fn run(&self, command: &mut Command) -> Result<Usage> {
        self.clear()?;
        let mut pinned;
        let command = match self.core {
            Some(core) => {
                pinned = on_core(core, command);
                &mut pinned
            }
            None => command,
        };
        let mut said = tempfile::tempfile()?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.directory.path())
            .env("EIGENPACK_STORE", self.store())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.try_clone()?);
        let begin = Instant::now();
        let used = command.spawn()?.wait4()?;
        let wall = begin.elapsed();
        if !used.status.success() {
            said.rewind()?;
            let mut words = Vec::new();
            said.take(SHOWN as u64).read_to_end(&mut words)?;
            let words = String::from_utf8_lossy(&words).into_owned();
            return Err(format!("{command:?}: {}: {words}", used.status).into());
        }
        let cpu = used.rusage.utime + used.rusage.stime;
        Ok(Usage {
            wall_s: wall.as_secs_f64(),
            cpu_s: cpu.as_secs_f64(),
            // A number of bytes that a double holds exactly.
            peak_mib: f64::from(u32::try_from(used.rusage.maxrss / 1024)?) * 1024.0 / MIB,
        })
    }

    /// Forgets what was stored: who pulls, pulls it for the first time.
    fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }
}

/// Returns the least peak that can be measured, in MiB: until a new process runs its own program, it counts as this one.
pub(super) fn floor_mib() -> f64 {
    first_value("/proc/self/status", "VmHWM")
        .and_then(|value| value.strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib / 1024.0)
}
