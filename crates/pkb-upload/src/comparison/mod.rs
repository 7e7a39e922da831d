//! The comparison with PKB before anything is sent.
//!
//! An upload overwrites the date of birth by which pkb-resolve recognises the patient: after an upload that comparison
//! always agrees. So PKB is asked before the first batch which of the patients it has, and with which date of birth (over REST
//! also which name and address). A row that differs is not uploaded; a file of which too many differ is not sent at all.
//! That is decided over all rows together, because a fault may be in the last batch.

mod before_upload;
mod compare;
mod compared_rows;
pub mod differences;
mod figures;
mod file_rows;
mod notes;
mod report;
mod sample;
mod values;

#[cfg(test)]
mod tests;

pub use before_upload::BeforeUpload;
pub use compare::Comparison;
pub use compared_rows::{Choice, ComparedRows, Known};
pub use file_rows::{FileRow, FileRows};
pub use notes::{FIELD, Noted, StateAtPkb};
pub use report::ComparisonReport;
pub use values::{Hasher, Values};
