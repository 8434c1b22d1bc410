//! The credentials of Docker and Podman: what a user already has.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryHost, Repository};
use tokio::sync::OnceCell;

use super::error::CredentialError;
use super::explanation::{Answered, CredentialKind, Explanation, Seen, Step};
use super::file::{Choice, CredentialFile, FileProblem, Format, entry_key};
use super::helper::{Configured, HelperName, Helpers};
use super::place::{Place, Places};
use super::read::read;
use super::source::CredentialSource;
use super::{CredentialProvider, Finding, Found};

/// The credentials that Docker and Podman have, found by their rules.
///
/// Places are searched in the order of [`Places`], and nothing is looked at before credentials are asked for. Files are read
/// once, and a helper is asked once for each registry, until a credential is refused: helpers give out some that end. What a
/// helper did not answer is asked again by whoever comes later.
///
/// A place that cannot be read is passed over as long as another one has credentials for the registry. An entry or a helper
/// for the registry that does not work is an error, and never the same as having none.
pub struct DockerCredentials {
    pub(super) places: Places,
    pub(super) helpers: Helpers,
    cache: Mutex<Arc<Cache>>,
}

/// What has been read and asked already.
#[derive(Default)]
struct Cache {
    files: OnceCell<Vec<(Place, Content)>>,
    answers: Mutex<HashMap<Question, Arc<OnceCell<Answer>>>>,
}

/// A helper, and the name of the registry it is asked about.
type Question = (HelperName, String);

type Content = Result<Option<CredentialFile>, FileProblem>;
type Answer = Result<Option<Credential>, CredentialError>;

impl DockerCredentials {
    /// How long a credential helper may take unless said otherwise.
    pub const DEFAULT_HELPER_TIMEOUT: Duration = Duration::from_secs(10);

    /// Looks in these places.
    pub fn new(places: Places) -> Self {
        Self {
            helpers: Helpers {
                folders: places.helper_folders.clone(),
                limit: Self::DEFAULT_HELPER_TIMEOUT,
                on_wait: None,
            },
            places,
            cache: Mutex::default(),
        }
    }

    /// Sets how long a credential helper may take: more, where it may ask somebody for a PIN.
    #[must_use]
    pub fn helper_timeout(mut self, limit: Duration) -> Self {
        self.helpers.limit = limit;
        self
    }

    /// Has `tell` called with the name of a credential helper that has not answered after a second.
    #[must_use]
    pub fn on_helper_wait(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.helpers.on_wait = Some(Arc::new(tell));
        self
    }

    /// Looks for credentials and says how: each place, what was seen there, and what decided.
    ///
    /// A credential helper is asked as it would be for a request.
    pub async fn explain(
        &self,
        host: &RegistryHost,
        repository: Option<&Repository>,
    ) -> Explanation {
        let cache = self.cache();
        let mut steps = Vec::new();
        let mut outcome = None;
        for (place, content) in cache.files(&self.places).await {
            let (seen, decision) = match (&outcome, content) {
                (Some(_), _) => (Seen::NotReached, None),
                (None, Ok(None)) => (Seen::Absent, None),
                (None, Err(problem)) => (Seen::Unusable(problem.clone()), None),
                (None, Ok(Some(file))) => {
                    self.look(&cache, place, file.choose(host, repository), host)
                        .await
                }
            };
            tracing::debug!(%place, ?seen, "looked for credentials");
            steps.push(Step {
                place: place.clone(),
                seen,
                decisive: decision.is_some(),
            });
            outcome = outcome.or(decision);
        }
        Explanation {
            outcome: outcome.unwrap_or_else(|| without_credentials(&mut steps)),
            steps,
        }
    }

    /// Looks at what a place has for a registry, and decides if it can.
    async fn look(
        &self,
        cache: &Cache,
        place: &Place,
        choice: Choice,
        host: &RegistryHost,
    ) -> (Seen, Option<Result<Found, CredentialError>>) {
        match choice {
            Choice::Nothing => (Seen::NoEntry, None),
            Choice::Empty { key } => (Seen::EmptyEntry { key }, None),
            Choice::Broken { key, problem } => {
                let error = CredentialError::Entry {
                    place: place.clone(),
                    key: key.clone(),
                    problem: problem.clone(),
                };
                (Seen::BrokenEntry { key, problem }, Some(Err(error)))
            }
            Choice::Credential { key, credential } => {
                let Some(kind) = CredentialKind::of(&credential) else {
                    return (Seen::EmptyEntry { key }, None);
                };
                let source = entry_source(place, key.clone());
                let found = Found { credential, source };
                (Seen::Entry { key, kind }, Some(Ok(found)))
            }
            Choice::Helper {
                name,
                chosen_by,
                unused,
            } => {
                let config = place.path().unwrap_or(Path::new(""));
                let answer = self
                    .ask(cache, &name, config, server(place.format(), host))
                    .await;
                let (answer, decision) = match answer {
                    Err(error) => (Answered::Failed(error.clone()), Some(Err(error))),
                    Ok(credential) => match credential.as_ref().and_then(CredentialKind::of) {
                        Some(kind) => {
                            let source = CredentialSource::Helper {
                                name: name.to_string(),
                                config: config.to_owned(),
                            };
                            let found = credential.map(|credential| Found { credential, source });
                            (Answered::Found(kind), found.map(Ok))
                        }
                        None => (Answered::NotFound, None),
                    },
                };
                let seen = Seen::Helper {
                    name,
                    chosen_by,
                    answer,
                    unused,
                };
                (seen, decision)
            }
        }
    }

