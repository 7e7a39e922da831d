//! What stops a stage altogether, as opposed to an outcome, which stops one record.

use std::{io, path::Path};

use crate::{ExitCode, nearest::nearest_path, shown, signals::EndSignal};

/// Why a stage stopped before its input was done. The texts fit after "pkb-resolve: ".
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A setting or an argument is wrong.
    #[error("{0}")]
    Usage(String),
    /// The input is missing, ended early or is not what it should be.
    #[error("{0}")]
    Input(String),
    /// A file was refused as it stands, before anything was sent.
    #[error("{0}")]
    Refused(String),
    /// Too many rows are bad to go on.
    #[error("{0}")]
    TooManyRejects(String),
    /// A file or pipe failed.
    #[error("{what}: {}{}", plain(.source), what_to_do(.what, .source))]
    Io {
        /// What was being done, with the file's name.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Waiting may help.
    #[error("{0}")]
    TryLater(String),
    /// An answer of PKB or GOV.UK Notify makes no sense to this program.
    #[error("{0}")]
    NotUnderstood(String),
    /// PKB answered about a different patient, not the one who was asked for. Nothing of such an answer is kept.
    #[error("{}", about_somebody_else(*.row))]
    AboutSomebodyElse {
        /// Which of the patients who were asked for together, from 0, where that can be told.
        place: Option<usize>,
        /// The patient's row.
        row: Option<u64>,
    },
    /// PKB or GOV.UK Notify refused the credentials.
    #[error("{0}")]
    Credentials(String),
    /// A signal, such as Ctrl-C.
    #[error("stopped by {}", .0.words())]
    Interrupted(EndSignal),
    /// A rule of this program's own was broken.
    #[error("this is a bug: {0}. Report it")]
    Bug(String),
}

impl Fatal {
    /// An input or output error, with what was being done: `cannot write letters-0001.pdf`.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }

    /// A file that could not be written.
    pub fn cannot_write(path: &Path, source: io::Error) -> Self {
        Self::io(format!("cannot write {}", named(path)), source)
    }

    /// A file that could not be read.
    pub fn cannot_read(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => {
                let near = nearest_path(path).map_or_else(String::new, |near| {
                    format!(". Did you mean {}?", named(&near))
                });
                Self::Input(format!("{}: no such file{near}", named(path)))
            }
            _ => Self::io(format!("cannot read {}", named(path)), source),
        }
    }

    /// The same about the patient at another place: that of the question which this one was a part of.
    pub fn at_place(self, of: impl FnOnce(usize) -> Option<usize>) -> Self {
        match self {
            Self::AboutSomebodyElse { place, row } => Self::AboutSomebodyElse {
                place: place.and_then(of),
                row,
            },
            other => other,
        }
    }

    /// The same with the row of the patient who is at a place.
    pub fn in_row(self, of: impl FnOnce(usize) -> Option<u64>) -> Self {
        match self {
            Self::AboutSomebodyElse { place, row } => Self::AboutSomebodyElse {
                place,
                row: row.or_else(|| place.and_then(of)),
            },
            other => other,
        }
    }

    /// How a program that stops for this reason ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::Input(_) => ExitCode::Input,
            Self::Refused(_) | Self::TooManyRejects(_) => ExitCode::SomeRowsRejected,
            Self::Io { .. } => ExitCode::Io,
            Self::TryLater(_) => ExitCode::TryLater,
            Self::NotUnderstood(_) | Self::AboutSomebodyElse { .. } => ExitCode::NotUnderstood,
            Self::Credentials(_) => ExitCode::Credentials,
            Self::Interrupted(signal) => ExitCode::of_signal(*signal),
            Self::Bug(_) => ExitCode::Bug,
        }
    }
}

/// A path in a message.
fn named(path: &Path) -> String {
    shown::in_line(&path.to_string_lossy()).into_owned()
}

fn about_somebody_else(row: Option<u64>) -> String {
    let about = match row {
        Some(row) => format!("a different patient instead of the one in row {row}"),
        None => "a patient who was not asked for".to_owned(),
    };
    format!(
        "PKB answered about {about}. Nothing of that answer is kept. What to do: print nothing of this campaign. Tell \
         PKB's support the time of this message, and ask why. When PKB has found the cause, run the same command again"
    )
}

/// What to do about the commonest of the operating system's errors.
fn what_to_do(what: &str, source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied if what.starts_with("cannot read") => {
            ". Ask the owner of the file for access"
        }
        io::ErrorKind::PermissionDenied => ". Choose a folder in which you may write",
        io::ErrorKind::StorageFull => ". Free some space on the disk",
        _ => "",
    }
}

/// The operating system's words, without "(os error 28)".
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}
