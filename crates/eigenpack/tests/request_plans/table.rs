//! The table: each use case with each demand of a registry, and both of its ways to take blobs.
//!
//! An artifact has two blobs. A token adds to what an open registry is asked the requests that were refused, the request for
//! the token, and two waits; a password adds the refused requests and one wait.

use eigenpack::{PublishError, PushError, TagStatus};
use eigenpack_registry::fault::{Endpoint, Requests};

use crate::place::{BLOB, CLOSE, Demand, GET, PUT, Place, SINGLE, TOKEN, Uploads, spec, spec_with};

/// A use case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    PushNew,
    PushLarge,
    PushOverwrite,
    PushUnchanged,
    PushConflict,
    PullByTag,
    PullByDigest,
}

/// What is asked, by the times that the client has waited before.
type Trips<'a> = &'a [&'a [&'a str]];

/// A row: what a registry is asked that demands nothing.
struct Row {
    work: Work,
    /// Where blobs are taken in a single POST.
    single: Trips<'static>,
    /// Where they take a POST and a PUT.
    session: Trips<'static>,
    /// How many connections there are: as many as there are requests side by side.
    connections: usize,
}

/// Asks whether a large blob is there, and starts its upload if not.
const MOUNT: &str = "POST upload-start ?mount&from";

const ROWS: [Row; 7] = [
    Row {
        work: Work::PushNew,
        single: &[&[GET], &[SINGLE, SINGLE], &[PUT]],
        session: &[&[GET], &[SINGLE, SINGLE], &[CLOSE, CLOSE], &[PUT]],
        connections: 2,
    },
    Row {
        work: Work::PushLarge,
        single: &[&[GET], &[SINGLE, MOUNT], &[CLOSE], &[PUT]],
        session: &[&[GET], &[SINGLE, MOUNT], &[CLOSE, CLOSE], &[PUT]],
        connections: 2,
    },
    // The tag is read beside the first requests of the uploads.
    Row {
        work: Work::PushOverwrite,
        single: &[&[GET, SINGLE, SINGLE], &[PUT]],
        session: &[&[GET, SINGLE, SINGLE], &[CLOSE, CLOSE], &[PUT]],
        connections: 3,
    },
    Row {
        work: Work::PushUnchanged,
        single: &[&[GET]],
        session: &[&[GET]],
        connections: 1,
    },
    Row {
        work: Work::PushConflict,
        single: &[&[GET]],
        session: &[&[GET]],
        connections: 1,
    },
    Row {
        work: Work::PullByTag,
        single: &[&[GET], &[BLOB, BLOB]],
        session: &[&[GET], &[BLOB, BLOB]],
        connections: 2,
    },
    Row {
        work: Work::PullByDigest,
        single: &[&[GET], &[BLOB, BLOB]],
        session: &[&[GET], &[BLOB, BLOB]],
        connections: 2,
    },
];

/// A spec that is over the size that goes with a POST.
fn large_spec() -> Vec<u8> {
    spec_with(&"x".repeat(100_000))
}

impl Work {
    /// Makes the registry what it is before the work.
    async fn prepare(self, place: &mut Place) {
        if !matches!(self, Self::PushNew | Self::PushLarge) {
            place.push(spec(), false).await.unwrap();
        }
        if self == Self::PullByDigest {
            let manifest = place.client.manifest(&place.reference).await.unwrap();
            place.reference = place.reference.pinned(manifest.digest().clone());
        }
    }

    /// Returns which requests are side by side, and how many.
    fn gathered(self, uploads: Uploads) -> Vec<(Requests, usize)> {
        let to = Requests::to;
        match self {
            Self::PushNew => vec![
                (to(Endpoint::UploadStart), 2),
                (to(Endpoint::UploadClose), 2),
            ],
            Self::PushLarge => {
                let closes = if uploads == Uploads::Session { 2 } else { 1 };
                vec![
                    (to(Endpoint::UploadStart), 2),
                    (to(Endpoint::UploadClose), closes),
                ]
            }
            Self::PushOverwrite => {
                // A request for a token is to no repository.
                let first = |authorized| {
                    let requests = Requests::all().repository("org/my-avs".parse().unwrap());
                    requests.authorized(authorized).first(3)
                };
                vec![
                    (first(false), 3),
                    (first(true), 3),
                    (to(Endpoint::UploadClose), 2),
                ]
            }
            Self::PushUnchanged | Self::PushConflict => vec![],
            Self::PullByTag | Self::PullByDigest => vec![(to(Endpoint::Blob), 2)],
        }
    }

