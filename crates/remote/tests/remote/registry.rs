//! A registry in memory with switches for what registries do differently, and a script of faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::{Endpoint, UploadStart};
use eigenpack_oci::{Digest, TagOrDigest};
use tokio::sync::Barrier;

use crate::server::{Handler, Recorded, Reply, Server};

/// How a registry behaves; the default is the most capable one.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Behaviour {
    pub(crate) single_post: SinglePost,
    pub(crate) mount: Mount,
    pub(crate) absolute_locations: bool,
    pub(crate) ranges: bool,
    pub(crate) conditions: bool,
    /// Where the content of blobs is, if not here.
    pub(crate) blobs_at: Option<String>,
    /// The header and the token without which nothing is answered.
    pub(crate) bearer: bool,
    pub(crate) page_size: usize,
    /// How many POSTs, and then PUTs, of uploads must have come before any is answered.
    pub(crate) gather: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SinglePost {
    Taken,
    Accepted,
    Refused(u16),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mount {
    Answered,
    AlwaysAccepted,
    Refused(u16),
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            single_post: SinglePost::Taken,
            mount: Mount::Answered,
            absolute_locations: false,
            ranges: true,
            conditions: false,
            blobs_at: None,
            bearer: false,
            page_size: 100,
            gather: 1,
        }
    }
}

/// One entry of the script: the reply to the next request that matches.
struct Scripted {
    method: &'static str,
    part_of_path: String,
    reply: Reply,
}

#[derive(Default)]
pub(crate) struct Content {
    pub(crate) blobs: HashMap<String, Vec<u8>>,
    /// By tag and by digest: media type and bytes.
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    sessions: usize,
}

pub(crate) struct Registry {
    behaviour: Behaviour,
    pub(crate) content: Mutex<Content>,
    script: Mutex<Vec<Scripted>>,
    posts: Barrier,
    puts: Barrier,
}

pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) registry: Arc<Registry>,
}

impl Running {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let registry = Arc::new(Registry {
            posts: Barrier::new(behaviour.gather),
            puts: Barrier::new(behaviour.gather),
            behaviour,
            content: Mutex::default(),
            script: Mutex::default(),
        });
        let server = Server::start(Arc::clone(&registry)).await;
        Self { server, registry }
    }

    /// Says what the next request of this method, to a path with this in it, is answered.
    pub(crate) fn script(&self, method: &'static str, part_of_path: &str, reply: Reply) {
        self.registry.script.lock().unwrap().push(Scripted {
            method,
            part_of_path: part_of_path.to_owned(),
            reply,
        });
    }

    pub(crate) fn add_blob(&self, content: &[u8]) {
        let digest = Digest::sha256(content).to_string();
        self.registry
            .content
            .lock()
            .unwrap()
            .blobs
            .insert(digest, content.to_vec());
    }

    pub(crate) fn add_manifest(&self, name: &str, media_type: &str, content: &[u8]) {
        let entry = (media_type.to_owned(), content.to_vec());
        self.registry
            .content
            .lock()
            .unwrap()
            .manifests
            .insert(name.to_owned(), entry);
    }

    pub(crate) fn has_blob(&self, content: &[u8]) -> bool {
        let digest = Digest::sha256(content).to_string();
        let content_of_registry = self.registry.content.lock().unwrap();
        content_of_registry
            .blobs
            .get(&digest)
            .is_some_and(|blob| blob == content)
    }
}

