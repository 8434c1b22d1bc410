//! How far a transfer is, how fast it goes, and how long it will take.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use eigenpack::Digest;
use eigenpack::oci::{Descriptor, Event, Pushed};
use indicatif::HumanBytes;

/// How long a transfer may take before anything is shown.
pub(super) const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// How much of the past the rate is taken from.
const RATE_OVER: Duration = Duration::from_secs(5);

/// All that is moved at a time.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    started: Option<Instant>,
    /// The blobs that are not done, and how many bytes of each are in their place.
    open: HashMap<Digest, u64>,
    /// The size of all blobs, in bytes.
    total: u64,
    /// How much of it is in its place, in bytes, moved by us or there already.
    done: u64,
    /// How much we have moved, in bytes; what is moved again counts again.
    moved: u64,
    /// How much we had moved at moments of late, the oldest first.
    samples: VecDeque<(Instant, u64)>,
}

/// What the line says.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    done: u64,
    total: u64,
    /// In bytes a second, once it can be told.
    rate: Option<u64>,
}

impl Transfer {
    /// Takes note of an event, and tells whether the transfer is over with it.
    pub(super) fn hear(&mut self, event: Event<'_>, now: Instant) -> bool {
        match event {
            Event::BlobFound(blob) | Event::BlobStarted(blob) => {
                if !self.open.contains_key(&blob.digest) {
                    self.open.insert(blob.digest.clone(), 0);
                    self.total = self.total.saturating_add(blob.size);
                }
                self.started.get_or_insert(now);
                false
            }
            Event::BlobProgress(blob, position) => {
                if let Some(before) = self.reach(blob, position) {
                    self.moved += position.saturating_sub(before);
                }
                false
            }
            Event::BlobResumed(blob, position) => {
                self.reach(blob, position);
                false
            }
            Event::BlobFetched(blob) | Event::BlobPushed(blob, Pushed::Uploaded) => {
                self.end(blob, blob.size)
            }
            // It was there: nothing had to be moved.
            Event::BlobPushed(blob, _) => {
                let is_over = self.end(blob, 0);
                self.total = self.total.saturating_sub(blob.size);
                is_over
            }
            _ => false,
        }
    }

    /// Takes note of how far an open blob is, and returns how far it was.
    fn reach(&mut self, blob: &Descriptor, position: u64) -> Option<u64> {
        let reached = self.open.get_mut(&blob.digest)?;
        let before = std::mem::replace(reached, position);
        self.done = self.done - before + position;
        Some(before)
    }

    fn end(&mut self, blob: &Descriptor, done: u64) -> bool {
        if let Some(before) = self.open.remove(&blob.digest) {
            self.done = self.done - before + done;
            self.moved += done.saturating_sub(before);
        }
        let is_over = self.open.is_empty();
        if is_over {
            *self = Self::default();
        }
        is_over
    }

