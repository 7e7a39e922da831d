//! `pkb`: what concerns a campaign as a whole, beside its stages.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod ledger;
mod merge;
mod purge;
mod run;
mod seal;
mod shards;

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb", run::run)
}
