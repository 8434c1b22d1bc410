//! A cell of the matrix: how work with a fault in it must end, and the proof that it does.

use std::ops::Range;
use std::time::Duration;

use eigenpack_oci::{AccessError, FetchError, NetworkErrorKind, PushError, VerifyError};
use eigenpack_registry::Exchange;
use eigenpack_registry::fault::{FaultPlan, Requests};
use tokio::time::timeout;

use super::column::{Column, Group};
use super::row::{Failure, Held, Row};
use crate::embedded::Embedded;
use crate::fixture::options;

/// How work ends: with the fault on one request, and on every one.
pub(super) struct Cell(pub(super) End, pub(super) End);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Done,
    /// The status of the fault is the error.
    Status,
    /// The registry does not take what it got.
    Refused,
    /// The registry keeps something else, and the error says so.
    StoredOtherwise,
    /// The connection broke each time.
    Broken,
    /// Nothing moved for the idle timeout, and the error says so.
    Silent,
    /// What came is not what the digest promises.
    WrongDigest,
    /// What the token service answered holds no token.
    NoToken,
    /// The registry wants another token, for which there are no credentials.
    Unauthenticated,
    /// The registry wants another token than the one that the credentials give.
    Denied,
}

/// The time that the work may take by the client's options. No cell takes that long, which the test would wait for.
const DEADLINE: Duration = Duration::from_secs(30);

/// The idle timeout where something is silent: enough for whatever is not, on a busy machine, and for the registry to let
/// go of an upload whose request is silent.
const IDLE: Duration = Duration::from_millis(1500);

fn end(column: Column, result: Result<(), Failure>) -> End {
    let error = match result {
        Ok(()) => return End::Done,
        Err(Failure::Fetch(FetchError::Verify(VerifyError::WrongDigest { .. }))) => {
            return End::WrongDigest;
        }
        Err(
            Failure::Fetch(FetchError::Access(error)) | Failure::Push(PushError::Access(error)),
        ) => error,
        Err(Failure::Push(PushError::StoredOtherwise { .. })) => return End::StoredOtherwise,
        Err(other) => panic!("{other:?}"),
    };
    match &error {
        AccessError::Registry(answer) | AccessError::RateLimited(answer) => {
            let status = Some(answer.status);
            match answer.status {
                _ if status == column.status() => End::Status,
                200 => End::NoToken,
                400 => End::Refused,
                _ => panic!("{error:?}"),
            }
        }
        AccessError::Network { kind, source, .. } => match kind {
            NetworkErrorKind::Broken => End::Broken,
            NetworkErrorKind::Timeout => {
                let said = source.as_ref().unwrap().to_string();
                assert!(said.starts_with("nothing moved for "), "{said}");
                End::Silent
            }
            _ => panic!("{error:?}"),
        },
        AccessError::Unauthenticated(_) => End::Unauthenticated,
        AccessError::Denied(_) => End::Denied,
        _ => panic!("{error:?}"),
    }
}

/// Tries a cell.
pub(super) async fn check(column: Column, row: Row, cell: &Cell) {
    let one = row.requests().nth(row.sound() + 1);
    let every = row.requests().after(row.sound());
    tokio::join!(
        check_end(column, row, one, cell.0),
        check_end(column, row, every, cell.1)
    );
}

async fn check_end(column: Column, row: Row, requests: Requests, expected: End) {
    let running = Embedded::start().await;
    let mut options = row.options(options());
    options.operation_timeout = DEADLINE;
    if column.group() == Group::Silences {
        options.idle_timeout = IDLE;
        options.answer_timeout = IDLE;
    }
    let repository = running.repository_with(options);
    row.prepare(&running, &repository).await;
    let plan = column.plan(FaultPlan::new(), row, requests);
    running.faults.replace(row.rest_of_plan(plan, &running));

    let result = timeout(DEADLINE, row.run(&repository)).await;
    let exchanges = running.recorder.exchanges();
    let told = format!("{column:?} of {row:?}: {exchanges:#?}");
    let end = end(column, result.unwrap_or_else(|_| panic!("no end: {told}")));
    assert_eq!(end, expected, "{told}");

    let met =
        (exchanges.iter().filter(|one| row.is(one))).nth(usize::try_from(row.sound()).unwrap());
    column.assert_met(row, met.unwrap_or_else(|| panic!("{told}")));
    if let Some(held) = row.held(&running).await {
        let is_right = match (end, held) {
            (End::Done, held) => held == Held::All,
            (End::StoredOtherwise, held) => held == Held::Other,
            (_, Held::Nothing) => true,
            // The client does not know, but the registry has done it.
            (_, Held::All) => column.is_carried_out(),
            (_, Held::Other) => false,
        };
        assert!(is_right, "{held:?}: {told}");
    }
    assert_sent_once(column, row, &exchanges, &told);
}

/// Checks that what the registry acknowledged, or told that it has, was not sent again, and that a token was got once.
fn assert_sent_once(column: Column, row: Row, exchanges: &[Exchange], told: &str) {
    let is_success = |one: &&Exchange| one.status.is_some_and(|s| (200..300).contains(&s));
    if row.is_for_token() {
        let tokens = exchanges
            .iter()
            .filter(|one| row.is(one))
            .filter(is_success);
        let whole = tokens.filter(|one| one.bytes_out > 200);
        assert!(whole.count() <= 1, "{told}");
        // The registry is asked without a token and with one, however often the service is asked for it.
        let asked = exchanges.iter().filter(|one| !row.is(one));
        assert!(asked.count() <= 2, "{told}");
        return;
    }
    let is_known = |one: &Exchange| {
        is_success(&one) || row == Row::Patch && column.is_carried_out() && row.is(one)
    };
    let sent: Vec<_> = (exchanges.iter())
        .filter_map(|one| Some((one, range(one)?)))
        .collect();
    for (at, (one, range)) in sent.iter().enumerate() {
        if is_known(one) {
            let again = sent[at + 1..]
                .iter()
                .find(|(_, later)| later.start < range.end && range.start < later.end);
            assert!(again.is_none(), "{again:?}: {told}");
        }
    }
}

/// Returns which bytes of the content a request announced.
fn range(one: &Exchange) -> Option<Range<u64>> {
    let length: u64 = one.header("content-length")?.parse().unwrap();
    let start = match one.header("content-range") {
        Some(range) => range.split_once('-').unwrap().0.parse().unwrap(),
        None => 0,
    };
    (length > 0).then_some(start..start + length)
}
