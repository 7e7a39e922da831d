//! `pkb-tokens`: from PKB's id to the two codes with which the patient registers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod reissue;
mod run;

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-tokens", run::run)
}
