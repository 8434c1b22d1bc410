//! A front of our own registry that offers HTTP/2 over TLS, and fails as it is told.
//!
//! The registry itself speaks HTTP/1.1.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, Demand};
use crate::embedded::{Embedded, name};

/// Runs as long as the test's runtime.
pub(crate) struct Front {
    host: String,
    authority: Authority,
    state: Arc<State>,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// The stream is reset in place of an answer, and nothing is carried out.
    Reset,
    /// The stream is reset after so many bytes of the answer's body.
    ResetAfter(usize),
    /// The connection ends after so many bytes of the answer's body.
    EndAfter(usize),
    /// The connection takes no more requests, though this one is answered (RFC 9113, section 6.8).
    GoAway,
}

struct State {
    registry: String,
    client: reqwest::Client,
    versions: Mutex<Vec<Version>>,
    connections: AtomicUsize,
    trouble: Mutex<Option<(Method, Trouble)>>,
    /// Says that connections are to take no more requests, or to end.
    leave: Notify,
    end: Notify,
}

/// The stream is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the front resets the stream")]
struct Broken;

type Body = UnsyncBoxBody<Bytes, Broken>;

impl Front {
    pub(crate) async fn start(registry: &Embedded) -> Self {
        let authority = Authority::new();
        let mut config = authority.config(Demand::Nothing);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let state = Arc::new(State {
            registry: registry.host.clone(),
            client: client.build().unwrap(),
            versions: Mutex::default(),
            connections: AtomicUsize::new(0),
            trouble: Mutex::default(),
            leave: Notify::new(),
            end: Notify::new(),
        });
        let of_task = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&of_task)));
            }
        });
        Self {
            host,
            authority,
            state,
        }
    }

    /// Returns options under which the front is trusted.
    pub(crate) fn options(&self) -> RemoteOptions {
        self.authority.options()
    }

    pub(crate) fn repository(&self, options: RemoteOptions) -> RemoteRepository {
        let registry = RemoteRegistry::new(self.host.parse().unwrap(), options).unwrap();
        registry.repository(name())
    }

    /// Says what goes wrong with the next request of a method.
    pub(crate) fn next(&self, method: Method, trouble: Trouble) {
        *self.state.trouble.lock().unwrap() = Some((method, trouble));
    }

    /// Tells whether what was to go wrong did.
    pub(crate) fn is_calm(&self) -> bool {
        self.state.trouble.lock().unwrap().is_none()
    }

    /// Returns the version of each request.
    pub(crate) fn versions(&self) -> Vec<Version> {
        self.state.versions.lock().unwrap().clone()
    }

    /// Returns how many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    stream.set_nodelay(true).unwrap();
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    state.connections.fetch_add(1, Ordering::Relaxed);
    let of_service = Arc::clone(&state);
    let service = service_fn(move |request| forward(Arc::clone(&of_service), request));
    let connection = http2::Builder::new(TokioExecutor::new());
    let mut connection = pin!(connection.serve_connection(TokioIo::new(stream), service));
    let mut leave = pin!(state.leave.notified());
    let mut end = pin!(state.end.notified());
    let mut is_leaving = false;
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = &mut end => return,
            () = &mut leave, if !is_leaving => {
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Hands a request on to the registry, and its answer back.
async fn forward(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    state.versions.lock().unwrap().push(request.version());
    let trouble = {
        let mut next = state.trouble.lock().unwrap();
        let is_due = next
            .as_ref()
            .is_some_and(|(method, _)| method == request.method());
        next.take_if(|_| is_due).map(|(_, trouble)| trouble)
    };
    if matches!(trouble, Some(Trouble::Reset)) {
        return Err(Broken);
    }
    let (head, content) = request.into_parts();
    let target = head.uri.path_and_query().unwrap();
    let url = format!("http://{}{target}", state.registry);
    let mut onward = state.client.request(head.method, url).headers(head.headers);
    if !hyper::body::Body::is_end_stream(&content) {
        onward = onward.body(reqwest::Body::wrap_stream(content.into_data_stream()));
    }
    let answer = onward.send().await.map_err(|_| Broken)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.map_err(|_| Broken)?;
    let body = match trouble {
        Some(Trouble::ResetAfter(at)) => broken(&body, at, None),
        Some(Trouble::EndAfter(at)) => broken(&body, at, Some(Arc::clone(&state))),
        _ => stream::iter([Ok(Frame::data(body))]).boxed(),
    };
    if matches!(trouble, Some(Trouble::GoAway)) {
        state.leave.notify_waiters();
    }
    let mut response = Response::new(StreamBody::new(body).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Breaks a body off, and ends all connections where the state is given.
fn broken(
    body: &Bytes,
    at: usize,
    ending: Option<Arc<State>>,
) -> BoxStream<'static, Result<Frame<Bytes>, Broken>> {
    let start = stream::iter([Ok(Frame::data(body.slice(..at)))]);
    let end = stream::once(async move {
        // What has not left by then is thrown away with the stream.
        tokio::time::sleep(Duration::from_millis(50)).await;
        if let Some(state) = ending {
            state.end.notify_waiters();
        }
        Err(Broken)
    });
    start.chain(end).boxed()
}
