//! What stands between a connection and the registry where faults are injected or requests recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use eigenpack_oci::distribution::{ErrorCode, ErrorResponse};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RANGE,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};

use super::armed::{Effect, Faults};
use super::body::{Counted, Shape, Stop, corrupted, stand_still};
use super::link::Link;
use super::plan::{Answer as Planned, Fault, Feature, Moment};
use super::requests::Seen;
use crate::options::{Served, ServerOptions};
use crate::recorder::{Entry, Recorder};
use crate::request::Request;
use crate::respond::{self, Answer, CONTENT_DIGEST, header, whole};
use crate::router::Registry;
use crate::store::RegistryStore;

/// What all connections of a server share.
pub(crate) struct Watch {
    faults: Option<Faults>,
    recorder: Option<Recorder>,
    connections: AtomicUsize,
}

/// What stands between one connection and the registry.
pub(crate) struct Tap {
    watch: Arc<Watch>,
    pub(crate) link: Arc<Link>,
    connection: usize,
}

/// The connection is to be broken, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the fault plan breaks the connection")]
pub(crate) struct Broken;

/// What goes with a request into the registry, to count its body and to break it off.
#[derive(Clone)]
pub(crate) struct RequestTap {
    entry: Option<Arc<Entry>>,
    stop: Option<(u64, Stop)>,
    corrupt: Vec<u64>,
    read: u64,
    is_broken: Arc<AtomicBool>,
}

impl Watch {
    /// Returns what the options ask for, if anything.
    pub(crate) fn new(options: &ServerOptions) -> Option<Arc<Self>> {
        let is_wanted = options.faults.is_some() || options.recorder.is_some();
        is_wanted.then(|| {
            Arc::new(Self {
                faults: options.faults.clone(),
                recorder: options.recorder.clone(),
                connections: AtomicUsize::new(0),
            })
        })
    }

