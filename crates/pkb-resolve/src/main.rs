//! `pkb-resolve`: from a national id to PKB's id, and the decision whom to invite.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod eligibility;
mod exclusions;
mod follow_up;
mod newer_file;
mod recheck;
mod reminders;
mod run;
mod waves;

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-resolve", run::run)
}