    /// Asks a helper, or remembers what it answered. An error is for those who waited for it together.
    async fn ask(&self, cache: &Cache, name: &HelperName, config: &Path, server: &str) -> Answer {
        let question = (name.clone(), server.to_owned());
        let slot = {
            let mut answers = locked(&cache.answers);
            Arc::clone(answers.entry(question.clone()).or_default())
        };
        let helper = Configured { name, config };
        let answer = slot.get_or_init(|| self.helpers.get(helper, server));
        let answer = answer.await.clone();
        if answer.is_err() {
            let mut answers = locked(&cache.answers);
            if answers
                .get(&question)
                .is_some_and(|kept| Arc::ptr_eq(kept, &slot))
            {
                answers.remove(&question);
            }
        }
        answer
    }

    fn cache(&self) -> Arc<Cache> {
        Arc::clone(&locked(&self.cache))
    }

    /// Forgets what has been read and asked: it has been changed.
    pub(super) fn forget(&self) {
        *locked(&self.cache) = Arc::default();
    }
}

impl CredentialProvider for DockerCredentials {
    fn find(&self, registry: &RegistryHost, repository: Option<&Repository>) -> Finding<'_> {
        let (registry, repository) = (registry.clone(), repository.cloned());
        Box::pin(async move { self.explain(&registry, repository.as_ref()).await.outcome })
    }

    /// Forgets the helpers' answers that are this credential, and all files.
    fn refused(&self, _: &RegistryHost, credential: &Credential) {
        let mut cache = locked(&self.cache);
        let rest = cache.answers_but(credential);
        *cache = Arc::new(rest);
    }
}

impl Cache {
    /// Makes one that remembers the helpers' answers, those to come too, but not those that are a credential.
    fn answers_but(&self, refused: &Credential) -> Self {
        let mut answers = locked(&self.answers).clone();
        answers.retain(|_, slot| match slot.get() {
            Some(Ok(Some(credential))) => credential != refused,
            _ => true,
        });
        Self {
            files: OnceCell::new(),
            answers: Mutex::new(answers),
        }
    }

    /// Returns the places with what they hold, read once.
    async fn files(&self, places: &Places) -> &[(Place, Content)] {
        self.files
            .get_or_init(|| async {
                let work = places.clone();
                tokio::task::spawn_blocking(move || read_all(&work))
                    .await
                    .unwrap_or_else(|_| unread(places))
            })
            .await
    }
}

fn read_all(places: &Places) -> Vec<(Place, Content)> {
    let content = |place: &Place| {
        let bytes = match (place.path(), &places.docker_auth_config) {
            (Some(path), _) => read(path)?,
            (None, value) => value
                .as_ref()
                .map(|value| value.expose().clone().into_bytes()),
        };
        let parse = |bytes: Vec<u8>| CredentialFile::parse(place.format(), &bytes);
        bytes.map(parse).transpose()
    };
    let places = places.in_order().into_iter();
    places
        .map(|place| {
            let content = content(&place);
            (place, content)
        })
        .collect()
}

/// What is known when the runtime ends before anything was read.
fn unread(places: &Places) -> Vec<(Place, Content)> {
    let reason = "the program is shutting down";
    let places = places.in_order().into_iter();
    places
        .map(|place| (place, Err(FileProblem::Unreadable(reason.to_owned()))))
        .collect()
}

/// Decides where no place did: there are none, unless they could be in a place that cannot be read.
fn without_credentials(steps: &mut [Step]) -> Result<Found, CredentialError> {
    for step in steps {
        if let Seen::Unusable(problem) = &step.seen {
            step.decisive = true;
            return Err(CredentialError::Unusable {
                place: step.place.clone(),
                problem: problem.clone(),
            });
        }
    }
    Ok(Found::nothing())
}

fn entry_source(place: &Place, key: String) -> CredentialSource {
    match place {
        Place::Environment => CredentialSource::Environment { key },
        Place::DockerConfig(path) => CredentialSource::DockerConfig {
            path: path.clone(),
            key,
        },
        Place::AuthFile(path) => CredentialSource::AuthFile {
            path: path.clone(),
            key,
        },
    }
}

/// Returns the name under which a helper knows a registry: Docker and Podman differ for Docker Hub.
///
/// A host holds no control character, so it cannot pass for the lines of another one.
fn server(format: Format, host: &RegistryHost) -> &str {
    match format {
        Format::AuthFile if host.is_docker_hub() => "docker.io",
        _ => entry_key(host),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for DockerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerCredentials")
            .field("places", &self.places)
            .field("helpers", &self.helpers)
            .finish_non_exhaustive()
    }
}
