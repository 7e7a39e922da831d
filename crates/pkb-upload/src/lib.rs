//! `pkb-upload`: from a hospital's patient file to records at PKB.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod batch_folder;
mod check;
mod comparison;
mod limit;
mod message_form;
mod message_stage;
mod pkb_directory;
mod pkb_file;
mod problems_file;
mod refusal_watch;
mod request_shown;
mod run;
#[cfg(test)]
mod same_on_threads;
mod send_after;
mod sender;
mod sent_before;
mod settling;
mod traced_file;
mod upload_row;
mod upload_stage;

/// The program.
pub fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-upload", run::run)
}
