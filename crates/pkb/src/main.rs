//! `pkb`: what concerns a campaign as a whole, beside its stages.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod help;
mod ledger;
mod merge;
mod package;
mod purge;
mod run;
mod seal;
mod shards;

fn main() -> std::process::ExitCode {
    match help::asked_for(std::env::args_os().skip(1)) {
        Some(code) => code.into(),
        None => pkb_cli::app::main("pkb", run::run),
    }
}