impl Handler for Registry {
    async fn handle(&self, request: Recorded) -> Reply {
        if request.path.contains("/blobs/uploads/") {
            let barrier = if request.method == "POST" {
                &self.posts
            } else {
                &self.puts
            };
            barrier.wait().await;
        }
        if let Some(reply) = self.scripted(&request) {
            return reply;
        }
        if request.path == "/token" {
            return Reply::new(200).body(r#"{"token":"t0k3n"}"#);
        }
        if self.behaviour.bearer && request.header("authorization") != Some("Bearer t0k3n") {
            let realm = format!("http://{}/token", request.header("host").unwrap());
            let challenge =
                format!(r#"Bearer realm="{realm}",service="test",scope="repository:a/b:pull""#);
            return Reply::new(401).header("www-authenticate", challenge);
        }
        let endpoint = Endpoint::parse(&request.path, request.query.as_deref()).unwrap();
        match endpoint {
            Endpoint::Manifest { which, .. } => self.manifest(&request, &which),
            Endpoint::Blob { digest, .. } => self.blob(&request, &digest),
            Endpoint::StartUpload { start, .. } => self.start_upload(&request, &start),
            Endpoint::UploadSession { digest, .. } => self.close_upload(&request, digest),
            Endpoint::Tags { page, .. } => self.tags(page.last.as_deref()),
            _ => Reply::new(404).body("404 page not found"),
        }
    }
}

impl Registry {
    fn scripted(&self, request: &Recorded) -> Option<Reply> {
        let mut script = self.script.lock().unwrap();
        let at = script.iter().position(|entry| {
            entry.method == request.method && request.path.contains(&entry.part_of_path)
        })?;
        Some(script.remove(at).reply)
    }

    fn manifest(&self, request: &Recorded, which: &TagOrDigest) -> Reply {
        let mut content = self.content.lock().unwrap();
        let found = content.manifests.get(which.as_str()).cloned();
        let digest_of = |bytes: &[u8]| Digest::sha256(bytes).to_string();
        match (request.method.as_str(), found) {
            ("PUT", found) => {
                let current = found.map(|(_, bytes)| digest_of(&bytes));
                let wrong = match (request.header("if-none-match"), request.header("if-match")) {
                    (Some(_), _) => current.is_some(),
                    (_, Some(tag)) => current.is_none_or(|current| tag != format!("\"{current}\"")),
                    _ => false,
                };
                if wrong && self.behaviour.conditions {
                    return Reply::new(412);
                }
                let media_type = request.header("content-type").unwrap().to_owned();
                let digest = digest_of(&request.body);
                let entry = (media_type, request.body.clone());
                content.manifests.insert(which.to_string(), entry.clone());
                content.manifests.insert(digest.clone(), entry);
                Reply::new(201)
                    .header("location", "/somewhere")
                    .header("docker-content-digest", digest)
            }
            ("GET", Some((media_type, bytes))) => {
                let accept = request.header("accept").unwrap_or_default();
                assert!(
                    accept.contains(&media_type),
                    "{media_type} is not in {accept}"
                );
                Reply::new(200)
                    .header("content-type", media_type)
                    .header("docker-content-digest", digest_of(&bytes))
                    .body(bytes)
            }
            ("DELETE", Some(_)) => {
                content.manifests.remove(which.as_str());
                Reply::new(202)
            }
            _ => Reply::new(404)
                .body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#),
        }
    }

    fn blob(&self, request: &Recorded, digest: &Digest) -> Reply {
        let content = self.content.lock().unwrap();
        let Some(blob) = content.blobs.get(digest.as_str()) else {
            return Reply::new(404).body(r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#);
        };
        if let Some(elsewhere) = &self.behaviour.blobs_at {
            let location = format!("{elsewhere}{}?signature=s3cr3t", request.path);
            return Reply::new(307).header("location", location);
        }
        let start = request
            .header("range")
            .filter(|_| self.behaviour.ranges)
            .and_then(|range| {
                range
                    .strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse::<usize>()
                    .ok()
            });
        match start {
            Some(start) => Reply::new(206)
                .header(
                    "content-range",
                    format!("bytes {start}-{}/{}", blob.len() - 1, blob.len()),
                )
                .body(&blob[start..]),
            None => Reply::new(200).body(blob.clone()),
        }
    }

    fn start_upload(&self, request: &Recorded, start: &UploadStart) -> Reply {
        assert_eq!(request.method, "POST");
        match start {
            UploadStart::Single { digest } => match self.behaviour.single_post {
                SinglePost::Taken => return self.store(digest, &request.body),
                SinglePost::Refused(status) => return Reply::new(status),
                SinglePost::Accepted => {}
            },
            UploadStart::Mount { digest, .. } => match self.behaviour.mount {
                Mount::Refused(status) => return Reply::new(status),
                Mount::Answered
                    if self
                        .content
                        .lock()
                        .unwrap()
                        .blobs
                        .contains_key(digest.as_str()) =>
                {
                    return Reply::new(201).header("location", "/somewhere");
                }
                Mount::Answered | Mount::AlwaysAccepted => {}
            },
            UploadStart::Session { .. } => {
                assert_eq!(request.header("content-length"), Some("0"));
            }
        }
        let mut content = self.content.lock().unwrap();
        content.sessions += 1;
        let path = format!("{}s{}?_state=a%2Fb", request.path, content.sessions);
        let location = if self.behaviour.absolute_locations {
            format!("http://{}{path}", request.header("host").unwrap())
        } else {
            path
        };
        Reply::new(202).header("location", location)
    }

    fn close_upload(&self, request: &Recorded, digest: Option<Digest>) -> Reply {
        assert_eq!(request.method, "PUT");
        assert!(
            request
                .query
                .as_ref()
                .unwrap()
                .starts_with("_state=a%2Fb&digest=")
        );
        self.store(&digest.unwrap(), &request.body)
    }

    fn store(&self, digest: &Digest, body: &[u8]) -> Reply {
        if Digest::sha256(body) != *digest {
            return Reply::new(400).body(r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
        }
        let mut content = self.content.lock().unwrap();
        content.blobs.insert(digest.to_string(), body.to_vec());
        Reply::new(201).header("docker-content-digest", digest.as_str())
    }

    fn tags(&self, last: Option<&str>) -> Reply {
        let content = self.content.lock().unwrap();
        let tags: Vec<_> = content
            .manifests
            .keys()
            .filter(|name| !name.contains(':') && last.is_none_or(|last| name.as_str() > last))
            .collect();
        let page = &tags[..tags.len().min(self.behaviour.page_size)];
        let body = serde_json::json!({ "name": "a/b", "tags": page }).to_string();
        let reply = Reply::new(200).body(body);
        match page.last() {
            Some(last) if page.len() < tags.len() => reply.header(
                "link",
                format!("</v2/a/b/tags/list?last={last}>; rel=\"next\""),
            ),
            _ => reply,
        }
    }
}
