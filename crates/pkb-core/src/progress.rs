//! One line of progress, not four: in a pipeline only the last stage draws it, because only its
//! output is not a pipe.

use std::{
    io::{self, IsTerminal as _, Write},
    os::unix::fs::FileTypeExt as _,
    sync::OnceLock,
};

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// When to show a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, by the last stage of a pipeline.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The progress line of a stage, or nothing.
pub struct Progress(Option<ProgressBar>);

/// The terminal as progress line and log lines share it.
fn screen() -> &'static MultiProgress {
    static SCREEN: OnceLock<MultiProgress> = OnceLock::new();
    SCREEN.get_or_init(MultiProgress::new)
}

impl Progress {
    /// A progress line if `when` and the terminal want one; `records_on_screen` if the records
    /// themselves are shown there.
    pub fn start(when: When, records_on_screen: bool) -> Self {
        let wanted = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                io::stderr().is_terminal() && !is_pipe(io::stdout()) && !records_on_screen
            }
        };
        Self(wanted.then(|| {
            let style = ProgressStyle::with_template(
                "{bar:24} {human_pos} of {human_len} rows, {per_sec}, {eta} left",
            );
            let bar = ProgressBar::new(0);
            screen().add(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        }))
    }

    /// No progress line.
    pub fn hidden() -> Self {
        Self(None)
    }

    /// Rows that are done, of the rows that the files seen so far have.
    pub(crate) fn rows(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            if bar.length() != Some(total) {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    /// Takes the line off the screen.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Whether a stream is a pipe.
fn is_pipe(stream: impl std::os::fd::AsFd) -> bool {
    stream
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| std::fs::File::from(fd).metadata())
        .is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Standard error, with the progress line out of the way while something is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        screen().suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes a message for people to standard error. If that is closed there is nobody to tell.
pub fn tell(message: impl std::fmt::Display) {
    let text = message.to_string();
    let _ = writeln!(Stderr, "{}", text.trim_end());
}
