//! Where a credential helper's program is.

use std::fs;
use std::path::{Path, PathBuf};

use super::HelperName;

/// Finds a helper's program in the first of some folders that has it.
///
/// A folder that is not absolute is passed over, the current one (an empty entry of a PATH) above all: what lies in a
/// project must not be run because of a file in a home folder.
pub(in crate::credentials) fn find(name: &HelperName, folders: &[PathBuf]) -> Option<PathBuf> {
    find_program(&name.program(), folders)
}

/// Finds any program so.
pub(in crate::credentials) fn find_program(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    folders
        .iter()
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file())
}
