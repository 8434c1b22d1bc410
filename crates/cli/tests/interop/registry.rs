use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;
use crate::sandbox::Sandbox;

/// A registry takes milliseconds to start; this is for a machine that is busy with everything else.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A registry, somebody else's or ours, running on a free port of loopback until this is dropped.
pub(crate) struct Registry {
    process: Child,
    address: SocketAddr,
    /// The folder of all blobs.
    blobs: PathBuf,
    /// What is removed with the registry.
    _storage: Option<TempDir>,
}

impl Registry {
    /// Starts Debian's `docker-registry` over a storage folder of its own.
    pub(crate) fn docker() -> Self {
        Self::distribution_of(Program::DockerRegistry, &Value::Null, &Value::Null)
    }

    /// Starts Debian's `docker-registry` with its settings of who is let in, and those of TLS where it is to speak that.
    pub(crate) fn docker_with(auth: &Value, tls: &Value) -> Self {
        Self::distribution_of(Program::DockerRegistry, auth, tls)
    }

    /// Starts the current `distribution` over a storage folder of its own.
    pub(crate) fn distribution() -> Self {
        Self::distribution_of(Program::Distribution, &Value::Null, &Value::Null)
    }

    fn distribution_of(program: Program, auth: &Value, tls: &Value) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let configuration = storage.path().join("registry.json");
        // JSON is YAML, and gets every path quoted as it must be.
        let text = serde_json::json!({
            "version": "0.1",
            "log": { "level": "info", "accesslog": { "disabled": true } },
            "storage": {
                "filesystem": { "rootdirectory": storage.path() },
                "delete": { "enabled": true },
            },
            "auth": auth,
            "http": { "addr": "127.0.0.1:0", "tls": tls },
        });
        fs::write(&configuration, text.to_string()).unwrap();
        let mut command = program.command();
        command.arg("serve").arg(configuration);
        let blobs = storage.path().join("docker/registry/v2/blobs");
        Self::start(command, "listening on 127.0.0.1:", blobs, Some(storage))
    }

    /// Starts the registry that is built into `crane`, which keeps all in memory.
    pub(crate) fn crane() -> Self {
        let mut command = Program::Crane.command();
        command.args(["registry", "serve", "--address", "127.0.0.1:0"]);
        Self::start(command, "serving on port ", PathBuf::new(), None)
    }

    /// Starts `eigenpack serve` over a store of its own.
    pub(crate) fn ours() -> Self {
        let storage = tempfile::tempdir().unwrap();
        let store = storage.path().join("store");
        Self::ours_over(&store, &[], Some(storage))
    }

    /// Starts `eigenpack serve` over a store of its own, with further arguments.
    pub(crate) fn ours_with(arguments: &[&OsStr]) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let store = storage.path().join("store");
        Self::ours_over(&store, arguments, Some(storage))
    }

    /// Starts `eigenpack serve` over a user's store.
    pub(crate) fn ours_for(user: &Sandbox) -> Self {
        Self::ours_over(&user.store(), &[], None)
    }

    fn ours_over(store: &Path, arguments: &[&OsStr], storage: Option<TempDir>) -> Self {
        let mut command = Program::Eigenpack.command();
        command
            .env("EIGENPACK_STORE", store)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments);
        Self::start(command, "://127.0.0.1:", store.join("blobs"), storage)
    }

    /// Asks for port 0 and reads the real one from what is said: a port that was found free beforehand may be taken by
    /// now. Others say it on stderr, and we on stdout.
    fn start(
        mut command: Command,
        announcement: &'static str,
        blobs: PathBuf,
        storage: Option<TempDir>,
    ) -> Self {
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The guard comes before anything that may panic.
        let mut registry = Self {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            blobs,
            _storage: storage,
        };
        let out = registry.process.stdout.take().unwrap();
        let log = registry.process.stderr.take().unwrap();
        let port = announced_port(out, log, announcement);
        registry.address.set_port(port);
        registry
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the reference of something in this registry, reached without the recording proxy.
    pub(crate) fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// Replaces bytes in something that is stored, behind the registry's back.
    ///
    /// The length stays, so that only the digest can tell.
    #[track_caller]
    pub(crate) fn alter(&self, digest: &str, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let before = String::from_utf8(self.stored(digest)).unwrap();
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "`{from}` is not in {digest}");
        fs::write(self.stored_path(digest), after).unwrap();
    }

    /// Returns the bytes that are on the registry's disk.
    #[track_caller]
    pub(crate) fn stored(&self, digest: &str) -> Vec<u8> {
        let path = self.stored_path(digest);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn stored_path(&self, digest: &str) -> PathBuf {
        let (algorithm, encoded) = digest.split_once(':').unwrap();
        let of_algorithm = self.blobs.join(algorithm);
        let ours = of_algorithm.join(encoded);
        if ours.is_file() {
            return ours;
        }
        of_algorithm.join(&encoded[..2]).join(encoded).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Whatever these say, there is nobody left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads what a server says up to its port, and then on to the end, so that the server never waits for a reader.
fn announced_port(
    out: impl Read + Send + 'static,
    log: impl Read + Send + 'static,
    announcement: &'static str,
) -> u16 {
    let (lines, received) = mpsc::channel();
    let on_out = lines.clone();
    thread::spawn(move || read_on(out, &on_out));
    thread::spawn(move || read_on(log, &lines));
    let mut seen = Vec::new();
    while let Ok(line) = received.recv_timeout(START_LIMIT) {
        if let Some((_, rest)) = line.split_once(announcement) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            return digits.parse().unwrap();
        }
        seen.push(line);
    }
    panic!("the registry did not say `{announcement}`, but: {seen:#?}");
}

fn read_on(said: impl Read, lines: &mpsc::Sender<String>) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        // Nobody listens any more once the port is known.
        let _ = lines.send(line);
    }
}
