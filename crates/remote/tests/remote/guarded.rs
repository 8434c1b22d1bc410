//! The embedded registry behind a guard that demands tokens or a password, and a token service that gives them out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use eigenpack_oci::distribution::{Authorization, Credential, Scope, ScopeSet};
use eigenpack_oci::{Secret, TagOrDigest};
use eigenpack_registry::{MemoryRegistry, Server, ServerOptions};
use eigenpack_remote::credentials::GivenCredentials;
use eigenpack_remote::{RemoteRegistry, RemoteRepository};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Reply, Seen, Stage};

/// What is demanded, and what is given.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// The header that the registry itself demands; no tokens then.
    pub(crate) basic: Option<String>,
    /// The headers that the token service demands, one of them; without any, everybody gets a token.
    pub(crate) accounts: Vec<String>,
    /// The identity token that the token service demands.
    pub(crate) identity: Option<String>,
    /// What the service answers an identity token with, and demands from then on.
    pub(crate) next_identity: Option<String>,
    /// Which method the service does not know, and what it answers then.
    pub(crate) unknown: Option<(&'static str, u16, &'static str)>,
    /// What may be given at most; everything where there is nothing here.
    pub(crate) allowed: Option<ScopeSet>,
    /// Refuses to give anything where not all that was asked for may be given.
    pub(crate) all_or_nothing: bool,
    /// The seconds that a token is said to be good.
    pub(crate) lifetime: Option<u64>,
    /// After how many requests a token is refused.
    pub(crate) uses: Option<usize>,
    /// What a request of this method needs besides.
    pub(crate) besides: Option<(&'static str, ScopeSet)>,
    /// Cuts the next blob in half.
    pub(crate) cut_blob: bool,
}

struct Issued {
    scopes: ScopeSet,
    used: usize,
    to: Option<String>,
}

pub(crate) struct Guard {
    pub(crate) rules: Mutex<Rules>,
    tokens: Mutex<HashMap<String, Issued>>,
}

pub(crate) struct Guarded {
    pub(crate) stage: Stage,
    pub(crate) guard: Arc<Guard>,
}

pub(crate) fn password(name: &str, password: &str) -> Credential {
    Credential::Basic {
        username: name.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    let header = Authorization::basic(name, &Secret::new(password.to_owned()));
    header.header_value().to_owned()
}

pub(crate) fn which() -> TagOrDigest {
    TagOrDigest::Tag("v1".parse().unwrap())
}

pub(crate) fn alice() -> Credential {
    password("alice", "pw")
}

/// Rules under which Alice gets tokens.
pub(crate) fn for_alice() -> Rules {
    Rules {
        accounts: vec![basic("alice", "pw")],
        ..Rules::default()
    }
}

impl Guarded {
    pub(crate) async fn start(rules: Rules) -> Self {
        let bound = Server::bind(
            ([127, 0, 0, 1], 0).into(),
            MemoryRegistry::new(),
            ServerOptions::default(),
        );
        let server = bound.await.unwrap();
        let registry = server.local_addr();
        tokio::spawn(server.serve(std::future::pending()));
        let guard = Arc::new(Guard {
            rules: Mutex::new(rules),
            tokens: Mutex::default(),
        });
        let of_play = Arc::clone(&guard);
        let stage = Stage::start(Arc::new(move |seen| {
            let guard = Arc::clone(&of_play);
            Box::pin(async move {
                if let Some(reply) = guard.answer(&seen) {
                    return reply;
                }
                let answer = forward(registry, &seen).await;
                guard.cut(&seen, answer)
            })
        }));
        Self {
            stage: stage.await,
            guard,
        }
    }

    /// Returns a client with a credential.
    pub(crate) fn client(&self, credential: Credential) -> RemoteRegistry {
        let provider = GivenCredentials::new(credential);
        self.stage.registry(Some(Arc::new(provider)))
    }

    pub(crate) fn repository(&self, credential: Credential) -> RemoteRepository {
        self.client(credential).repository("a/b".parse().unwrap())
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.guard.rules.lock().unwrap());
    }

    /// Returns what the token service was asked for, in order.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let requests = self.stage.requests();
        let tokens = requests.iter().filter(|seen| seen.path() == "/token");
        tokens.map(|seen| asked_for(seen).to_string()).collect()
    }

    /// Returns for each request that was let through with a token whose token it was.
    pub(crate) fn users(&self) -> Vec<(String, String)> {
        let tokens = self.guard.tokens.lock().unwrap();
        let requests = self.stage.requests();
        let users = requests.iter().filter_map(|seen| {
            let token = seen.header("authorization")?.strip_prefix("Bearer ")?;
            let to = tokens.get(token)?.to.clone()?;
            Some((seen.path().to_owned(), to))
        });
        users.collect()
    }
}

