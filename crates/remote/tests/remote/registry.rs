//! A small registry with what our own has not: tokens, blobs that are elsewhere, odd locations, short pages; and a script
//! of answers, down to the bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::{Endpoint, UploadStart};
use eigenpack_oci::{Digest, TagOrDigest};

use crate::server::{Handler, Recorded, Reply, Server};

/// How a registry behaves.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// It takes no blob in a single POST.
    pub(crate) sessions_only: bool,
    pub(crate) absolute_locations: bool,
    /// Where the content of blobs is, if not here.
    pub(crate) blobs_at: Option<String>,
    /// The header and the token without which nothing is answered.
    pub(crate) bearer: bool,
    /// How many tags a page has; all of them, where none is said.
    pub(crate) page_size: Option<usize>,
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
}

pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) registry: Arc<Registry>,
}

impl Running {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let registry = Arc::new(Registry {
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
            ("PUT", _) => {
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
        Reply::new(200).body(blob.clone())
    }

    fn start_upload(&self, request: &Recorded, start: &UploadStart) -> Reply {
        assert_eq!(request.method, "POST");
        if let UploadStart::Single { digest } = start
            && !self.behaviour.sessions_only
        {
            return self.store(digest, &request.body);
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
        let size = self.behaviour.page_size.unwrap_or(tags.len());
        let page = &tags[..tags.len().min(size)];
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
