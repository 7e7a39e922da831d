//! `pkb-upload`: from a hospital's patient file to records at PKB.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod across_rows;
mod args;
mod batch_folder;
mod check;
mod columns;
mod comparison;
mod counts;
mod date_order;
mod date_text;
mod deciding_words;
mod finding;
#[cfg(test)]
mod fuzz;
mod header_row;
#[doc(hidden)]
pub mod hot;
mod house_numbers;
mod limit;
mod moved_block;
mod normalised;
mod not_a_patient;
mod not_text;
mod one_column_off;
mod patient_file;
mod patient_row;
mod pkb_directory;
mod pkb_file;
mod problems_file;
mod report;
mod run;
#[cfg(test)]
mod same_on_threads;
mod second_table;
mod send_after;
mod sender;
mod sent_before;
mod settling;
mod share_of_deaths;
mod toml_file;
mod upload_row;
mod upload_stage;
mod words;
mod workbook_check;
mod workbook_notes;

/// The program.
pub fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-upload", run::run)
}
