//! What the stages of a mass registration share: the record and its values, newline-delimited
//! JSON streams, the pipeline that runs a stage, the tally and the outcomes.
//!
//! No stage lives here: this crate does not know what a letter or a patient file is.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod clock;
pub mod completeness;
pub mod figures;
pub mod invitation_plan;
pub mod monitor;
pub mod ndjson;
pub mod outcome;
pub mod output;
pub mod owners;
pub mod pipeline;
pub mod price_list;
pub mod record;
pub mod rehearsal;
pub mod rows;
pub mod spool;
pub mod stage;
mod stages;
pub mod summary;
pub mod tally;
pub mod text_message;
pub mod transform;

pub use clock::Clock;
pub use outcome::{Kind, Outcome, Reason, Verdict};
pub use pkb_files::{ExitCode, Fatal};
pub use record::Record;
pub use stage::{Admission, Batch, Stage};
pub use stages::StageName;
