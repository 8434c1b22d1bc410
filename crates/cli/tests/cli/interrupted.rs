//! Ctrl-C, in the midst of what a registry does not go on with.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::harness::{CREATED, Place, fixture};

/// A registry that stands still as a plan says, until the client goes away.
struct Stalling {
    child: Child,
    log: mpsc::Receiver<String>,
    host: String,
}

impl Stalling {
    fn start(place: &Place, requests: &str, at: &str) -> Self {
        let plan =
            format!(r#"{{"rules":[{{"requests":{requests},"fault":{{"stall":{{"at":{at}}}}}}}]}}"#);
        place.write("plan.json", plan);
        let arguments = ["-v", "--format=json", "--store=served", "serve"];
        let more = ["--listen=127.0.0.1:0", "--fault=plan.json"];
        let mut child = place.spawn(&[arguments.as_slice(), &more].concat());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = sender.send(line);
            }
        });
        let mut ready = BufReader::new(child.stdout.take().unwrap());
        let mut host = String::new();
        while !host.contains("\"listen") && !host.contains("127.0.0.1:") {
            host.clear();
            assert_ne!(ready.read_line(&mut host).unwrap(), 0);
        }
        let start = host.find("127.0.0.1:").unwrap();
        let rest = host[start + 10..].find(|c: char| !c.is_ascii_digit());
        let host = host[start..start + 10 + rest.unwrap()].to_owned();
        Self { child, log, host }
    }

    /// Waits until the log has a line with this in it.
    fn wait_for(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left);
            if line.unwrap_or_else(|_| panic!("no {text}")).contains(text) {
                return;
            }
        }
    }
}

impl Drop for Stalling {
    fn drop(&mut self) {
        // If it has ended already, the test has failed for that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program, and interrupts it once the registry stands still.
fn interrupted(place: &Place, registry: &Stalling, args: &[&str]) -> String {
    let child = place.spawn(args);
    registry.wait_for("a fault is due");
    interrupt(child, args)
}

/// Interrupts the program, and returns what it said.
fn interrupt(child: Child, args: &[&str]) -> String {
    signal(child, args, "-INT", 130)
}

/// Sends a signal to the program, which ends with a code, and returns what it said.
fn signal(mut child: Child, args: &[&str], name: &str, expected: i32) -> String {
    drop(child.stdin.take());
    let id = child.id().to_string();
    let told = Command::new("kill").args([name, &id]).status();
    assert!(told.unwrap().success());
    let told = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if told.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("{args:?} goes on");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(code, Some(expected), "{args:?}: {said}");
    said
}

/// Returns every file below a directory.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(directory) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.to_string_lossy().into_owned());
        }
    }
    found
}

/// A place with a spec whose layer is too large to go along with the start of its upload.
fn place() -> Place {
    let place = Place::new();
    let mut spec = fixture("valid/hourglass-aggregator.yaml");
    spec.push(b'\n');
    for number in 0..10_000 {
        spec.extend(format!("# {number:08}\n").bytes());
    }
    place.write("spec.yaml", spec);
    place
        .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
        .succeeded();
    place
}

#[test]
fn a_push_ends_and_leaves_no_upload_open() {
    let place = place();
    let registry = Stalling::start(
        &place,
        r#"{"endpoint":"upload-close"}"#,
        r#"{"request-bytes":3}"#,
    );
    let reference = format!("{}/org/my-avs:v1", registry.host);
    let commands: [&[&str]; 2] = [
        &["push", "spec.yaml", &reference, CREATED],
        &["copy", "my-avs:v1", &reference],
    ];
    for command in commands {
        let before = files(place.directory());
        let said = interrupted(&place, &registry, command);
        assert!(said.contains("interrupted"), "{said}");
        registry.wait_for("answered method=DELETE");
        let after: Vec<_> = files(place.directory()).into_iter().collect();
        let new: Vec<_> = after
            .iter()
            .filter(|file| !before.contains(*file))
            .collect();
        // What the registry itself keeps is none of the program's.
        assert!(new.iter().all(|file| file.contains("/served/")), "{new:?}");
    }
}

