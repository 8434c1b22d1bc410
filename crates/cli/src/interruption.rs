//! The signals that ask a command to end before it is done.

use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Waits for such a signal: Ctrl-C everywhere; on Unix also the one of `kill`, and that of a terminal that is closed.
pub(crate) async fn interrupted() -> Failure {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = signal(SignalKind::terminate());
        let hung_up = signal(SignalKind::hangup());
        if let (Ok(mut terminated), Ok(mut hung_up)) = (terminated, hung_up) {
            return tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => by(ExitCode::Interrupted, "interrupted"),
                Some(()) = terminated.recv() => by(ExitCode::Terminated, "interrupted (SIGTERM)"),
                Some(()) = hung_up.recv() => by(ExitCode::HungUp, "interrupted (SIGHUP)"),
            };
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => by(ExitCode::Interrupted, "interrupted"),
        // Nothing is heard, and so nothing interrupts.
        Err(_) => std::future::pending().await,
    }
}

fn by(signal: ExitCode, message: &str) -> Failure {
    Failure::new(signal, "interrupted", message)
}
