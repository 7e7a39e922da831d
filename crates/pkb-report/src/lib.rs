//! The report on a campaign: one page for the board and for the engineer, from a record stream.
//!
//! * [`fields`] is what the report looks at in a record, and so all that it can know: no name, no
//!   number of a patient, no date of birth and no code is read at all.
//! * [`figures`] counts, record by record, in memory that does not grow with the number of records.
//! * [`tables`] makes tables of the figures: each is shown on the page, written as CSV and as JSON, and
//!   compared with an earlier report.
//! * [`page`], [`charts`], [`price`] and [`words`] are the page; [`csv_files`] and [`json`] the other forms.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod args;
pub mod charts;
pub mod csv_files;
pub mod fields;
pub mod figures;
pub mod json;
pub mod page;
pub mod price;
pub mod run;
pub mod tables;
pub mod words;
