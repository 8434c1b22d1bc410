//! The programs that are measured, and those that measure.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// A program that was found.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// What it says about its version, without the rest of the line.
    pub(crate) version: String,
}

impl Program {
    /// Looks for a program that others made.
    pub(crate) fn find(name: &str, version_args: &[&str]) -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let own = target_directory().map(|target| target.join("peers/bin"));
        let directories = own.into_iter().chain(env::split_paths(&path));
        let path = directories
            .map(|directory| directory.join(name))
            .find(|path| path.is_file())?;
        let version = version_of(&path, version_args);
        Some(Self { path, version })
    }

    /// Looks for a program that others made, and says so on stderr when there is none.
    pub(crate) fn look_for(name: &str, version_args: &[&str]) -> Option<Self> {
        let found = Self::find(name, version_args);
        if found.is_none() {
            eprintln!("warning: there is no {name} in target/peers/bin or on PATH; it is left out");
        }
        found
    }

    /// Finds the eigenpack that was built as this program was.
    pub(crate) fn eigenpack() -> Result<Self> {
        let path = env::current_exe()?.with_file_name("eigenpack");
        if !path.is_file() {
            let path = path.display();
            return Err(format!("there is no {path}; `cargo build --release` makes it").into());
        }
        let version = version_of(&path, &["--version"]);
        Ok(Self { path, version })
    }

    /// Makes the command that runs it on one core alone.
    pub(crate) fn on_core(&self, core: &str) -> Command {
        on_core(core, &Command::new(&self.path))
    }
}

/// Makes the command that runs another one, its arguments included, on one core alone.
pub(crate) fn on_core(core: &str, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", core]).arg(command.get_program());
    pinned.args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        pinned.current_dir(directory);
    }
    pinned
}

/// The directory of all that cargo builds: this program is in its `release` or `debug`.
fn target_directory() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    program.ancestors().nth(2).map(Path::to_owned)
}

fn version_of(path: &Path, args: &[&str]) -> String {
    let Ok(output) = Command::new(path).args(args).output() else {
        return "unknown".to_owned();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default();
    // The word may have a prefix: `v0.22.1`, `debian/4.1.0`.
    let words = line
        .split_whitespace()
        .filter_map(|word| word.rsplit('/').next());
    let mut versions = words
        .map(|word| word.trim_start_matches('v'))
        .filter(|word| {
            word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit())
        });
    versions.next().unwrap_or("unknown").to_owned()
}
