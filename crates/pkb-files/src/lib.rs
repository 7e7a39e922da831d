//! Files and how programs end, for all crates that write anything: files that are complete or absent, files that are
//! trusted, journals, signals, and errors with their exit codes. Nothing here knows what a record is.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod atomic_file;
pub mod encryption;
pub mod exit_code;
pub mod exposure;
pub mod fatal;
pub mod in_order;
pub mod journal;
pub mod lines;
pub mod nearest;
pub mod process_limits;
pub mod profile;
#[cfg(feature = "schema")]
pub mod schema_file;
pub mod shown;
pub mod signals;
pub mod trusted_file;

pub use exit_code::ExitCode;
pub use fatal::Fatal;
