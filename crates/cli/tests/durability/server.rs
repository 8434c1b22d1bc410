use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::client::Client;

/// `eigenpack serve` on a free port of loopback, until it is killed or dropped.
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(store: &Path) -> Self {
        let mut process = eigenpack(store)
            .args(["serve", "--listen=127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let out = process.stdout.as_mut().unwrap();
        let read = BufReader::new(out).read_line(&mut first);
        // The guard comes before anything that may panic.
        let mut server = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        read.unwrap();
        let address = first.trim_end().rsplit("http://").next().unwrap();
        server.address = address
            .parse()
            .unwrap_or_else(|error| panic!("{error}: it said {first:?}"));
        server
    }

    pub(crate) fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// Ends the process: it is not asked, and nothing of it goes on. Unlike a power cut this takes nothing that was written and
    /// not synced; whether all is synced in time is tested in the crate `layout`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the program with a store, and with nothing else of its surroundings.
pub(crate) fn eigenpack(store: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eigenpack"));
    command
        .env_clear()
        .env("EIGENPACK_STORE", store)
        .stdin(Stdio::null());
    command
}
