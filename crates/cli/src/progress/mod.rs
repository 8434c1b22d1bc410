//! The line on the terminal that says how far a transfer is, and what registries say meanwhile.

mod line_start;
mod transfer;

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use eigenpack::oci::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use self::line_start::LineStart;
use self::transfer::Transfer;
use crate::stderr::warn;

/// How often the line is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

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
            target: shows_line.then_some(stderr),
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

fn stderr() -> ProgressDrawTarget {
    drawn_on(Term::buffered_stderr())
}

fn drawn_on(terminal: impl TermLike + 'static) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like(Box::new(LineStart(terminal)))
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

#[cfg(test)]
mod tests {
    use super::transfer::SHOWN_AFTER;
    use super::transfer::tests::{MIB, blob};
    use super::*;

    const WIDTH: usize = 25;

    /// A terminal, as far as what is on it can be told from what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<Cells>>);

    #[derive(Debug, Default)]
    struct Cells {
        lines: Vec<String>,
        line: usize,
        /// As wide as the screen where the next character comes on the next line.
        column: usize,
    }

    impl Screen {
        fn cells(&self) -> MutexGuard<'_, Cells> {
            self.0.lock().unwrap()
        }

        #[expect(clippy::unnecessary_wraps, reason = "as the trait's methods want it")]
        fn write(&self, text: &str) -> io::Result<()> {
            for character in text.chars() {
                self.cells().put(character);
            }
            Ok(())
        }

        /// Returns the lines up to the last that has something on it.
        fn shows(&self) -> Vec<String> {
            let lines = &self.cells().lines;
            let mut lines: Vec<_> = lines
                .iter()
                .map(|line| line.trim_end().to_owned())
                .collect();
            while lines.pop_if(|last| last.is_empty()).is_some() {}
            lines
        }
    }

    impl Cells {
        fn put(&mut self, character: char) {
            match character {
                '\r' => self.column = 0,
                '\n' => (self.line, self.column) = (self.line + 1, 0),
                _ => {
                    if self.column == WIDTH {
                        (self.line, self.column) = (self.line + 1, 0);
                    }
                    let lines = self.lines.len().max(self.line + 1);
                    self.lines.resize(lines, " ".repeat(WIDTH));
                    let (at, cell) = (self.column, character.to_string());
                    self.lines[self.line].replace_range(at..=at, &cell);
                    self.column += 1;
                }
            }
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            u16::try_from(WIDTH).unwrap()
        }

        fn move_cursor_up(&self, count: usize) -> io::Result<()> {
            self.cells().line -= count;
            Ok(())
        }

        fn move_cursor_down(&self, count: usize) -> io::Result<()> {
            self.cells().line += count;
            Ok(())
        }

        fn move_cursor_right(&self, count: usize) -> io::Result<()> {
            self.cells().column += count;
            Ok(())
        }

        fn move_cursor_left(&self, count: usize) -> io::Result<()> {
            self.cells().column -= count;
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write(text)?;
            self.write("\n")
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            let mut cells = self.cells();
            let line = cells.line;
            if let Some(line) = cells.lines.get_mut(line) {
                *line = " ".repeat(WIDTH);
            }
            cells.column = 0;
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_line_fits_and_is_gone_at_the_end() {
        let screen = Screen::default();
        let target = || drawn_on(screen.clone());
        let progress = Progress::new(true);
        let blob = blob("one", 100 * MIB);
        let line = "99.00 MiB of 100.00 MiB,";
        let mut above = Vec::new();
        for _ in 0..2 {
            progress.event(Event::BlobStarted(&blob));
            progress.event(Event::BlobProgress(&blob, 99 * MIB));
            progress.draw(target, Instant::now());
            assert_eq!(screen.shows(), above);
            progress.draw(target, Instant::now() + SHOWN_AFTER);
            assert_eq!(screen.shows(), [above.as_slice(), &[line.into()]].concat());
            progress.beside(|| screen.write("a warning\n").unwrap());
            above.push("a warning".to_owned());
            assert_eq!(screen.shows(), [above.as_slice(), &[line.into()]].concat());
            progress.event(Event::BlobFetched(&blob));
            assert_eq!(screen.shows(), above);
        }
    }

    #[test]
    fn nothing_is_left_where_the_terminal_shows_what_was_typed() {
        let screen = Screen::default();
        let target = || drawn_on(screen.clone());
        let progress = Progress::new(true);
        let blob = blob("one", 100 * MIB);
        progress.event(Event::BlobStarted(&blob));
        progress.draw(target, Instant::now() + SHOWN_AFTER);
        assert_eq!(screen.shows().len(), 1);
        screen.write("^C").unwrap();
        progress.clear();
        screen.write("error: interrupted\n").unwrap();
        assert_eq!(screen.shows(), ["error: interrupted"]);
    }
}