    /// Returns what is to be shown; nothing as long as that would only flicker.
    pub(super) fn state(&mut self, now: Instant) -> Option<State> {
        let started = self.started?;
        let is_old = |then: Instant| now.saturating_duration_since(then) > RATE_OVER;
        // One sample is older than that, so that the rate is that of the whole time.
        while self.samples.get(1).is_some_and(|(then, _)| is_old(*then)) {
            self.samples.pop_front();
        }
        let (since, before) = *self.samples.front().unwrap_or(&(started, 0));
        self.samples.push_back((now, self.moved));
        if now.saturating_duration_since(started) < SHOWN_AFTER {
            return None;
        }
        let moved = u128::from(self.moved.saturating_sub(before));
        let milliseconds = now.saturating_duration_since(since).as_millis();
        let rate = (moved * 1000).checked_div(milliseconds);
        Some(State {
            done: self.done,
            total: self.total,
            rate: rate.and_then(|rate| u64::try_from(rate).ok()),
        })
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (done, total) = (HumanBytes(self.done), HumanBytes(self.total));
        write!(f, "{done} of {total}")?;
        let Some(rate) = self.rate else { return Ok(()) };
        write!(f, ", {}/s", HumanBytes(rate))?;
        let left = self.total.saturating_sub(self.done);
        match left.div_ceil(rate.max(1)) {
            _ if rate == 0 || left == 0 => Ok(()),
            seconds @ ..=90 => write!(f, ", {seconds} s left"),
            seconds @ ..=5400 => write!(f, ", {} min left", seconds.div_ceil(60)),
            seconds => write!(f, ", {} h left", seconds.div_ceil(3600)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use eigenpack::oci::MediaType;

    pub(in super::super) const MIB: u64 = 1 << 20;

    pub(in super::super) fn blob(name: &str, size: u64) -> Descriptor {
        let digest = Digest::sha256(name.as_bytes());
        Descriptor::new(MediaType::OCTET_STREAM, digest, size)
    }

    fn shown(transfer: &mut Transfer, now: Instant) -> Option<String> {
        transfer.state(now).map(|state| state.to_string())
    }

    #[test]
    fn says_how_much_how_fast_and_how_long() {
        let (one, two) = (blob("one", 30 * MIB), blob("two", 70 * MIB));
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut transfer = Transfer::default();
        assert_eq!(shown(&mut transfer, start), None);
        for found in [&one, &two] {
            transfer.hear(Event::BlobFound(found), start);
        }
        transfer.hear(Event::BlobStarted(&one), at(0));
        transfer.hear(Event::BlobProgress(&one, 10 * MIB), at(900));
        assert_eq!(shown(&mut transfer, at(999)), None);
        let text = shown(&mut transfer, at(1000)).unwrap();
        assert!(text.starts_with("10.00 MiB of 100.00 MiB"), "{text}");

        // After a pause, and a part that has to be moved again, the rate is that of the last seconds.
        transfer.hear(Event::BlobPushed(&one, Pushed::Uploaded), at(2000));
        transfer.hear(Event::BlobStarted(&two), at(2000));
        transfer.hear(Event::BlobProgress(&two, 20 * MIB), at(2000));
        transfer.hear(Event::BlobProgress(&two, 10 * MIB), at(2000));
        for (now, expected) in [
            (2000, "40.00 MiB of 100.00 MiB, 39.96 MiB/s, 2 s left"),
            (12_000, "40.00 MiB of 100.00 MiB, 0 B/s"),
        ] {
            assert_eq!(shown(&mut transfer, at(now)).unwrap(), expected);
        }
        transfer.hear(Event::BlobProgress(&two, 11 * MIB), at(14_000));
        let text = shown(&mut transfer, at(14_000)).unwrap();
        assert_eq!(text, "41.00 MiB of 100.00 MiB, 85.33 KiB/s, 12 min left");

        assert!(transfer.hear(Event::BlobPushed(&two, Pushed::Uploaded), at(15_000)));
        assert_eq!(shown(&mut transfer, at(16_000)), None);
    }

    #[test]
    fn what_an_earlier_operation_left_counts_as_done_and_not_as_moved() {
        let (one, two) = (blob("one", 30 * MIB), blob("two", 70 * MIB));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut transfer = Transfer::default();
        transfer.hear(Event::BlobStarted(&one), start);
        transfer.hear(Event::BlobStarted(&two), start);
        transfer.hear(Event::BlobResumed(&two, 50 * MIB), start);
        transfer.hear(Event::BlobProgress(&two, 54 * MIB), at(1));
        for (now, expected) in [
            (2, "54.00 MiB of 100.00 MiB, 2.00 MiB/s, 23 s left"),
            // The samples of the first seconds are too old by then.
            (10, "54.00 MiB of 100.00 MiB, 0 B/s"),
        ] {
            assert_eq!(shown(&mut transfer, at(now)).unwrap(), expected);
        }
        // It turns out to be worth nothing, so all of it comes again.
        for position in [MIB, 70 * MIB] {
            transfer.hear(Event::BlobProgress(&two, position), at(12));
        }
        let text = shown(&mut transfer, at(20)).unwrap();
        assert_eq!(text, "70.00 MiB of 100.00 MiB, 6.90 MiB/s, 5 s left");
    }

    #[test]
    fn what_was_there_already_does_not_count() {
        let (one, two) = (blob("one", 30 * MIB), blob("two", 70 * MIB));
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let mut transfer = Transfer::default();
        transfer.hear(Event::BlobStarted(&one), start);
        transfer.hear(Event::BlobStarted(&two), start);
        assert!(!transfer.hear(Event::BlobPushed(&one, Pushed::Existed), later));
        let text = shown(&mut transfer, later).unwrap();
        assert_eq!(text, "0 B of 70.00 MiB, 0 B/s");
        assert!(transfer.hear(Event::BlobPushed(&two, Pushed::Mounted), later));
    }
}
