//! `serve`: the local store as a registry, until it is interrupted.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use eigenpack_registry::{Htpasswd, LocalStore, Served, Server, ServerOptions, TlsIdentity};
use serde_json::json;

use super::Outcome;
use super::fault_plan::read_fault_plan;
use crate::args::{LogFormat, ServeArgs};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::read_file;
use crate::render::clean;
use crate::report::{Report, ServeReport};
use crate::stderr::{say, warn};
use crate::stdout::write_report;

pub(super) async fn run(args: &ServeArgs, context: &Context) -> Result<Outcome, Failure> {
    let (has_users, has_tls) = (args.htpasswd.is_some(), args.tls_cert.is_some());
    let is_safe = args.listen.ip().is_loopback() || (has_users && has_tls);
    if !is_safe && !args.allow_insecure_remote {
        return Err(Failure::insecure_listen(args.listen, has_users, has_tls));
    }
    let options = options(args)?;
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
    let server = Server::bind(args.listen, store, options)
        .await
        .map_err(|error| Failure::listen(args.listen, &error))?;
    let scheme = if has_tls { "https" } else { "http" };
    let report = Report::Serve(ServeReport {
        address: server.local_addr().to_string(),
        host: host_of(server.local_addr()),
        url: format!("{scheme}://{}", server.local_addr()),
        store: context.store_path(),
        read_only: args.read_only,
        authentication: has_users,
        tls_cert: args.tls_cert.as_deref().map(shown),
    });
    write_report(&report, context).await?;
    server.serve(stopped).await;
    Ok(Outcome {
        report: None,
        exit: ExitCode::Done,
    })
}

/// Makes the server's options of the arguments, and reads the files that they name.
fn options(args: &ServeArgs) -> Result<ServerOptions, Failure> {
    let mut options = ServerOptions::default();
    options.read_only = args.read_only;
    options.max_manifest_size = args.limits.max_manifest_size;
    options.max_upload_size = args.limits.max_upload_size;
    options.max_open_uploads = args.limits.max_uploads;
    options.upload_expiry = args.limits.upload_expiry;
    options.max_header_size = args.limits.max_header_size;
    options.max_path_size = args.limits.max_path_size;
    options.max_query_size = args.limits.max_query_size;
    options.max_connections = args.limits.max_connections;
    options.idle_timeout = args.limits.idle_timeout;
    options.request_timeout = args.limits.request_timeout;
    options.stop_timeout = args.limits.stop_timeout;
    if let Some(path) = &args.htpasswd {
        let users = Htpasswd::parse(&read_file("--htpasswd", path)?);
        options.users = Some(users.map_err(|error| Failure::htpasswd(&shown(path), &error))?);
    }
    if let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let identity = TlsIdentity::from_pem(
            &read_file("--tls-cert", cert)?,
            &read_file("--tls-key", key)?,
        )
        .map_err(|error| Failure::tls_identity(&shown(cert), &shown(key), &error))?;
        options.tls = Some(identity);
    }
    if let Some(form) = args.log {
        options.observer = Some(Arc::new(move |served| log(form, served)));
    }
    if let Some(path) = &args.fault {
        options.faults = Some(read_fault_plan(path)?.into());
        warn(format_args!(
            "faults are injected: requests fail on purpose, as {path} says"
        ));
    }
    Ok(options)
}

/// Returns a path as it is shown.
fn shown(path: &Path) -> String {
    path.display().to_string()
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn the_defaults_are_those_of_the_library() {
        let limits = |options: &ServerOptions| {
            let sizes = [options.max_manifest_size, options.max_upload_size];
            let counts = [
                options.max_open_uploads,
                options.max_header_size,
                options.max_path_size,
                options.max_query_size,
                options.max_connections,
            ];
            let times = [
                options.upload_expiry,
                options.idle_timeout,
                options.request_timeout,
                options.stop_timeout,
            ];
            (sizes, counts, times)
        };
        let cli = Cli::try_parse_from(["eigenpack", "serve"]).unwrap();
        let Command::Serve(args) = cli.command else {
            panic!("{:?}", cli.command);
        };
        let typed = options(&args).unwrap();
        assert_eq!(limits(&typed), limits(&ServerOptions::default()));
    }
}
