//! The line on the terminal that says how far a transfer is, and what registries say meanwhile.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eigenpack::Digest;
use eigenpack::oci::{Descriptor, Event, Observer, Pushed};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::stderr::warn;

/// How long a transfer may take before anything is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// How often the line is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// How much of the past the rate is taken from.
const RATE_OVER: Duration = Duration::from_secs(5);

/// Shows transfers on stderr, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Makes what the line is drawn on; `None` where nothing is to be shown.
    target: Option<fn() -> ProgressDrawTarget>,
    /// The line, as long as it is there.
    line: Mutex<Option<ProgressBar>>,
    transfer: Mutex<Transfer>,
}

impl Progress {
    /// Makes the display; without `shows_line`, only what registries say is shown.
    pub(crate) fn new(shows_line: bool) -> Arc<Self> {
        Arc::new(Self {
            target: shows_line.then_some(ProgressDrawTarget::stderr),
            line: Mutex::default(),
            transfer: Mutex::default(),
        })
    }

    /// Keeps the line up to date until it is dropped.
    pub(crate) async fn keep_drawing(&self) -> Infallible {
        let Some(target) = self.target else {
            return std::future::pending().await;
        };
        let mut moments = tokio::time::interval(DRAWN_EVERY);
        loop {
            moments.tick().await;
            self.draw(target, Instant::now());
        }
    }

    fn draw(&self, target: impl FnOnce() -> ProgressDrawTarget, now: Instant) {
        let state = self.transfer().state(now);
        if let Some(state) = state {
            let mut line = self.line();
            let line = line.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("{wide_msg}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
                ProgressBar::with_draw_target(None, target()).with_style(style)
            });
            line.set_message(state.to_string());
        }
    }

    /// Takes the line away, for what comes after the transfer.
    pub(crate) fn clear(&self) {
        if let Some(line) = self.line().take() {
            line.finish_and_clear();
        }
    }

    /// Writes to stderr without getting mixed up with the line.
    pub(crate) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.line().as_ref() {
            Some(line) => line.suspend(write),
            None => write(),
        }
    }

    fn line(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transfer(&self) -> MutexGuard<'_, Transfer> {
        self.transfer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        if let Event::Warning { host, text } = event {
            self.beside(|| warn(format_args!("{host} says: {text}")));
        } else if self.target.is_some() {
            let is_over = self.transfer().hear(event, Instant::now());
            if is_over {
                self.clear();
            }
        }
    }
}

/// Stderr for the log.
pub(crate) struct LogWriter(pub(crate) Arc<Progress>);

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.beside(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// All that is moved at a time.
#[derive(Debug, Default)]
struct Transfer {
    started: Option<Instant>,
    /// The blobs that are not done, and how many bytes of each were moved.
    open: HashMap<Digest, u64>,
    /// The size of all blobs, in bytes.
    total: u64,
    moved: u64,
    /// How much was moved at moments of late, the oldest first.
    samples: VecDeque<(Instant, u64)>,
}

/// What the line says.
#[derive(Debug, PartialEq)]
struct State {
    moved: u64,
    total: u64,
    /// In bytes a second, once it can be told.
    rate: Option<u64>,
}

impl Transfer {
    /// Takes note of an event, and tells whether the transfer is over with it.
    fn hear(&mut self, event: Event<'_>, now: Instant) -> bool {
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
                if let Some(moved) = self.open.get_mut(&blob.digest) {
                    self.moved = self.moved - *moved + position;
                    *moved = position;
                }
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

    fn end(&mut self, blob: &Descriptor, moved: u64) -> bool {
        if let Some(before) = self.open.remove(&blob.digest) {
            self.moved = self.moved - before + moved;
        }
        let is_over = self.open.is_empty();
        if is_over {
            *self = Self::default();
        }
        is_over
    }

    /// Returns what is to be shown; nothing as long as that would only flicker.
    fn state(&mut self, now: Instant) -> Option<State> {
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
            moved: self.moved,
            total: self.total,
            rate: rate.and_then(|rate| u64::try_from(rate).ok()),
        })
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (moved, total) = (HumanBytes(self.moved), HumanBytes(self.total));
        write!(f, "{moved} of {total}")?;
        let Some(rate) = self.rate else { return Ok(()) };
        write!(f, ", {}/s", HumanBytes(rate))?;
        let left = self.total.saturating_sub(self.moved);
        match left.div_ceil(rate.max(1)) {
            _ if rate == 0 || left == 0 => Ok(()),
            seconds @ ..=90 => write!(f, ", {seconds} s left"),
            seconds @ ..=5400 => write!(f, ", {} min left", seconds.div_ceil(60)),
            seconds => write!(f, ", {} h left", seconds.div_ceil(3600)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenpack::oci::MediaType;
    use indicatif::TermLike;

    const MIB: u64 = 1 << 20;

    fn blob(name: &str, size: u64) -> Descriptor {
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
            (2000, "40.00 MiB of 100.00 MiB, 29.97 MiB/s, 3 s left"),
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

    /// A terminal that keeps all that is written to it.
    #[derive(Clone, Debug, Default)]
    struct Terminal(Arc<Mutex<String>>);

    impl Terminal {
        #[expect(clippy::unnecessary_wraps, reason = "as the trait's methods want it")]
        fn write(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn take(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            25
        }

        fn move_cursor_up(&self, count: usize) -> io::Result<()> {
            self.write(&"<up>".repeat(count))
        }

        fn move_cursor_down(&self, count: usize) -> io::Result<()> {
            self.write(&"<down>".repeat(count))
        }

        fn move_cursor_right(&self, count: usize) -> io::Result<()> {
            self.write(&"<right>".repeat(count))
        }

        fn move_cursor_left(&self, count: usize) -> io::Result<()> {
            self.write(&"<left>".repeat(count))
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write(&format!("{text}\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write("<clear>")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_line_fits_and_is_gone_at_the_end() {
        let terminal = Terminal::default();
        let target = || ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let progress = Progress::new(true);
        let blob = blob("one", 100 * MIB);
        for _ in 0..2 {
            progress.event(Event::BlobStarted(&blob));
            progress.event(Event::BlobProgress(&blob, 99 * MIB));
            progress.draw(target, Instant::now());
            assert_eq!(terminal.take(), "");
            progress.draw(target, Instant::now() + SHOWN_AFTER);
            let drawn = terminal.take();
            assert_eq!(drawn, "99.00 MiB of 100.00 MiB, ");
            progress.beside(|| terminal.write("a warning\n").unwrap());
            let drawn = terminal.take();
            assert!(drawn.contains("<clear>a warning\n99.00 MiB"), "{drawn:?}");
            progress.event(Event::BlobFetched(&blob));
            assert_eq!(terminal.take(), "<clear>");
        }
    }
}
