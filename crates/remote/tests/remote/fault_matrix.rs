//! Every fault on every request: it ends in success or in the documented error, and nothing acknowledged is sent again.
//!
//! Each cell of the table is tried twice: with the fault on one request, and on every one. Each time the fault must have
//! been met, the end is the one in the table and comes before the deadline, and the registry holds all or nothing.

mod cell;
mod column;
mod row;

use futures_util::StreamExt as _;

use self::cell::{Cell, End, check};
use self::column::{Column, Group};
use self::row::ROWS;

use Column::*;

/// It is tried again; if the status stays, it is the error.
const S: Option<Cell> = Some(Cell(End::Done, End::Status));
/// It is tried again; if the connection breaks each time, that is the error.
const B: Option<Cell> = Some(Cell(End::Done, End::Broken));
/// It is gone on with once; a second silence is the error.
const G: Option<Cell> = Some(Cell(End::Done, End::Silent));
/// Whoever was silent is not asked the same again.
const T: Option<Cell> = Some(Cell(End::Silent, End::Silent));
/// It does no harm, or there is another way.
const D: Option<Cell> = Some(Cell(End::Done, End::Done));
/// What comes is not what its digest promises.
const W: Option<Cell> = Some(Cell(End::WrongDigest, End::WrongDigest));
/// The registry says that what it was sent is not what was announced.
const R: Option<Cell> = Some(Cell(End::Refused, End::Refused));
/// The registry says that it keeps something else.
const O: Option<Cell> = Some(Cell(End::StoredOtherwise, End::StoredOtherwise));
/// What comes holds no token.
const N: Option<Cell> = Some(Cell(End::NoToken, End::NoToken));
/// The token that comes is none of the registry's; the error says whether there were credentials for it.
const U: Option<Cell> = Some(Cell(End::Unauthenticated, End::Unauthenticated));
const P: Option<Cell> = Some(Cell(End::Denied, End::Denied));
/// Nothing goes that way that would mean anything.
const __: Option<Cell> = None;

#[rustfmt::skip]
const MATRIX: [(Column, [Option<Cell>; ROWS.len()]); 23] = [
    //                     GET       GET   GET    POST   POST  POST   PATCH  PUT   PUT       DELETE
    //                     manifest  blob  token  token  blob  mount  chunk  blob  manifest  manifest
    (Status(408),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (Status(429),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (AfterSeconds(429),   [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (AfterDate(429),      [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (Status(500),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (Status(502),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (Status(503),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (AfterSeconds(503),   [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (AfterDate(503),      [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    (Status(504),         [S,        S,    S,     S,     S,    S,     S,     S,    S,        S]),
    // The connection is reset before the request is carried out, or after.
    (ResetAtOnce,         [B,        B,    B,     B,     B,    B,     B,     B,    B,        B]),
    (ResetBeforeHead,     [B,        B,    B,     B,     B,    B,     D,     D,    B,        B]),
    (ResetInContent,      [__,       __,   __,    B,     B,    __,    B,     B,    B,        __]),
    (ResetInAnswer,       [B,        B,    B,     B,     D,    D,     D,     D,    D,        D]),
    (TruncatedAnswer,     [B,        B,    B,     B,     D,    D,     D,     D,    D,        D]),
    (StalledAtOnce,       [T,        T,    T,     T,     T,    T,     G,     G,    T,        T]),
    (StalledBeforeHead,   [T,        T,    T,     T,     T,    T,     D,     D,    T,        T]),
    (StalledContent,      [__,       __,   __,    T,     T,    __,    G,     G,    T,        __]),
    (StalledAnswer,       [T,        G,    T,     T,     D,    D,     D,     D,    D,        D]),
    // The first byte is another, or one in the middle.
    (CorruptedContent,    [__,       __,   __,    __,    D,    __,    R,     R,    O,        __]),
    (CorruptedStart,      [W,        W,    N,     N,     __,   __,    __,    __,   __,       __]),
    (CorruptedAnswer,     [W,        W,    U,     P,     __,   __,    __,    __,   __,       __]),
    (SlowAnswer,          [D,        D,    D,     D,     __,   __,    __,    __,   __,       __]),
];

/// Tries all cells of a group, several at a time: most of them wait.
async fn check_all(group: Group) {
    let columns = MATRIX.iter().filter(|(column, _)| column.group() == group);
    let cells = columns.flat_map(|(column, cells)| {
        let cells = ROWS.iter().zip(cells);
        cells.filter_map(|(row, cell)| Some((*column, *row, cell.as_ref()?)))
    });
    let checks = cells.map(|(column, row, cell)| check(column, row, cell));
    let all = futures_util::stream::iter(checks).buffer_unordered(12);
    assert!(all.count().await > 0);
}

#[tokio::test]
async fn statuses_that_may_pass() {
    check_all(Group::Statuses).await;
}

#[tokio::test]
async fn connections_that_break() {
    check_all(Group::Breaks).await;
}

#[tokio::test]
async fn nothing_that_moves() {
    check_all(Group::Silences).await;
}

#[tokio::test]
async fn content_that_is_another_or_slow() {
    check_all(Group::Contents).await;
}
