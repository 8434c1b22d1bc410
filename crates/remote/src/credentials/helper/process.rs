//! Running a program that may hang, flood, or leave others behind.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{FusedFuture as _, try_join3};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::answer::MAX_ANSWER_SIZE;

/// How long output is waited for once the program itself has ended: one that it started may hold the pipes for ever.
const GRACE: Duration = Duration::from_millis(200);

/// How a program ended, and what it wrote.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Why a program did not end by itself.
#[derive(Debug)]
pub(super) enum RunError {
    /// It could not be started or waited for.
    System(io::Error),
    /// It took longer than it may.
    TimedOut,
    /// It wrote more than [`MAX_ANSWER_SIZE`].
    Flooded,
}

/// Runs a program with one argument and this input, without a shell.
///
/// The program is the leader of a process group of its own, and all of that group is ended when it takes too long, writes
/// too much, or the future is dropped; where there are no process groups, the program alone is. Out of the foreground, it
/// cannot read from the terminal itself: those that ask for a PIN have a program of its own do it.
pub(super) async fn run(
    program: &Path,
    argument: &str,
    input: &[u8],
    limit: Duration,
) -> Result<Ended, RunError> {
    timeout(limit, run_to_end(program, argument, input))
        .await
        .unwrap_or(Err(RunError::TimedOut))
}

async fn run_to_end(program: &Path, argument: &str, input: &[u8]) -> Result<Ended, RunError> {
    let mut command = Command::new(program);
    command
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut group = Group(command.spawn().map_err(RunError::System)?);
    let (stdin, stdout, stderr) = {
        let child = &mut group.0;
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    };
    let write = async {
        if let Some(mut stdin) = stdin {
            // One that does not want to know closes its input; its answer tells what came of it.
            let _ = stdin.write_all(input).await;
        }
        Ok(())
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = {
        let talk = try_join3(write, read(stdout, &mut out), read(stderr, &mut err));
        let mut talk = pin!(talk.fuse());
        let status = tokio::select! {
            Err(flooded) = &mut talk => return Err(flooded),
            status = group.0.wait() => status.map_err(RunError::System)?,
        };
        if !talk.is_terminated()
            && let Ok(Err(flooded)) = timeout(GRACE, talk).await
        {
            return Err(flooded);
        }
        status
    };
    Ok(Ended {
        status,
        stdout: out,
        stderr: err,
    })
}

/// Reads all of a pipe; too much of it is an error. One that breaks has ended.
async fn read(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), RunError> {
    let Some(mut pipe) = pipe else {
        return Ok(());
    };
    loop {
        match pipe.read_buf(into).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) if into.len() > MAX_ANSWER_SIZE => return Err(RunError::Flooded),
            Ok(_) => {}
        }
    }
}

/// A program that runs; it and all that it started are ended on drop, unless it has ended before.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Until the program has been waited for, nobody else can have its number. tokio ends and reaps the program itself.
        #[cfg(unix)]
        if let Some(leader) = self.0.id()
            && let Ok(leader) = i32::try_from(leader)
            && let Some(leader) = rustix::process::Pid::from_raw(leader)
        {
            let ended = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
            tracing::debug!(?leader, ?ended, "credential helper ended by force");
        }
    }
}
