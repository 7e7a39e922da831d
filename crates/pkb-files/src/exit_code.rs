//! The exit codes of all programs. The numbers follow `sysexits.h` where it has a fitting one;
//! the guide's page is made from this table.

use serde::Serialize;

use crate::signals::EndSignal;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// All rows done.
    Done,
    /// A bug in this program.
    Bug,
    /// The command line or a setting is wrong.
    Usage,
    /// Finished, but some rows were rejected or failed for good, or nobody could be advanced; or the patient file was refused.
    SomeRowsRejected,
    /// No input, input that ended early, or input that is not a record stream.
    Input,
    /// A file could not be read or written: full disk, closed pipe, no permission.
    Io,
    /// Try again later: outage, rate limit, retryable failures remain.
    TryLater,
    /// PKB or GOV.UK Notify answered something that this program does not understand.
    NotUnderstood,
    /// PKB or GOV.UK Notify refused the credentials.
    Credentials,
    /// Stopped because its terminal was closed (SIGHUP).
    HungUp,
    /// Stopped by Ctrl-C (SIGINT).
    Interrupted,
    /// Stopped by Ctrl-\ (SIGQUIT).
    Quit,
    /// There was not enough memory (SIGABRT). No program returns it: the system's allocator ends the program.
    NoMemory,
    /// Stopped by SIGTERM.
    Terminated,
    /// Stopped by the limit of processor time (SIGXCPU).
    OutOfTime,
}

impl ExitCode {
    /// Every code with the words of the guide's table.
    pub const TABLE: &[(Self, &str)] = &[
        (Self::Done, "all rows done"),
        (Self::Bug, "a bug in this program: report the message"),
        (Self::Usage, "the command line or a setting is wrong"),
        (
            Self::SomeRowsRejected,
            "some rows rejected or failed for good, no row can go on, or the patient file was refused",
        ),
        (
            Self::Input,
            "no input, input ended early, or input is not a record stream",
        ),
        (Self::Io, "a file or pipe could not be read or written"),
        (
            Self::TryLater,
            "try again later: outage, rate limit, or failures that may not happen again",
        ),
        (
            Self::NotUnderstood,
            "PKB or GOV.UK Notify answered something that this program does not understand, or cannot be trusted to be who it is",
        ),
        (
            Self::Credentials,
            "PKB, GOV.UK Notify or a proxy refused the credentials",
        ),
        (Self::HungUp, "stopped: its terminal was closed (SIGHUP)"),
        (Self::Interrupted, "stopped by Ctrl-C (SIGINT)"),
        (Self::Quit, "stopped by Ctrl-\\ (SIGQUIT)"),
        (Self::NoMemory, "there was not enough memory (SIGABRT)"),
        (
            Self::Terminated,
            "stopped by SIGTERM, as when a machine is shut down",
        ),
        (
            Self::OutOfTime,
            "stopped by the limit of processor time (SIGXCPU)",
        ),
    ];

    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::SomeRowsRejected => 65,
            Self::Input => 66,
            Self::Io => 74,
            Self::TryLater => 75,
            Self::NotUnderstood => 76,
            Self::Credentials => 77,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Quit => 131,
            Self::NoMemory => 134,
            Self::Terminated => 143,
            Self::OutOfTime => 152,
        }
    }

    /// That of a program that a signal stopped: 128 and the signal's number.
    pub fn of_signal(signal: EndSignal) -> Self {
        match signal {
            EndSignal::Hangup => Self::HungUp,
            EndSignal::Interrupt => Self::Interrupted,
            EndSignal::Quit => Self::Quit,
            EndSignal::Terminate => Self::Terminated,
            EndSignal::CpuTime => Self::OutOfTime,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
