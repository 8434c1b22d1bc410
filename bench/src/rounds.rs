//! What makes a round fair: nobody is always the first, and nobody waits for the writes of another.

use std::process::Command;

use crate::Result;

/// Returns what is measured in an order that begins with another one in each round.
pub(crate) fn in_turn<T>(measured: impl IntoIterator<Item = T>, round: usize) -> Vec<T> {
    let mut measured: Vec<T> = measured.into_iter().collect();
    let first = round.checked_rem(measured.len()).unwrap_or(0);
    measured.rotate_left(first);
    measured
}

/// Waits until all that was written is on disk.
pub(crate) fn settle() -> Result<()> {
    match Command::new("sync").status() {
        Ok(status) if status.success() => Ok(()),
        failed => Err(format!("sync: {failed:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::in_turn;

    #[test]
    fn each_is_the_first_once() {
        let orders: Vec<String> = (0..4)
            .map(|round| in_turn("abc".chars(), round).into_iter().collect())
            .collect();
        assert_eq!(orders, ["abc", "bca", "cab", "abc"]);
        assert!(in_turn([0_u8; 0], 2).is_empty());
    }
}
