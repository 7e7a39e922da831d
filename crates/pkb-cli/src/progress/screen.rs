//! Standard error as messages and the line of progress share it, and as several programs of a pipeline
//! share the terminal.
//!
//! The line stands below an empty one, and the cursor rests at the beginning of the empty one. So whatever
//! another program writes fills the empty line and pushes the old line of progress to where it is drawn
//! over, or erased, a moment later; nothing of it stays above. A line that ends where the cursor rests
//! could not do that. Each message and each drawing is one write, which the kernel does not mix with
//! others.

use std::{
    io::{self, IsTerminal as _, Write},
    os::unix::fs::FileTypeExt as _,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use parking_lot::{Mutex, MutexGuard};

use pkb_files::shown::shown;

/// To the beginning of the line, and all from there to the end of the screen away.
const ERASE: &str = "\r\x1b[J";
/// Columns of a terminal that does not say how wide it is.
const USUAL_COLUMNS: usize = 80;

/// The line of progress that this program drew last, if it draws one. Another program of the pipeline may have drawn over it: that
/// one mends a moment later what is done here for this one.
static LINE: Mutex<Option<String>> = Mutex::new(None);

fn line() -> MutexGuard<'static, Option<String>> {
    LINE.lock()
}

/// A terminal that can be drawn on.
pub(super) fn is_terminal() -> bool {
    let is_dumb = || std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb()
}

/// Whether colours are wanted (no-color.org).
pub(super) fn has_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal.
pub(super) fn columns() -> usize {
    terminal_size::terminal_size_of(io::stderr())
        .map_or(USUAL_COLUMNS, |(width, _)| usize::from(width.0))
}

/// Whether another program of the pipeline may have a line of progress on this terminal.
fn is_shared() -> bool {
    static SHARED: OnceLock<bool> = OnceLock::new();
    *SHARED.get_or_init(|| is_terminal() && (is_pipe(io::stdin()) || is_pipe(io::stdout())))
}

/// Whether a stream is a pipe.
pub(crate) fn is_pipe(stream: impl std::os::fd::AsFd) -> bool {
    stream
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| std::fs::File::from(fd).metadata())
        .is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Whether no line of progress is drawn any more.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Takes the line of progress away for good, for a program that is ended while others of its threads are at work.
pub fn close_screen() {
    CLOSED.store(true, Ordering::Relaxed);
    erase();
}

/// The terminal as indicatif draws on it. What it writes of one drawing is put together, so that each drawing is one write, and
/// the line is drawn where this program keeps it: the cursor moves of a bar that has the screen for itself are left out.
#[derive(Debug, Default)]
struct Terminal(Mutex<String>);

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        u16::try_from(columns()).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.0.lock());
        match drawn.trim_end() {
            "" => erase(),
            text => draw(text.to_owned()),
        }
        Ok(())
    }
}

/// A bar that is its message.
pub(super) fn bar() -> ProgressBar {
    let target = ProgressDrawTarget::term_like(Box::new(Terminal::default()));
    let bar = ProgressBar::with_draw_target(None, target);
    match ProgressStyle::with_template("{msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Draws the line of progress in the place of the one before.
fn draw(text: String) {
    let mut line = line();
    if CLOSED.load(Ordering::Relaxed) {
        return;
    }
    // If nobody listens any more there is nothing to be done about it.
    let _ = io::stderr().write_all(drawing(&text).as_bytes());
    *line = Some(text);
}

/// Takes the line of progress away; the cursor is where it was before the first.
fn erase() {
    if line().take().is_some() {
        let _ = io::stderr().write_all(ERASE.as_bytes());
    }
}

/// What is there is written over rather than erased first, so that nothing flickers.
fn drawing(text: &str) -> String {
    format!("\r\x1b[K\n{text}\x1b[J\r\x1b[A")
}

/// Standard error, with the line of progress out of the way of what is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stderr;

impl Write for Stderr {
    /// Writes a whole message. What of it would steer the terminal is escaped.
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        if message.is_empty() {
            return Ok(0);
        }
        let text = String::from_utf8_lossy(message);
        let bytes = shown(&text);
        let bytes = bytes.as_bytes();
        let line = line();
        match &*line {
            Some(text) => {
                let line = drawing(text);
                io::stderr().write_all(&[ERASE.as_bytes(), bytes, line.as_bytes()].concat())?;
            }
            None if is_shared() => io::stderr().write_all(&[ERASE.as_bytes(), bytes].concat())?,
            None => io::stderr().write_all(bytes)?,
        }
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes a message for people to standard error, unless it is empty. If that is closed there is nobody to
/// tell.
pub fn tell(message: impl std::fmt::Display) {
    let message = message.to_string();
    let text = message.trim_end();
    if !text.is_empty() {
        let _ = Stderr.write_all(format!("{text}\n").as_bytes());
    }
}
