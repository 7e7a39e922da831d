//! `pkb-upload`: from a hospital's patient file to records at PKB.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod patient_file;
mod patient_row;
mod pkb_file;
mod run;
mod sender;
mod sent_before;

fn main() -> std::process::ExitCode {
    pkb_core::app::main("pkb-upload", run::run)
}
