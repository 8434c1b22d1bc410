//! What the measurements were made on.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The highest load average of a machine that does nothing else.
const IDLE: f64 = 0.5;

/// Describes this machine and the file system of a directory in one line.
pub(crate) fn describe(directory: &Path) -> String {
    let processor = first_value("/proc/cpuinfo", "model name").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = first_value("/proc/meminfo", "MemTotal")
        .and_then(|total| total.trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or_default();
    let kernel = output("uname", &["-sr".as_ref()]);
    let file_system = output(
        "stat",
        &["-f".as_ref(), "-c".as_ref(), "%T".as_ref(), directory],
    );
    let gib = memory.div_ceil(1024 * 1024);
    format!("{cores} cores of {processor}, {gib} GiB, {kernel}, files on {file_system}")
}

/// Returns the value behind a name in a file of `name: value` lines, as the kernel writes them.
pub(crate) fn first_value(path: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

/// Returns how many processes wanted a processor lately, on the average of a minute.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Returns the same before a section is measured, and warns on stderr where the machine is not idle.
pub(crate) fn load_average_before(section: &str) -> String {
    let average = load_average();
    if average.parse::<f64>().is_ok_and(|load| load > IDLE) {
        eprintln!(
            "warning: the load average is {average} before {section}: something else runs, or did lately"
        );
    }
    average
}

/// Returns the commit that is checked out, and says where the files differ from it.
pub(crate) fn commit() -> String {
    output(
        "git",
        &["describe", "--always", "--dirty", "--abbrev=12"].map(AsRef::as_ref),
    )
}

fn output(program: &str, args: &[&Path]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
