//! From arguments to work.

use pkb_cli::{doctor, progress::tell};
use pkb_core::{ExitCode, Fatal};

use crate::shards::split;

use crate::{
    args::{Args, Command, SplitArgs},
    ledger, merge, purge, seal,
};

/// Does what the arguments ask.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Command::Doctor(args) => doctor::run(*args).await,
        Command::Split(args) => split(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Verify(args) => pkb_verify::verify(args).await,
        Command::Report(args) => pkb_report::run::run(&args),
        Command::Ledger(args) => ledger::answer(&args),
        Command::Purge(args) => purge::purge(&args),
        Command::Seal(args) => seal::seal(&args),
    }
}

fn split(args: &SplitArgs) -> Result<ExitCode, Fatal> {
    let counts = split::split(args.input.reader()?, args.shards, &args.out, args.partial)?;
    let most = counts.iter().max().copied().unwrap_or_default();
    let least = counts.iter().min().copied().unwrap_or_default();
    tell(format!(
        "pkb split: {} rows in {} shards of {least} to {most} rows in {}",
        counts.iter().sum::<u64>(),
        counts.len(),
        args.out.display()
    ));
    Ok(ExitCode::Done)
}
