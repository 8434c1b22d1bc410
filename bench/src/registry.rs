//! The registry servers of this machine, each a process over an empty store.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Result;
use crate::machine::first_value;
use crate::program::Program;

/// How long a server may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// How often a server that starts is asked whether it answers.
const START_PAUSE: Duration = Duration::from_micros(200);

/// How many ticks a second the kernel counts processors' time in; it is 100 wherever Linux runs on x86-64 and ARM.
const TICKS: f64 = 100.0;

/// A way to serve a registry.
pub(crate) struct Registry {
    pub(crate) name: String,
    program: Program,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Our own, over the local store.
    Eigenpack,
    /// The one that is built into `crane`; blobs in memory.
    CraneInMemory,
    /// The same with `--disk`: blobs in files, manifests in memory all the same.
    CraneOnDisk,
    /// CNCF distribution, of whatever version, over a directory.
    Distribution,
}

/// A server that runs until this is dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first answer.
    pub(crate) started_in: Duration,
    storage: TempDir,
}

/// Finds the registries of this machine, ours first, and says which are missing.
pub(crate) fn find() -> Result<Vec<Registry>> {
    let registry = |name: &str, program: &Program, kind| Registry {
        name: format!("{name} {}", program.version),
        program: program.clone(),
        kind,
    };
    let eigenpack = Program::eigenpack()?;
    let mut found = vec![registry("eigenpack serve", &eigenpack, Kind::Eigenpack)];
    if let Some(crane) = Program::look_for("crane", &["version"]) {
        found.push(registry(
            "crane registry serve",
            &crane,
            Kind::CraneInMemory,
        ));
        found.push(registry(
            "crane registry serve --disk",
            &crane,
            Kind::CraneOnDisk,
        ));
    }
    for name in ["docker-registry", "registry"] {
        if let Some(distribution) = Program::look_for(name, &["--version"]) {
            found.push(registry(name, &distribution, Kind::Distribution));
        }
    }
    Ok(found)
}

impl Registry {
    /// Tells whether clients are measured against it: ours, and the one that a package manager has.
    pub(crate) fn suits_clients(&self) -> bool {
        match self.kind {
            Kind::Eigenpack => true,
            Kind::Distribution => self.name.starts_with("docker-registry"),
            Kind::CraneInMemory | Kind::CraneOnDisk => false,
        }
    }

    /// Starts the server over an empty store, on some cores alone or on all, and waits until it answers.
    pub(crate) fn start(&self, cores: Option<&str>) -> Result<Running> {
        let storage = tempfile::tempdir()?;
        // Not all of these take port 0 and say what it became.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = self.command(cores, free, storage.path())?;
        let begin = Instant::now();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // From here on the process is stopped whatever happens.
        let mut running = Running {
            process,
            address: free,
            started_in: Duration::ZERO,
            storage,
        };
        while !answers(free) {
            if begin.elapsed() > START_LIMIT || running.process.try_wait()?.is_some() {
                return Err(format!("{} does not answer", self.name).into());
            }
            sleep(START_PAUSE);
        }
        running.started_in = begin.elapsed();
        Ok(running)
    }

    fn command(&self, cores: Option<&str>, address: SocketAddr, storage: &Path) -> Result<Command> {
        let mut command = match cores {
            Some(cores) => self.program.on_core(cores),
            None => Command::new(&self.program.path),
        };
        let listen = address.to_string();
        match self.kind {
            Kind::Eigenpack => {
                command.args(["serve", "--listen", &listen, "--store"]);
                command.arg(storage.join("store"));
            }
            Kind::CraneInMemory => {
                command.args(["registry", "serve", "--address", &listen]);
            }
            Kind::CraneOnDisk => {
                command.args(["registry", "serve", "--address", &listen, "--disk"]);
                command.arg(storage);
            }
            Kind::Distribution => {
                let file = storage.join("registry.json");
                // JSON is YAML, and gets every path quoted as it must be.
                let configuration = serde_json::json!({
                    "version": "0.1",
                    "log": { "level": "error", "accesslog": { "disabled": true } },
                    "storage": {
                        // As in the configuration that Debian ships.
                        "cache": { "blobdescriptor": "inmemory" },
                        "filesystem": { "rootdirectory": storage },
                    },
                    "http": { "addr": listen },
                });
                fs::write(&file, configuration.to_string())?;
                command.arg("serve").arg(file);
                // From version 3 on it sends traces to a collector on this machine, where there is none.
                command.env("OTEL_TRACES_EXPORTER", "none");
                command.env("OTEL_SDK_DISABLED", "true");
            }
        }
        Ok(command)
    }
}

impl Running {
    /// Returns a URL of the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Starts the upload of a blob, and returns the URL that takes it.
    pub(crate) fn start_upload(&self, repository: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(START_LIMIT))?;
        let (host, path) = (self.address, format!("/v2/{repository}/blobs/uploads/"));
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.take(ANSWER_LIMIT).read_to_string(&mut answer)?;
        let location = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim())
        });
        match location {
            Some(path) if path.starts_with('/') => Ok(self.url(path)),
            Some(url) => Ok(url.to_owned()),
            None => Err(format!("{path} was answered without a location: {answer}").into()),
        }
    }

    /// Returns the resident memory now, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        self.memory("VmRSS")
    }

    /// Returns the most resident memory there was, in MiB.
    pub(crate) fn most_resident(&self) -> f64 {
        self.memory("VmHWM")
    }

    /// Returns the processor's time that was used, in seconds.
    pub(crate) fn processor_time(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.process.id());
        let stat = fs::read_to_string(path).unwrap_or_default();
        // The name before the last parenthesis may hold anything; user and system time are fields 14 and 15.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields = fields.split_whitespace().skip(11).take(2);
        fields
            .filter_map(|field| field.parse::<f64>().ok())
            .sum::<f64>()
            / TICKS
    }

    fn memory(&self, field: &str) -> f64 {
        first_value(format!("/proc/{}/status", self.process.id()), field)
            .and_then(|value| value.strip_suffix(" kB")?.parse::<f64>().ok())
            .map_or(f64::NAN, |kib| kib / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; the store goes with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(self.storage.path());
    }
}

/// Asks whether there is a registry.
fn answers(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(START_LIMIT))?;
        write!(
            stream,
            "GET /v2/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok::<_, std::io::Error>(start == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
