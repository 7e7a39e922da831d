//! `pkb verify`: reads finished letters again, with other code than wrote them, and compares every sheet with the
//! record that it is for, and files and manifests with each other.
//!
//! * [`page_reader`]: what is drawn on a page; `shared_parts` what many pages share, which is read once, `lines` glyphs
//!   put together to words, `actual_text` glyphs that mean something only together, `qr_code` the modules of a
//!   picture.
//! * `excerpt`: a long PDF a block of pages at a time, from its objects (`objects`, `scanner`).
//! * `of_two_patients`: letters and text messages with what also belongs to a different patient.
//! * `manifests`: what the manifests say.
//! * [`expected`]: what must be on the sheets of a letter, and what must not.
//! * [`sheets`]: the sheets of one file; pkb-letters does the same before it writes a file.
//! * `spreadsheets`: those of text messages, read by `csv_reader`.
//! * `data_files`: those for a mail company, and [`data_rows`] one of them; pkb-letters reads it again before it writes a file.
//! * `format_files`: the texts of letters that a supplier makes braille and so on of.
//! * `folder`: a whole folder, or the folders of all shards. A failure names file, sheet and row and no value.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod actual_text;
pub mod args;
mod camera;
mod csv_reader;
mod data_files;
pub mod data_rows;
mod drawn;
mod excerpt;
pub mod expected;
mod folder;
mod format_files;
mod lines;
mod manifests;
pub mod notify_areas;
pub mod objects;
mod of_two_patients;
pub mod page_reader;
mod pairing;
mod qr_code;
mod report;
mod scanner;
mod shared_parts;
pub mod sheets;
mod spreadsheets;

pub use data_files::profile_of;
pub use folder::verify;
