use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::jwt::TokenKey;
use super::{IDENTITY, PASSWORD, USER};
use crate::request_head::{Body, RequestHead};

/// Who may ask for tokens, and who gives them out.
pub(crate) const SERVICE: &str = "registry of the tests";
pub(crate) const ISSUER: &str = "token server of the tests";

/// For how long past its end Debian's registry takes a token, in seconds.
const LEEWAY: u64 = 60;

/// What tokens are like.
#[derive(Clone, Copy)]
pub(crate) struct TokenRules {
    /// For how many seconds the registry takes a token.
    pub(crate) lifetime: u64,
    /// What the client is told of that.
    pub(crate) announced: u64,
    /// Gives leave to pull, whatever was asked for.
    pub(crate) pull_only: bool,
    /// Repeats what it was sent when it refuses it.
    pub(crate) tactless: bool,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            lifetime: 300,
            announced: 300,
            pull_only: false,
            tactless: false,
        }
    }
}

/// Gives out signed tokens as Docker's token servers do: by GET with a password, by POST with an identity token or a password.
///
/// Its threads end with their connections, the listener with the test process.
pub(crate) struct TokenServer {
    pub(crate) realm: String,
    requests: Arc<Mutex<Vec<TokenRequest>>>,
    issued: Arc<Mutex<Vec<String>>>,
}

/// A request for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    pub(crate) method: String,
    /// As what it was made; `None` where that was wrong.
    pub(crate) by: Option<By>,
    /// What was asked for, sorted.
    pub(crate) scopes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Password,
    IdentityToken,
    Nobody,
}

struct Giver {
    key: TokenKey,
    rules: TokenRules,
    requests: Arc<Mutex<Vec<TokenRequest>>>,
    issued: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    pub(crate) fn start(key: TokenKey, rules: TokenRules, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (requests, issued) = (Arc::default(), Arc::default());
        let giver = Arc::new(Giver {
            key,
            rules,
            requests: Arc::clone(&requests),
            issued: Arc::clone(&issued),
        });
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (giver, tls) = (Arc::clone(&giver), tls.clone());
                thread::spawn(move || match tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        giver.serve(StreamOwned::new(connection, client))
                    }
                    None => giver.serve(client),
                });
            }
        });
        Self {
            realm: format!("{scheme}://{address}/token"),
            requests,
            issued,
        }
    }

    /// Returns the requests since the last call, in order of arrival.
    pub(crate) fn take_requests(&self) -> Vec<TokenRequest> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Returns every token that was ever issued.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.issued.lock().unwrap().clone()
    }
}

impl Giver {
    /// Answers one request; one that breaks is the client's business, which finds out.
    fn serve(&self, stream: impl Read + Write) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let head = RequestHead::read(&mut stream).ok()??;
        let Body::Sized(length) = head.body() else {
            return None;
        };
        let mut form = String::new();
        stream
            .by_ref()
            .take(length)
            .read_to_string(&mut form)
            .ok()?;
        let (status, body) = self.answer(&head, &form);
        let body = body.to_string();
        write!(
            stream.get_mut(),
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len(),
        )
        .ok()?;
        stream.get_mut().flush().ok()
    }

    fn answer(&self, head: &RequestHead, form: &str) -> (u16, Value) {
        let request = head.request();
        let (method, target) = request.split_once(' ').unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let pairs = if method == "POST" { form } else { query };
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(pairs.as_bytes())
            .into_owned()
            .collect();
        let fields: HashMap<&str, &str> = pairs.iter().map(|(k, v)| (&**k, &**v)).collect();
        let by = match method {
            "POST" => by_form(&fields),
            _ => by_header(head.header("authorization")),
        };
        let mut scopes: Vec<_> = pairs
            .iter()
            .filter(|(name, _)| name == "scope")
            .flat_map(|(_, value)| value.split(' ').map(str::to_owned))
            .collect();
        scopes.sort();
        self.requests.lock().unwrap().push(TokenRequest {
            method: method.to_owned(),
            by,
            scopes: scopes.clone(),
        });
        if !matches!(by, Some(By::Password | By::IdentityToken)) {
            let message = if self.rules.tactless {
                format!(
                    "not with {}{form}",
                    head.header("authorization").unwrap_or_default()
                )
            } else {
                "who are you?".to_owned()
            };
            let error = json!({ "code": "UNAUTHORIZED", "message": message });
            return (401, json!({ "errors": [error] }));
        }
        let token = self.key.sign(&self.claims(&scopes));
        self.issued.lock().unwrap().push(token.clone());
        let answer =
            json!({ "token": token, "access_token": token, "expires_in": self.rules.announced });
        (200, answer)
    }

    fn claims(&self, scopes: &[String]) -> Value {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let access: Vec<_> = scopes
            .iter()
            .map(|scope| {
                let (kind, rest) = scope.split_once(':').unwrap();
                let (name, actions) = rest.rsplit_once(':').unwrap();
                let actions = actions.split(',');
                let actions: Vec<_> = actions
                    .filter(|action| !self.rules.pull_only || *action == "pull")
                    .collect();
                json!({ "type": kind, "name": name, "actions": actions })
            })
            .collect();
        json!({
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "exp": now + self.rules.lifetime - LEEWAY,
            "nbf": now - 2 * LEEWAY,
            "iat": now - 2 * LEEWAY,
            "jti": self.issued.lock().unwrap().len().to_string(),
            "access": access,
        })
    }
}

fn by_header(authorization: Option<&str>) -> Option<By> {
    let Some(header) = authorization else {
        return Some(By::Nobody);
    };
    let encoded = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    (header == format!("Basic {encoded}")).then_some(By::Password)
}

/// Reads an OAuth2 request (RFC 6749, sections 4.3 and 6).
fn by_form(fields: &HashMap<&str, &str>) -> Option<By> {
    let field = |name: &str| fields.get(name).copied();
    if field("service") != Some(SERVICE) || field("client_id").is_none_or(str::is_empty) {
        return None;
    }
    match field("grant_type")? {
        "refresh_token" => (field("refresh_token")? == IDENTITY).then_some(By::IdentityToken),
        "password" => {
            (field("username")? == USER && field("password")? == PASSWORD).then_some(By::Password)
        }
        _ => None,
    }
}
