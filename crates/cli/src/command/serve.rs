//! `serve`: the local store as a registry, until it is interrupted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use eigenpack_registry::{LocalStore, Served, Server, ServerOptions};
use serde_json::json;

use super::Outcome;
use crate::args::{LogFormat, ServeArgs};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::render::clean;
use crate::report::{Report, ServeReport};
use crate::stderr::say;
use crate::stdout::write_report;

pub(super) async fn run(args: &ServeArgs, context: &Context) -> Result<Outcome, Failure> {
    if !args.listen.ip().is_loopback() && !args.allow_insecure_remote {
        return Err(Failure::insecure_listen(args.listen));
    }
    // Listened for before anything is said to be ready, so that nobody's signal comes too early.
    let stopped = stopped().map_err(|error| {
        Failure::new(ExitCode::Bug, "signals", "cannot wait for signals").caused_by(&error)
    })?;
    let store = LocalStore::open(context.local_store()?)
        .await
        .map_err(|error| {
            let message = format!("cannot open the local store {}", context.store_path());
            Failure::local_store(message, &error)
        })?;
    let mut options = ServerOptions::default();
    options.read_only = args.read_only;
    if let Some(form) = args.log {
        options.observer = Some(Arc::new(move |served| log(form, served)));
    }
    let server = Server::bind(args.listen, store, options)
        .await
        .map_err(|error| Failure::listen(args.listen, &error))?;
    let report = Report::Serve(ServeReport {
        address: server.local_addr().to_string(),
        host: host_of(server.local_addr()),
        store: context.store_path(),
        read_only: args.read_only,
    });
    write_report(&report, context).map_err(|error| Failure::file("write", "<stdout>", &error))?;
    server.serve(stopped).await;
    Ok(Outcome {
        report: None,
        exit: ExitCode::Done,
    })
}

/// Returns what becomes ready when the process is told to stop.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns what becomes ready when the process is told to stop.
#[cfg(windows)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Returns the host that references name the server by.
fn host_of(address: SocketAddr) -> String {
    let plain = ["127.0.0.1", "::1", "0.0.0.0", "::"];
    if plain.contains(&address.ip().to_string().as_str()) {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Says that a request was answered.
fn log(form: LogFormat, served: &Served) {
    let (method, target, status) = (&served.method, &served.target, served.status);
    let milliseconds = served.elapsed.as_secs_f64() * 1000.0;
    match form {
        LogFormat::Text => say(format_args!(
            "{status} {method} {} {milliseconds:.1} ms\n",
            clean(target)
        )),
        LogFormat::Json => {
            let line = json!({
                "status": status, "method": method, "target": target, "milliseconds": milliseconds,
            });
            say(format_args!("{line}\n"));
        }
    }
}