fn pairs(seen: &Seen) -> Vec<(String, String)> {
    let query = seen.target.split_once('?').map_or("", |(_, query)| query);
    let text = format!("{query}&{}", seen.body_text());
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn asked_for(seen: &Seen) -> ScopeSet {
    let mut scopes = ScopeSet::default();
    for (name, value) in pairs(seen) {
        if name == "scope" {
            scopes.merge(&ScopeSet::parse(&value));
        }
    }
    scopes
}

/// What a request to the registry needs.
fn needed(seen: &Seen) -> ScopeSet {
    let path = seen.path().strip_prefix("/v2/").unwrap_or_default();
    let kinds = ["/manifests/", "/blobs/", "/tags/", "/referrers/"];
    let name = kinds.iter().find_map(|kind| Some(path.split_once(kind)?.0));
    let Some(name) = name else {
        return ScopeSet::default();
    };
    let actions = match seen.method.as_str() {
        "GET" | "HEAD" => "pull",
        "DELETE" => "delete",
        _ => "pull,push",
    };
    Scope::parse(&format!("repository:{name}:{actions}")).into()
}

impl Guard {
    /// Answers what does not get through to the registry.
    fn answer(&self, seen: &Seen) -> Option<Reply> {
        let mut rules = self.rules.lock().unwrap();
        if seen.path() == "/token" {
            return Some(self.give(seen, &mut rules));
        }
        let sent = seen.header("authorization");
        if let Some(basic) = &rules.basic {
            let refused = Reply::challenge("Basic realm=\"the registry\"");
            return (sent != Some(basic)).then_some(refused);
        }
        let mut needed = needed(seen);
        if let Some((method, besides)) = &rules.besides
            && *method == seen.method
        {
            needed.merge(besides);
        }
        let mut tokens = self.tokens.lock().unwrap();
        let token = sent.and_then(|sent| tokens.get_mut(sent.strip_prefix("Bearer ")?));
        let error = match token {
            None => "",
            Some(token) if rules.uses.is_some_and(|uses| token.used >= uses) => {
                r#",error="invalid_token""#
            }
            Some(token) if !token.scopes.covers(&needed) => r#",error="insufficient_scope""#,
            Some(token) => {
                token.used += 1;
                return None;
            }
        };
        let realm = format!("http://{}/token", seen.host);
        Some(Reply::challenge(format!(
            r#"Bearer realm="{realm}",service="test",scope="{needed}"{error}"#
        )))
    }

    /// Gives a token out, or not.
    fn give(&self, seen: &Seen, rules: &mut Rules) -> Reply {
        if let Some((method, status, body)) = rules.unknown
            && method == seen.method
        {
            return Reply::new(status).body(body);
        }
        let pairs = pairs(seen);
        let field = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.clone())
        };
        let header = seen.header("authorization").map(str::to_owned);
        let by_form = field("username").map(|name| basic(&name, &field("password").unwrap()));
        let who = header.or(by_form);
        let known = match &rules.identity {
            Some(identity) => {
                let as_password = basic("<token>", identity);
                field("refresh_token").as_ref() == Some(identity) || who == Some(as_password)
            }
            None => {
                rules.accounts.is_empty()
                    || who.as_ref().is_some_and(|who| rules.accounts.contains(who))
            }
        };
        if !known {
            let error = r#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}"#;
            return Reply::new(401).body(error);
        }
        let asked = asked_for(seen);
        let scopes = match &rules.allowed {
            Some(allowed) if !allowed.covers(&asked) && rules.all_or_nothing => {
                return Reply::new(403);
            }
            Some(allowed) if !allowed.covers(&asked) => allowed.clone(),
            _ => asked,
        };
        let mut tokens = self.tokens.lock().unwrap();
        let token = format!("t0ken-{}", tokens.len());
        let issued = Issued {
            scopes,
            used: 0,
            to: who,
        };
        tokens.insert(token.clone(), issued);
        let mut answer = serde_json::json!({ "token": token });
        if let Some(lifetime) = rules.lifetime {
            answer["expires_in"] = lifetime.into();
        }
        if let Some(next) = rules.next_identity.take() {
            answer["refresh_token"] = next.clone().into();
            rules.identity = Some(next);
        }
        Reply::new(200).body(answer.to_string())
    }

    /// Cuts an answer, where that is to be done; the token that it was got with is used up then.
    fn cut(&self, seen: &Seen, mut answer: Vec<u8>) -> Reply {
        let mut rules = self.rules.lock().unwrap();
        if rules.cut_blob && seen.method == "GET" && seen.path().contains("/blobs/sha") {
            rules.cut_blob = false;
            answer.truncate(answer.len() / 2);
            self.tokens.lock().unwrap().clear();
        }
        Reply::Raw(answer)
    }
}

/// Hands a request on to the registry, on a connection of its own.
async fn forward(registry: std::net::SocketAddr, seen: &Seen) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nconnection: close\r\n",
        seen.method, seen.target
    );
    for line in seen.head.lines().skip(1).filter(|line| !line.is_empty()) {
        if !line.to_ascii_lowercase().starts_with("authorization:") {
            head.push_str(line);
            head.push_str("\r\n");
        }
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(registry).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&seen.body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}
