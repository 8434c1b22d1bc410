//! A terminal on which the cursor waits at the start of the line.

use std::io;

use indicatif::TermLike;

/// Puts the cursor back to the start of the line after each drawing.
///
/// Where it would stay, at the end of a line that fills the width, a terminal shows the `^C` of an interruption on the next
/// line, and that one is then cleared instead of ours.
#[derive(Debug)]
pub(super) struct LineStart<T>(pub(super) T);

impl<T: TermLike> TermLike for LineStart<T> {
    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
    }

    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.0.move_cursor_up(count)
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.0.move_cursor_down(count)
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.0.move_cursor_right(count)
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.0.move_cursor_left(count)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }
}
