//! What a registry states of the content that it sends or keeps.

use eigenpack_oci::{Algorithm, Digest, PushError};

use crate::answer::Answer;

/// Returns the digest that an answer states, where it is one that can be verified.
pub(crate) fn stated_digest(answer: &Answer) -> Option<Digest> {
    let stated: Digest = answer.headers.get("docker-content-digest")?.parse().ok()?;
    stated.algorithm().hasher().is_some().then_some(stated)
}

/// Checks that the registry keeps what it was sent.
///
/// It may state the digest by another algorithm: `sent_by` returns what was sent by that one, where it can be told.
pub(crate) fn check_stored(
    answer: &Answer,
    sent_by: impl FnOnce(&Algorithm) -> Option<Digest>,
) -> Result<(), PushError> {
    let Some(kept) = stated_digest(answer) else {
        return Ok(());
    };
    match sent_by(kept.algorithm()) {
        Some(sent) if sent != kept => Err(PushError::StoredOtherwise { sent, kept }),
        _ => Ok(()),
    }
}
