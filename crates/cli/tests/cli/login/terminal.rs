//! `login` at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::{PASSWORD, Registry, config, user};
use crate::harness::Place;

/// The longest wait for anything to be said.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal, and the program that reads from it.
struct Terminal {
    keyboard: File,
    screen: File,
    child: Child,
    said: Receiver<u8>,
}

impl Terminal {
    fn run(place: &Place, args: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new())
            .unwrap()
            .into_string()
            .unwrap();
        let screen = File::options().read(true).write(true).open(name).unwrap();
        let mut child = place
            .command(args)
            .stdin(screen.try_clone().unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while stderr.read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
        });
        Self {
            keyboard: keyboard.into(),
            screen,
            child,
            said,
        }
    }

    /// Waits until the program has said `text`.
    fn wait_for(&self, text: &str) {
        let mut said = Vec::new();
        while !said.ends_with(text.as_bytes()) {
            match self.said.recv_timeout(PATIENCE) {
                Ok(byte) => said.push(byte),
                Err(error) => panic!(
                    "{error}: {text:?} is not in {:?}",
                    String::from_utf8_lossy(&said)
                ),
            }
        }
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Tells whether what is typed is shown.
    fn shows(&self) -> bool {
        let modes = tcgetattr(self.screen.as_fd()).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
    }
}

#[test]
fn asks_and_does_not_show_the_password() {
    let registry = Registry::start();
    let place = user();
    let mut terminal = Terminal::run(&place, &["login", &registry.host]);
    terminal.wait_for(&format!("User name at {}: ", registry.host));
    assert!(terminal.shows());
    terminal.types("ann\n");
    terminal.wait_for("Password: ");
    assert!(!terminal.shows());
    terminal.types(&format!("{PASSWORD}\n"));
    assert_eq!(terminal.ended().code(), Some(0));
    assert!(terminal.shows());
    let mut seen = [0; 64];
    let length = terminal.keyboard.read(&mut seen).unwrap();
    let seen = String::from_utf8_lossy(&seen[..length]);
    assert_eq!(seen, "ann\r\n\r\n");
    assert!(config(&place).contains("YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk="));
    registry.stop();
}

#[test]
fn asks_for_nothing_where_there_is_no_registry() {
    let place = user();
    let mut terminal = Terminal::run(&place, &["login", "localhost:1"]);
    terminal.wait_for("is a registry running at");
    assert_eq!(terminal.ended().code(), Some(6));
}

#[test]
fn gives_the_terminal_back_when_it_is_interrupted() {
    let place = user();
    let args = [
        "push",
        "spec.yaml",
        "registry.invalid/a:v1",
        "--username=ann",
    ];
    let mut terminal = Terminal::run(&place, &args);
    terminal.wait_for("Password: ");
    assert!(!terminal.shows());
    let id = terminal.child.id().to_string();
    let told = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(told.success());
    assert_eq!(terminal.ended().code(), Some(130));
    assert!(terminal.shows());
}
