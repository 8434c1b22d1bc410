//! Ctrl-C, in the midst of what a registry does not go on with.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{CREATED, Place, fixture};

/// A registry that stands still as a plan says, until the client goes away.
struct Stalling {
    child: Child,
    log: BufReader<ChildStderr>,
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
        let log = BufReader::new(child.stderr.take().unwrap());
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
    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "no {text}");
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
fn interrupted(place: &Place, registry: &mut Stalling, args: &[&str]) -> String {
    let mut child = place.spawn(args);
    drop(child.stdin.take());
    registry.wait_for("a fault is due");
    let id = child.id().to_string();
    let told = Command::new("kill")
        .args(["-INT", &id])
        .stdin(Stdio::null());
    assert!(told.status().unwrap().success());
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
    assert_eq!(code, Some(130), "{args:?}: {said}");
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
    for number in 0..10_000 {
        spec.extend(format!("# {number:08}\n").bytes());
    }
    place.write("spec.yaml", spec);
    place
        .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
        .succeeded();
    place
}

#[cfg(unix)]
#[test]
fn a_push_ends_and_leaves_no_upload_open() {
    let place = place();
    let mut registry = Stalling::start(
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
        let said = interrupted(&place, &mut registry, command);
        assert!(said.contains("interrupted"), "{said}");
        registry.wait_for("DELETE /v2/org/my-avs/blobs/uploads/");
        let after: Vec<_> = files(place.directory()).into_iter().collect();
        let new: Vec<_> = after
            .iter()
            .filter(|file| !before.contains(*file))
            .collect();
        // What the registry itself keeps is none of the program's.
        assert!(new.iter().all(|file| file.contains("/served/")), "{new:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_pull_ends_and_leaves_no_file() {
    let place = place();
    let mut registry = Stalling::start(
        &place,
        r#"{"endpoint":"blob","method":"GET"}"#,
        r#"{"body-bytes":10}"#,
    );
    let reference = format!("{}/org/my-avs:v1", registry.host);
    place.run(&["copy", "my-avs:v1", &reference]).succeeded();
    let commands: [&[&str]; 3] = [
        &["pull", &reference, "-o", "out.yaml"],
        &["copy", &reference, "oci:layout"],
        &["copy", &reference, "org/other:v1"],
    ];
    for command in commands {
        // The layout and the store's directories may be made; nothing may be left in them.
        let before = files(place.directory());
        interrupted(&place, &mut registry, command);
        let after = files(place.directory());
        let new: Vec<_> = after.difference(&before).collect();
        let is_expected = |file: &&&String| {
            let names = ["/oci-layout", "/index.json", "/lock", ".lock"];
            names.iter().any(|name| file.ends_with(name))
        };
        let left: Vec<_> = new.iter().filter(|file| !is_expected(file)).collect();
        assert!(left.is_empty(), "{command:?}: {left:?}");
    }
}