    /// Goes with a new connection.
    pub(crate) fn connection(self: &Arc<Self>) -> Tap {
        if let Some(recorder) = &self.recorder {
            recorder.accepts();
        }
        Tap {
            watch: self.clone(),
            link: Arc::default(),
            connection: self.connections.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl RequestTap {
    /// Counts bytes of the body, and returns those that came before it broke, and whether it did.
    pub(crate) async fn pass(&mut self, mut bytes: Bytes) -> (Bytes, bool) {
        if let Some(entry) = &self.entry {
            entry.received(bytes.len());
        }
        let left = self.stop.map(|(at, stop)| (at - self.read, stop));
        if let Some((left, stop)) = left
            && bytes.len() as u64 >= left
        {
            if let Stop::Stall(time) = stop {
                stand_still(time).await;
                self.stop = None;
            } else {
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.is_broken.store(true, Ordering::Relaxed);
            }
        }
        let bytes = corrupted(bytes, self.read, &self.corrupt);
        self.read += bytes.len() as u64;
        (bytes, self.is_broken.load(Ordering::Relaxed))
    }
}

/// What is done to a request and to its answer.
#[derive(Default)]
struct Course {
    request: Option<(u64, Stop)>,
    corrupt_request: Vec<u64>,
    /// The answer of the plan, where the registry is not to be asked.
    answer: Option<Answer>,
    before_head: Vec<Stop>,
    head: Vec<Arc<Fault>>,
    body: Shape,
}

impl Tap {
    /// Answers a request as the registry does, but for the faults that are due.
    pub(crate) async fn answer<S: RegistryStore>(
        &self,
        registry: &Registry<S>,
        mut request: hyper::Request<Incoming>,
    ) -> Result<Answer, Broken> {
        let seen = Seen::new(&request);
        let recorder = self.watch.recorder.as_ref();
        let entry =
            recorder.map(|recorder| recorder.came(self.connection, seen.endpoint, &request));
        let faults = self.watch.faults.as_ref();
        let due = faults.map(|faults| faults.due(&seen)).unwrap_or_default();
        let mut course = self.course(due, &mut request).await?;
        let is_broken = Arc::<AtomicBool>::default();
        request.extensions_mut().insert(RequestTap {
            entry: entry.clone(),
            stop: course.request,
            corrupt: std::mem::take(&mut course.corrupt_request),
            read: 0,
            is_broken: is_broken.clone(),
        });
        let is_head = request.method() == Method::HEAD;
        let answer = match course.answer.take() {
            Some(answer) => planned(registry, request, answer).await,
            None => registry.answer(request).await,
        };
        if is_broken.load(Ordering::Relaxed) {
            self.link.reset();
            return Err(Broken);
        }
        let answer = self.changed(answer, course, is_head).await?;
        let (Some(recorder), Some(entry)) = (recorder, entry) else {
            return Ok(answer);
        };
        recorder.answered(&entry, answer.status().as_u16());
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(
            head,
            Counted { body, entry }.boxed_unsync(),
        ))
    }

    /// Does what is due before the registry sees the request, and says what is due afterwards.
    async fn course(
        &self,
        due: Vec<Effect>,
        request: &mut hyper::Request<Incoming>,
    ) -> Result<Course, Broken> {
        let mut course = Course::default();
        for effect in due {
            let fault = match effect {
                Effect::Gather(barrier) => {
                    barrier.wait().await;
                    continue;
                }
                Effect::Fault(fault) => fault,
            };
            tracing::debug!(?fault, "a fault is due");
            match &*fault {
                Fault::Answer(planned) => course.answer = Some(planned.answer()),
                Fault::Unauthorized(challenge) => {
                    let status = StatusCode::UNAUTHORIZED;
                    let mut answer = error(status, ErrorCode::Unauthorized, "by the fault plan");
                    header(&mut answer, WWW_AUTHENTICATE, challenge);
                    course.answer = Some(answer);
                }
                Fault::Redirect { to, status } => {
                    let asked = request.uri().path_and_query();
                    let asked = asked.map_or("/", |asked| asked.as_str());
                    let mut answer = respond::empty(status_code(*status));
                    header(&mut answer, LOCATION, &to.replace("{path}", asked));
                    course.answer = Some(answer);
                }
                Fault::Reset(moment) => self.stop(&mut course, *moment, Stop::Reset).await?,
                Fault::Stall { at, time } => {
                    self.stop(&mut course, *at, Stop::Stall(*time)).await?;
                }
                Fault::Cut(after) => course.body.stops.push((*after, Stop::Cut)),
                Fault::Corrupt(at) => course.body.corrupt.push(*at),
                Fault::CorruptRequest(at) => course.corrupt_request.push(*at),
                Fault::Drip { bytes, pause } => course.body.drip = Some((bytes.get(), *pause)),
                Fault::Ignore(feature) => ignore(*feature, request),
                Fault::Length(_) => {
                    course.body.is_misannounced = true;
                    course.head.push(fault);
                }
                Fault::Status(_) | Fault::Digest(_) | Fault::Headers { .. } => {
                    course.head.push(fault);
                }
                // It is an effect of its own.
                Fault::Gather(_) => {}
            }
            if course.answer.is_some() {
                break;
            }
        }
        Ok(course)
    }

    async fn stop(&self, course: &mut Course, moment: Moment, stop: Stop) -> Result<(), Broken> {
        match moment {
            Moment::AtOnce => self.happens(stop).await?,
            Moment::RequestBytes(at) => course.request = Some((at, stop)),
            Moment::BeforeHead => course.before_head.push(stop),
            Moment::BodyBytes(at) => course.body.stops.push((at, stop)),
        }
        Ok(())
    }

    async fn happens(&self, stop: Stop) -> Result<(), Broken> {
        match stop {
            Stop::Stall(time) => stand_still(time).await,
            Stop::Cut => return Err(Broken),
            Stop::Reset => {
                self.link.reset();
                return Err(Broken);
            }
        }
        Ok(())
    }

    /// Does to an answer of the registry what is due.
    async fn changed(
        &self,
        mut answer: Answer,
        course: Course,
        is_head: bool,
    ) -> Result<Answer, Broken> {
        for stop in course.before_head {
            self.happens(stop).await?;
        }
        if !is_head && !course.body.is_sound() {
            if let Some(length) = answer.body().size_hint().exact() {
                replace(&mut answer, CONTENT_LENGTH, &length.to_string());
            }
            let (head, body) = answer.into_parts();
            let body = course.body.applied(body, self.link.clone());
            answer = Response::from_parts(head, body);
        }
        for fault in course.head {
            match &*fault {
                Fault::Status(status) => *answer.status_mut() = status_code(*status),
                Fault::Length(length) => replace(&mut answer, CONTENT_LENGTH, &length.to_string()),
                Fault::Digest(digest) => replace(&mut answer, CONTENT_DIGEST, digest.as_str()),
                Fault::Headers { set, omit } => {
                    for name in omit {
                        answer.headers_mut().remove(name.as_str());
                    }
                    for (name, value) in set.iter() {
                        answer.headers_mut().insert(name, value);
                    }
                }
                _ => {}
            }
        }
        Ok(answer)
    }
}

/// Gives the answer of a plan, which takes the registry's place.
async fn planned<S: RegistryStore>(
    registry: &Registry<S>,
    request: hyper::Request<Incoming>,
    answer: Answer,
) -> Answer {
    let started = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().to_string());
    // A client that is still sending would not see the answer.
    Request::new(request, registry.options.idle_timeout)
        .drain()
        .await;
    if let Some(observer) = &registry.options.observer {
        observer(&Served {
            method: method.to_string(),
            target: uri,
            status: answer.status().as_u16(),
            elapsed: started.elapsed(),
        });
    }
    if method == Method::HEAD {
        respond::without_content(answer)
    } else {
        answer
    }
}

/// Takes out of a request what the registry is not to know.
fn ignore(feature: Feature, request: &mut hyper::Request<Incoming>) {
    let asks = |request: &hyper::Request<Incoming>, name: &str| {
        let query = request.uri().query().unwrap_or_default();
        let is_start = request.method() == Method::POST;
        is_start && query.split('&').any(|pair| pair.starts_with(name))
    };
    let forget_query = |request: &mut hyper::Request<Incoming>| {
        if let Ok(path) = request.uri().path().parse() {
            *request.uri_mut() = path;
        }
    };
    match feature {
        Feature::SinglePost if asks(request, "digest=") => forget_query(request),
        Feature::Mount if asks(request, "mount=") => forget_query(request),
        Feature::SinglePost | Feature::Mount => {}
        Feature::Range => drop(request.headers_mut().remove(RANGE)),
        Feature::Precondition => {
            request.headers_mut().remove(IF_MATCH);
            request.headers_mut().remove(IF_NONE_MATCH);
        }
    }
}

fn replace(answer: &mut Answer, name: HeaderName, value: &str) {
    answer.headers_mut().remove(&name);
    header(answer, name, value);
}

/// A status of the plan; the file holds only good ones.
fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn error(status: StatusCode, code: ErrorCode, message: &str) -> Answer {
    let body = ErrorResponse::new(code, message).to_json();
    let mut answer = Response::new(whole(body.into()));
    *answer.status_mut() = status;
    header(&mut answer, CONTENT_TYPE, "application/json");
    answer
}

impl Planned {
    fn answer(&self) -> Answer {
        let status = status_code(self.status);
        let mut answer = if self.body.is_empty() && self.status >= 400 {
            error(
                status,
                ErrorCode::Other("UNKNOWN".into()),
                "by the fault plan",
            )
        } else {
            let mut answer = Response::new(whole(self.body.clone().into()));
            *answer.status_mut() = status;
            answer
        };
        let named: Vec<_> = self.headers.iter().collect();
        for (name, _) in &named {
            answer.headers_mut().remove(name);
        }
        for (name, value) in named {
            answer.headers_mut().append(name, value);
        }
        answer
    }
}
