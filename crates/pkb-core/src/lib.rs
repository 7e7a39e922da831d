//! What the stages of a mass registration share: the record and its values, newline-delimited
//! JSON streams, the pipeline that runs a stage, the client of Patients Know Best (PKB), the tally
//! and the exit codes.
//!
//! No stage lives here: this crate does not know what a letter or a patient file is.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod atomic_file;
pub mod clock;
pub mod completeness;
pub mod exit_code;
pub mod exposure;
pub mod fatal;
pub mod figures;
pub mod gsm;
pub mod in_order;
pub mod journal;
pub mod monitor;
pub mod names;
pub mod ndjson;
pub mod nearest;
pub mod outcome;
pub mod output;
pub mod owners;
pub mod pipeline;
pub mod postal;
pub mod print_files;
pub mod process_limits;
pub mod record;
pub mod rehearsal;
pub mod rows;
#[cfg(test)]
mod schema_file;
pub mod shards;
pub mod shown;
pub mod signals;
pub mod spool;
pub mod spreadsheet;
pub mod stage;
pub mod summary;
pub mod tally;
pub mod trusted_file;
pub mod value;

pub use clock::Clock;
pub use exit_code::ExitCode;
pub use fatal::Fatal;
pub use outcome::{Kind, Outcome, Reason, StageName, Verdict};
pub use record::Record;
pub use stage::{Admission, Batch, Stage};
