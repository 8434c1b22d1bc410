//! A registry that records what it is asked, and a client that has not spoken to it yet.

use std::path::Path;
use std::sync::Arc;

use eigenpack::credentials::GivenCredentials;
use eigenpack::oci::Secret;
use eigenpack::oci::distribution::Credential;
use eigenpack::{Client, PushError, PushOptions, Reference, TagStatus};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Faults, Feature, Method, Requests};
use eigenpack_registry::{Exchange, MemoryRegistry, Recorder, Server, ServerOptions};

pub(crate) const GET: &str = "GET manifest";
pub(crate) const PUT: &str = "PUT manifest";
pub(crate) const BLOB: &str = "GET blob";
pub(crate) const SINGLE: &str = "POST upload-start ?digest";
pub(crate) const CLOSE: &str = "PUT upload-close ?digest";
pub(crate) const TOKEN: &str = "GET other ?service&scope";

/// What a registry demands of those who use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    Nothing,
    /// Alice's password.
    Password,
    /// A token, which everybody gets.
    AnyToken,
    /// A token, which Alice gets for her password.
    Token,
}

/// How a registry takes blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// In a single POST.
    Single,
    /// In a POST and a PUT.
    Session,
}

pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) reference: Reference,
    pub(crate) recorder: Recorder,
    faults: Faults,
}

impl Demand {
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::Password, Self::AnyToken, Self::Token];

    /// Returns a client that has what is demanded.
    pub(crate) fn client(self) -> Client {
        match self {
            Self::Nothing | Self::AnyToken => Client::builder().build(),
            Self::Password | Self::Token => {
                let alice = Credential::Basic {
                    username: "alice".to_owned(),
                    password: Secret::new("pw".to_owned()),
                };
                let alice = Arc::new(GivenCredentials::new(alice));
                Client::builder().credentials(alice).build()
            }
        }
    }

    /// Returns the header of the requests that the registry answers.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Password => Some(ALICE),
            Self::AnyToken | Self::Token => Some("Bearer t"),
        }
    }

    /// Returns the header of the requests that the token service answers.
    pub(crate) fn token_header(self) -> Option<&'static str> {
        (self == Self::Token).then_some(ALICE)
    }

    /// Makes the registry demand it; the token service is at the same address.
    fn add_to(self, plan: FaultPlan, host: &str) -> FaultPlan {
        let (plan, challenge) = match self {
            Self::Nothing => return plan,
            Self::Password => (plan, "Basic realm=\"test\"".to_owned()),
            Self::AnyToken | Self::Token => {
                let asked = Requests::to(Endpoint::Other).method(Method::Get);
                let token = Fault::answer(200).body(r#"{"token":"t"}"#);
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
                (plan.rule(asked, token), challenge)
            }
        };
        plan.rule(
            Requests::all().authorized(false),
            Fault::Unauthorized(challenge),
        )
    }
}

/// `alice:pw`.
const ALICE: &str = "Basic YWxpY2U6cHc=";

impl Place {
    pub(crate) async fn start() -> Self {
        let mut options = ServerOptions::default();
        let (faults, recorder) = (Faults::default(), Recorder::new());
        options.faults = Some(faults.clone());
        options.recorder = Some(recorder.clone());
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, MemoryRegistry::new(), options);
        let server = server.await.unwrap();
        let reference = format!("{}/org/my-avs:v1", server.local_addr());
        tokio::spawn(server.serve(std::future::pending()));
        Self {
            client: Client::builder().build(),
            reference: reference.parse().unwrap(),
            faults,
            recorder,
        }
    }

    pub(crate) fn host(&self) -> String {
        let text = self.reference.to_string();
        text.split('/').next().unwrap().to_owned()
    }

    /// Returns a reference to something else in the same registry.
    pub(crate) fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.host()).parse().unwrap()
    }

    /// Forgets what was asked and learned so far: what follows is the first that a new process does.
    pub(crate) fn afresh(&mut self) {
        self.becomes(Demand::Nothing, Uploads::Single, &[]);
    }

    /// Does the same, and makes the registry one that demands this, and that answers none of these requests before so many
    /// of them have come: what the client does side by side then certainly is.
    pub(crate) fn becomes(
        &mut self,
        demand: Demand,
        uploads: Uploads,
        gathered: &[(Requests, usize)],
    ) {
        let mut plan = FaultPlan::new();
        for (requests, count) in gathered {
            let gather = Fault::Gather((*count).try_into().unwrap());
            plan = plan.rule(requests.clone(), gather);
        }
        if uploads == Uploads::Session {
            let ignored = Fault::Ignore(Feature::SinglePost);
            plan = plan.rule(Requests::to(Endpoint::UploadStart), ignored);
        }
        self.meets(demand, plan);
    }

    /// Does the same with a plan that says everything but what is demanded.
    pub(crate) fn meets(&mut self, demand: Demand, plan: FaultPlan) {
        self.client = demand.client();
        self.faults.replace(demand.add_to(plan, &self.host()));
        self.recorder.clear();
    }

    pub(crate) async fn push(
        &self,
        spec: Vec<u8>,
        overwrite: bool,
    ) -> Result<TagStatus, PushError> {
        let options = PushOptions {
            overwrite,
            ..PushOptions::default()
        };
        let pushed = self.client.push(spec, &self.reference, options).await;
        pushed.map(|published| published.status)
    }

    /// Returns what was asked, by the times that the client had waited before.
    pub(crate) fn trips(&self) -> Vec<Vec<String>> {
        let mut trips = vec![Vec::new(); self.recorder.trips()];
        for exchange in self.recorder.exchanges() {
            trips[exchange.trip - 1].push(exchange.summary());
        }
        for trip in &mut trips {
            trip.sort();
        }
        trips
    }

    /// Returns the scopes that tokens were asked for.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let exchanges = self.recorder.exchanges();
        let tokens = exchanges
            .iter()
            .filter(|one| one.summary().starts_with(TOKEN));
        let query = |one: &Exchange| one.query.clone().unwrap_or_default();
        let scopes = tokens.map(query).map(|query| {
            let pairs = query.split('&');
            let scopes = pairs.filter_map(|pair| pair.strip_prefix("scope="));
            scopes.map(decoded).collect::<Vec<_>>().join(" ")
        });
        scopes.collect()
    }
}

fn decoded(text: &str) -> String {
    text.replace("%3A", ":")
        .replace("%2F", "/")
        .replace("%2C", ",")
}

pub(crate) fn spec() -> Vec<u8> {
    let path = "../eigenruntime/fixtures/specs/valid/hourglass-aggregator.yaml";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The same spec with one more line.
pub(crate) fn spec_with(line: &str) -> Vec<u8> {
    [spec(), format!("\n# {line}\n").into_bytes()].concat()
}
