use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::Program;

/// A registry takes milliseconds to start; this is for a machine that is busy with everything else.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Somebody else's registry, running on a free port of loopback until this is dropped.
pub(crate) struct Registry {
    process: Child,
    address: SocketAddr,
    storage: TempDir,
}

impl Registry {
    /// Starts Debian's `docker-registry` over a storage folder of its own.
    pub(crate) fn docker() -> Self {
        let storage = tempfile::tempdir().unwrap();
        let configuration = storage.path().join("registry.json");
        // JSON is YAML, and gets every path quoted as it must be.
        let text = serde_json::json!({
            "version": "0.1",
            "log": { "level": "info", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": storage.path() } },
            "http": { "addr": "127.0.0.1:0" },
        });
        fs::write(&configuration, text.to_string()).unwrap();
        let mut command = Program::DockerRegistry.command();
        command.arg("serve").arg(configuration);
        Self::start(command, "listening on 127.0.0.1:", storage)
    }

    /// Starts the registry that is built into `crane`, which keeps all in memory.
    pub(crate) fn crane() -> Self {
        let mut command = Program::Crane.command();
        command.args(["registry", "serve", "--address", "127.0.0.1:0"]);
        Self::start(command, "serving on port ", tempfile::tempdir().unwrap())
    }

    /// Asks for port 0 and reads the real one from the log: a port that was found free beforehand may be taken by now.
    fn start(mut command: Command, announcement: &'static str, storage: TempDir) -> Self {
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The guard comes before anything that may panic.
        let mut registry = Self {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            storage,
        };
        let log = registry.process.stderr.take().unwrap();
        let port = announced_port(log, announcement);
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
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.storage.path().join("docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Whatever these say, there is nobody left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads a server's log up to its port, and then on to the end, so that the server never waits for a reader.
fn announced_port(log: ChildStderr, announcement: &'static str) -> u16 {
    let (lines, received) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens any more once the port is known.
            let _ = lines.send(line);
        }
    });
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