#[test]
fn other_signals_that_end_a_program_leave_no_upload_open_either() {
    let place = place();
    let requests = r#"{"endpoint":"upload-close"}"#;
    let registry = Stalling::start(&place, requests, r#"{"request-bytes":3}"#);
    let reference = format!("{}/org/my-avs:v1", registry.host);
    for (name, code) in [("-TERM", 143), ("-HUP", 129)] {
        let args = ["--format=json", "push", "spec.yaml", &reference, CREATED];
        let mut child = place.spawn(&args);
        let mut stdout = child.stdout.take().unwrap();
        registry.wait_for("a fault is due");
        signal(child, &args, name, code);
        registry.wait_for("answered method=DELETE");
        let mut document = String::new();
        stdout.read_to_string(&mut document).unwrap();
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["code"], "interrupted");
        assert_eq!(document["exitCode"], code);
    }
}

/// Nobody may read what is written, and the command is not waited for then.
#[test]
fn output_that_nobody_takes_is_not_waited_for() {
    let place = place();
    let made = Command::new("mkfifo").arg(place.file("pipe")).status();
    assert!(made.unwrap().success());
    // A pipe without a reader, and one whose reader takes nothing of more than it can hold.
    let commands: [&[&str]; 3] = [
        &["pull", "my-avs:v1", "-o", "pipe"],
        &["pull", "my-avs:v1", "-o", "-"],
        &["inspect", "my-avs:v1", "--raw", "spec"],
    ];
    for args in commands {
        let child = place.spawn(args);
        // By then it stands still, as a rule; before, it ends in the same way.
        std::thread::sleep(Duration::from_millis(300));
        interrupt(child, args);
    }
}

#[test]
fn a_pull_ends_and_leaves_no_file() {
    let place = place();
    let start = || {
        Stalling::start(
            &place,
            r#"{"endpoint":"blob","method":"GET"}"#,
            r#"{"body-bytes":10}"#,
        )
    };
    let reference = |registry: &Stalling| format!("{}/org/my-avs:v1", registry.host);
    let registry = start();
    let to = reference(&registry);
    place.run(&["copy", "my-avs:v1", &to]).succeeded();
    drop(registry);
    // The store that the artifact came from would give it without a request.
    let commands: [&[&str]; 4] = [
        &["--store=another", "pull", "REFERENCE", "-o", "out.yaml"],
        &["pull", "--no-cache", "REFERENCE", "-o", "out.yaml"],
        &["copy", "--no-cache", "REFERENCE", "oci:layout"],
        &["--store=elsewhere", "copy", "REFERENCE", "org/other:v1"],
    ];
    for command in commands {
        // Both blobs may be under way, so that what one command leaves in the log is not for the next one.
        let registry = start();
        let reference = reference(&registry);
        let command: Vec<_> = command
            .iter()
            .map(|&word| {
                if word == "REFERENCE" {
                    reference.as_str()
                } else {
                    word
                }
            })
            .collect();
        let before = files(place.directory());
        interrupted(&place, &registry, &command);
        let after = files(place.directory());
        // The layout and the store may have been made; nothing may be left in them but the manifest, which was there whole.
        let is_expected = |file: &&String| {
            let names = ["/oci-layout", "/index.json", "/store.json", "lock"];
            names.iter().any(|name| file.ends_with(name)) || file.contains("/another/blobs/")
        };
        let left: Vec<_> = after.difference(&before).collect();
        let left: Vec<_> = left.into_iter().filter(|file| !is_expected(file)).collect();
        assert!(left.is_empty(), "{command:?}: {left:?}");
    }
}

/// Whoever gives a file may give a pipe, such as `<(command)`, and the command may say nothing.
#[test]
fn settings_that_do_not_come_are_not_waited_for() {
    let place = Place::new();
    let made = Command::new("mkfifo").arg(place.file("pipe")).status();
    assert!(made.unwrap().success());
    for flag in ["--ca-file=pipe", "--config=pipe"] {
        let args = ["resolve", "127.0.0.1:1/org/my-avs:v1", flag];
        let child = place.spawn(&args);
        let (sender, opened) = mpsc::channel();
        let pipe = place.file("pipe");
        // This waits until the program has opened it, too.
        std::thread::spawn(move || sender.send(File::options().write(true).open(pipe)));
        let _writer = opened
            .recv_timeout(Duration::from_secs(20))
            .unwrap()
            .unwrap();
        interrupt(child, &args);
    }
}
