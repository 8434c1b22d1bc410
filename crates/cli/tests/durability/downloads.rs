//! `eigenpack copy` of a large blob to a disk, ended before it is done: what it leaves, and what the next one asks for.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eigenpack::Client;
use eigenpack::oci::{Content, Descriptor, MediaType, Precondition, Reference, Target as _};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Faults, Moment, Requests};
use eigenpack_registry::{MemoryRegistry, Recorder, Server, ServerOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::manifest;
use crate::server::eigenpack;
use crate::store_on_disk::{assert_every_blob_verifies, files_in};

const MIB: usize = 1 << 20;

/// The size of the layer, and how much of it comes at first.
const SIZE: usize = 64 * MIB + 4321;
const CUT: usize = 40 * MIB + 1234;

/// Whatever takes longer is stuck.
const LIMIT: Duration = Duration::from_mins(1);

/// A registry with an image of one large layer, and a disk to copy it to.
struct Place {
    directory: TempDir,
    source: String,
    layer: Descriptor,
    faults: Faults,
    recorder: Recorder,
    /// The registry ends with it.
    _runtime: Runtime,
}

/// Where on the disk an image goes to.
#[derive(Clone, Copy)]
enum To {
    Layout,
    LocalStore,
}

impl Place {
    fn new() -> Self {
        let mut options = ServerOptions::default();
        let (faults, recorder) = (Faults::default(), Recorder::new());
        options.faults = Some(faults.clone());
        options.recorder = Some(recorder.clone());
        let runtime = Runtime::new().unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, MemoryRegistry::new(), options);
        let server = runtime.block_on(server).unwrap();
        let source = format!("{}/org/large:v1", server.local_addr());
        runtime.spawn(server.serve(std::future::pending()));
        let layer = runtime.block_on(push_image(&source));
        Self {
            directory: TempDir::new().unwrap(),
            source,
            layer,
            faults,
            recorder,
            _runtime: runtime,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes the program that copies the image.
    fn copy(&self, to: To) -> Command {
        let target = match to {
            To::Layout => format!("oci:{}:v1", self.path("layout").display()),
            To::LocalStore => "org/copy:v1".to_owned(),
        };
        let mut command = eigenpack(&self.path("store"));
        command.args(["copy", &self.source, &target]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn root(&self, to: To) -> PathBuf {
        match to {
            To::Layout => self.path("layout"),
            To::LocalStore => self.path("store"),
        }
    }

    fn scratch(&self, to: To) -> PathBuf {
        let name = match to {
            To::Layout => ".eigenpack",
            To::LocalStore => "tmp",
        };
        self.root(to).join(name)
    }

    /// Returns what is in the directory of temporary files, with the sizes, but for the lock.
    fn left(&self, to: To) -> Vec<(PathBuf, usize)> {
        let mut files = files_in(&self.scratch(to));
        files.retain(|file| !file.ends_with("lock"));
        let sizes = files.into_iter().map(|file| {
            // It may be gone by now.
            let size = file.metadata().map_or(0, |found| found.len());
            (file, usize::try_from(size).unwrap())
        });
        sizes.collect()
    }

    fn has_left(&self, to: To, size: usize) -> bool {
        let is_enough = |(_, left): &(PathBuf, usize)| *left >= size;
        self.scratch(to).is_dir() && self.left(to).iter().any(is_enough)
    }

    /// Lets a fault happen to the first request for the layer.
    fn fail_first(&self, fault: impl Into<Fault>) -> FaultPlan {
        FaultPlan::new().rule(self.requests().nth(1), fault)
    }

    fn requests(&self) -> Requests {
        Requests::to(Endpoint::Blob).reference(self.layer.digest.clone().into())
    }

    /// Begins a copy of which a part arrives and no more.
    fn begin(&self, to: To) -> Child {
        let moment = Moment::BodyBytes(CUT as u64);
        self.faults.replace(self.fail_first(Fault::stall(moment)));
        let child = self.copy(to).spawn().unwrap();
        // All but what is still collected to be written.
        wait_for(|| self.has_left(to, CUT - MIB));
        wait_for(|| {
            let before = self.left(to);
            std::thread::sleep(Duration::from_millis(100));
            self.left(to) == before
        });
        child
    }

    /// Copies once more, and expects that it asks for what comes after so many bytes and for nothing else of the layer.
    fn assert_goes_on(&self, to: To, from: usize) {
        self.faults.replace(FaultPlan::new());
        self.recorder.clear();
        let output = self.copy(to).arg("-v").output().unwrap();
        let log = said(&output);
        assert!(output.status.success(), "{log}");
        assert!(log.contains(&format!("goes on from byte {from}")), "{log}");
        let path = format!("/blobs/{}", self.layer.digest);
        let mut asked = self.recorder.exchanges();
        asked.retain(|one| one.path.ends_with(&path));
        let [asked] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(asked.status, Some(206));
        assert_eq!(asked.header("range"), Some(&*format!("bytes={from}-")));
        assert_eq!(asked.bytes_out, (SIZE - from) as u64);
        self.assert_whole(to);
    }

    fn assert_whole(&self, to: To) {
        let root = self.root(to);
        assert!(assert_every_blob_verifies(&root) >= 3);
        assert_eq!(self.left(to), []);
    }
}

async fn push_image(to: &str) -> Descriptor {
    let reference: Reference = to.parse().unwrap();
    let store = Client::builder().build().open(&reference.location).await;
    let store = store.unwrap();
    let layer: Vec<u8> = (0..=SIZE / 8)
        .flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
        .take(SIZE)
        .collect();
    let manifest = manifest(&[b"{}", &layer], "large");
    let mut pushed = None;
    for blob in [Bytes::from_static(b"{}"), layer.into()] {
        let descriptor = Descriptor::of(MediaType::EMPTY, &blob);
        let content = Content::Bytes(blob);
        store.push_blob(descriptor.clone(), content).await.unwrap();
        pushed = Some(descriptor);
    }
    let tags = reference.selector.tag.into_iter().collect();
    store
        .push_manifest(manifest, tags, Precondition::Any)
        .await
        .unwrap();
    pushed.unwrap()
}

fn wait_for(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LIMIT, "the copy is stuck");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_copy_goes_on_where_one_was_killed() {
    let place = Place::new();
    for to in [To::Layout, To::LocalStore] {
        let mut child = place.begin(to);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = place.left(to);
        let [(partial, size)] = left.as_slice() else {
            panic!("{left:?}");
        };
        let name = format!("partial-sha256-{}", place.layer.digest.encoded());
        assert!(partial.ends_with(name), "{left:?}");
        assert!(*size >= CUT - MIB && *size <= CUT, "{left:?}");
        place.assert_goes_on(to, *size);
    }
}

#[test]
fn a_copy_goes_on_where_one_gave_up() {
    let place = Place::new();
    for to in [To::Layout, To::LocalStore] {
        let out_of_order = Fault::answer(503).header("Retry-After", "0");
        let plan = place.fail_first(Fault::Cut(CUT as u64));
        let plan = plan.rule(place.requests().after(1), out_of_order);
        place.faults.replace(plan);
        let output = place.copy(to).output().unwrap();
        let error = said(&output);
        assert_eq!(output.status.code(), Some(6), "{error}");
        assert!(
            error.contains("the same command goes on from there"),
            "{error}"
        );
        // Everything that had arrived was written.
        place.assert_goes_on(to, CUT);
    }
}

#[test]
fn a_copy_that_is_interrupted_leaves_nothing() {
    let place = Place::new();
    for to in [To::Layout, To::LocalStore] {
        let child = place.begin(to);
        let id = child.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status();
        assert!(told.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert_eq!(place.left(to), []);
    }
}

#[test]
fn a_partial_file_that_was_damaged_costs_time_and_nothing_else() {
    let place = Place::new();
    let mut child = place.begin(To::Layout);
    child.kill().unwrap();
    child.wait().unwrap();
    let [(partial, size)] = &place.left(To::Layout)[..] else {
        panic!("{:?}", place.left(To::Layout));
    };
    // As a power cut leaves it: of the right size, and empty inside.
    let file = std::fs::File::create(partial).unwrap();
    file.set_len(*size as u64).unwrap();
    place.faults.replace(FaultPlan::new());
    let output = place.copy(To::Layout).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    place.assert_whole(To::Layout);
}