    async fn run(self, place: &Place) {
        match self {
            Self::PushNew => {
                let pushed = place.push(spec(), false).await.unwrap();
                assert_eq!(pushed, TagStatus::Created);
            }
            Self::PushLarge => {
                let pushed = place.push(large_spec(), false).await.unwrap();
                assert_eq!(pushed, TagStatus::Created);
            }
            Self::PushOverwrite => {
                let pushed = place.push(spec_with("other"), true).await.unwrap();
                assert!(matches!(pushed, TagStatus::Overwritten { .. }));
            }
            Self::PushUnchanged => {
                let pushed = place.push(spec(), false).await.unwrap();
                assert_eq!(pushed, TagStatus::Unchanged);
            }
            Self::PushConflict => {
                let error = place.push(spec_with("other"), false).await.unwrap_err();
                let conflict = matches!(error, PushError::Publish(PublishError::Conflict { .. }));
                assert!(conflict, "{error:?}");
            }
            Self::PullByTag | Self::PullByDigest => {
                let pulled = place.client.pull(&place.reference).await.unwrap();
                assert_eq!(pulled.spec(), &spec());
            }
        }
    }
}

impl Row {
    /// Returns what is asked where this is demanded.
    fn with(&self, demand: Demand, uploads: Uploads) -> Vec<Vec<&str>> {
        let open = match uploads {
            Uploads::Single => self.single,
            Uploads::Session => self.session,
        };
        let mut trips: Vec<Vec<_>> = open.iter().map(|trip| trip.to_vec()).collect();
        let refused = trips[0].clone();
        match demand {
            Demand::Nothing => {}
            Demand::Password => trips.insert(0, refused),
            Demand::AnyToken | Demand::Token => {
                trips.insert(0, vec![TOKEN]);
                trips.insert(0, refused);
            }
        }
        trips
    }

    async fn check(&self, demand: Demand, uploads: Uploads) {
        let case = format!("{:?}, {demand:?}, {uploads:?}", self.work);
        let mut place = Place::start().await;
        self.work.prepare(&mut place).await;
        let gathered = self.work.gathered(uploads);
        place.becomes(demand, uploads, &gathered);
        self.work.run(&place).await;
        assert_eq!(place.trips(), self.with(demand, uploads), "{case}");
        assert_eq!(place.recorder.connections(), self.connections, "{case}");
        assert_eq!(place.recorder.accepted(), self.connections, "{case}");
        for exchange in place.recorder.exchanges() {
            let expected = match exchange.status {
                Some(401) => None,
                _ if exchange.endpoint == Endpoint::Other => demand.token_header(),
                _ => demand.header(),
            };
            assert_eq!(exchange.header("authorization"), expected, "{case}");
        }
        let actions = match self.work {
            Work::PullByTag | Work::PullByDigest => "pull",
            _ => "pull,push",
        };
        for scopes in place.scopes() {
            assert_eq!(scopes, format!("repository:org/my-avs:{actions}"), "{case}");
        }
    }
}

#[tokio::test]
async fn every_use_case_takes_the_requests_that_it_must() {
    for row in ROWS {
        for demand in Demand::ALL {
            for uploads in [Uploads::Single, Uploads::Session] {
                row.check(demand, uploads).await;
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_has_learned_it_uses_again() {
    const START: &str = "POST upload-start";
    for demand in Demand::ALL {
        let mut place = Place::start().await;
        let gathered = Work::PushNew.gathered(Uploads::Session);
        place.becomes(demand, Uploads::Session, &gathered);
        place.push(spec(), false).await.unwrap();

        // Nothing is refused any more, and no content goes with a POST.
        place.recorder.clear();
        place.reference = place.reference("org/my-avs:v2");
        place.push(spec_with("other"), false).await.unwrap();
        let expected: [&[&str]; 4] = [&[GET], &[START, START], &[CLOSE, CLOSE], &[PUT]];
        assert_eq!(place.trips(), expected, "{demand:?}");

        // Whoever got a token to write needs none to read.
        place.recorder.clear();
        place.client.pull(&place.reference).await.unwrap();
        let mut asked = place.recorder.summaries();
        asked.sort();
        assert_eq!(asked, [BLOB, BLOB, GET], "{demand:?}");
    }
}
