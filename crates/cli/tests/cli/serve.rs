//! `serve`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command};

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{CREATED, Place};

/// A server that runs until it is told to stop.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Self {
        let mut all = vec!["serve"];
        if !args.iter().any(|arg| arg.starts_with("--listen")) {
            all.push("--listen=127.0.0.1:0");
        }
        all.extend(args);
        Self::of(place.spawn(&all))
    }

    /// Takes a server that was started.
    pub(crate) fn of(mut child: Child) -> Self {
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads the first lines of stdout.
    pub(crate) fn lines(&mut self, count: usize) -> String {
        let mut text = String::new();
        for _ in 0..count {
            assert_ne!(self.output.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    }

    /// Reads the document that says that the server is ready.
    pub(crate) fn ready(&mut self) -> Value {
        let document = self.lines(11);
        serde_json::from_str(&document).unwrap_or_else(|error| panic!("{error}: {document}"))
    }

    /// Tells the server to stop, and returns what it said on stderr.
    pub(crate) fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
    }
}

#[cfg(unix)]
#[test]
fn says_where_it_is_and_what_to_paste() {
    let place = Place::new();
    let mut server = Server::start(&place, &[]);
    let text = server.lines(6);
    assert_eq!(server.stop(), "");
    let (head, _) = text.split_once('\n').unwrap();
    let port = head.rsplit(':').next().unwrap();
    let store = head.split(' ').nth(4).unwrap();
    assert_snapshot!(text.replace(port, "PORT").replace(store, "STORE"));
}

#[cfg(unix)]
#[test]
fn serves_what_is_pushed_and_what_is_in_the_store() {
    let place = Place::with_artifact();
    let mut server = Server::start(&place, &["--format=json", "--log=json"]);
    let ready = server.ready();
    assert_eq!(ready["kind"], "serve");
    let host = ready["host"].as_str().unwrap();
    let there = format!("{host}/my-avs:v1");
    let file = place.run(&["pull", "my-avs:v1", "-o", "local.yaml"]);
    file.succeeded();
    place
        .run(&["pull", &there, "-o", "served.yaml"])
        .succeeded();
    assert_eq!(place.read("local.yaml"), place.read("served.yaml"));
    let pushed = format!("{host}/org/other:v2");
    place
        .run(&["push", "spec.yaml", &pushed, CREATED])
        .succeeded();
    let digest = place.run(&["resolve", &pushed]).succeeded();
    let log = server.stop();
    let local = place.run(&["resolve", "org/other:v2"]).succeeded();
    assert_eq!(digest.text(), local.text());
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["status"], 200);
    assert_eq!(last["target"], "/v2/org/other/manifests/v2");
}

#[cfg(unix)]
#[test]
fn refuses_pushes_where_the_store_is_only_read() {
    let place = Place::with_artifact();
    let mut server = Server::start(&place, &["--format=json", "--read-only", "--log=text"]);
    let host = server.ready()["host"].as_str().unwrap().to_owned();
    let new = format!("{host}/new:v1");
    let run = place
        .run(&["push", "spec.yaml", &new, CREATED])
        .failed_with(6);
    assert!(
        run.stderr.contains("this registry can only be read"),
        "{run}"
    );
    assert!(server.stop().contains("405 POST /v2/new/blobs/uploads/"));
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = Place::new()
        .run(&["serve", "--listen", &address])
        .failed_with(3);
    assert_snapshot!("port_taken", run.to_string().replace(&address, "ADDRESS"));
}

#[test]
fn others_are_not_let_in_unasked() {
    let place = Place::new();
    let run = place
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .failed_with(2);
    assert_snapshot!("not_loopback", run);
    place
        .run(&["serve", "--listen", "example.com:80"])
        .failed_with(2);
    // Each alone is not enough, and says what is missing.
    place.write("users", "");
    let users = place
        .run(&["serve", "--listen=0.0.0.0:0", "--htpasswd=users"])
        .failed_with(2);
    assert_snapshot!("not_loopback_in_the_clear", users);
    let tls = [
        "serve",
        "--listen=[::]:0",
        "--tls-cert=cert.pem",
        "--tls-key=key.pem",
    ];
    assert_snapshot!("not_loopback_for_anybody", place.run(&tls).failed_with(2));
    place.run(&["serve", "--store=spec.yaml"]).failed_with(3);
}

#[cfg(unix)]
#[test]
fn faults_are_injected_as_a_plan_says_and_it_says_so() {
    let place = Place::with_artifact();
    let plan = r#"{"rules":[{"requests":{"endpoint":"blob"},"fault":{"answer":{"status":451}}}]}"#;
    place.write("faults.json", plan.as_bytes());
    let mut server = Server::start(&place, &["--format=json", "--fault=faults.json"]);
    let there = format!("{}/my-avs:v1", server.ready()["host"].as_str().unwrap());
    place.run(&["resolve", &there]).succeeded();
    // The server's store is this user's, too.
    let pull = ["pull", "--no-cache", &there, "-o", "-"];
    let run = place.run(&pull).failed_with(6);
    assert!(run.stderr.contains("451"), "{run}");
    place.run(&["pull", &there, "-o", "-"]).succeeded();
    let said = server.stop();
    assert!(said.starts_with("warning: faults are injected"), "{said}");
}

#[cfg(unix)]
#[test]
fn what_a_registry_warns_of_is_shown_once_and_its_limit_with_the_log() {
    let place = Place::with_artifact();
    let plan = r#"{"rules":[{"fault":{"headers":{"set":{
        "Warning": "299 - \"We close in May.\"", "RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "7"
    }}}}]}"#;
    place.write("faults.json", plan.as_bytes());
    let mut server = Server::start(&place, &["--format=json", "--fault=faults.json"]);
    let host = server.ready()["host"].as_str().unwrap().to_owned();
    let there = format!("{host}/my-avs:v1");
    let pull = ["pull", "--no-cache", &there, "-o", "pulled.yaml"];
    let warning = format!("warning: {host} says: We close in May.\n");
    for (flag, limits) in [("--format=json", 0), ("-q", 0), ("-v", 1)] {
        let run = place.run(&[&pull[..], &[flag]].concat()).succeeded();
        assert_eq!(run.stderr.matches(&warning).count(), 1, "{run}");
        let limit = "7 of 100 requests are left in 6 h";
        assert_eq!(run.stderr.matches(limit).count(), limits, "{run}");
        assert!(!run.text().contains("May"), "{run}");
    }
    server.stop();
}

#[test]
fn what_is_no_fault_plan_is_an_error_with_its_place() {
    let place = Place::new();
    place.write(
        "faults.json",
        b"{\n  \"rules\": [{ \"fault\": { \"explode\": 1 } }]\n}\n",
    );
    let args = ["serve", "--listen=127.0.0.1:0", "--fault"];
    let run = place.run(&[&args[..], &["faults.json"]].concat());
    assert_snapshot!("no_fault_plan", run.failed_with(3).to_string());
    let run = place.run(&[&args[..], &["absent.json"]].concat());
    run.failed_with(3);
}
