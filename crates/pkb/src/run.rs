//! From arguments to work.

use pkb_cli::{doctor, progress::tell};
use pkb_core::{ExitCode, Fatal, rows::counted};

use crate::shards::{split, variants};

use crate::{
    args::{Args, Command, SplitArgs},
    ledger, merge, package, purge, seal,
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
        Command::Trace(command) => pkb_trace::run::run(&command),
        Command::Returns(args) => pkb_returns::run::run(&args),
        Command::Package(args) => package::package(*args),
        Command::Purge(args) => purge::purge(&args),
        Command::Seal(args) => seal::seal(&args),
    }
}

fn split_by_variants(args: &SplitArgs) -> Result<ExitCode, Fatal> {
    let input = args.input.reader()?;
    let counts = variants::split(input, &args.variants, &args.out, args.partial)?;
    let named = args.variants.iter().zip(&counts);
    let named: Vec<String> = named
        .map(|(variant, count)| {
            format!(
                "{} in {}.ndjson",
                counted(*count, "row", "rows"),
                variant.as_str()
            )
        })
        .collect();
    tell(format!(
        "pkb split: {} of {}",
        named.join(", "),
        args.out.display()
    ));
    Ok(ExitCode::Done)
}

fn split(args: &SplitArgs) -> Result<ExitCode, Fatal> {
    let Some(shards) = args.shards else {
        if args.variants.is_empty() {
            let words = "pkb split needs --shards or --variants. Example: pkb split uploaded.ndjson --shards 8 --out shards";
            return Err(Fatal::Usage(words.into()));
        }
        return split_by_variants(args);
    };
    let counts = split::split(args.input.reader()?, shards, &args.out, args.partial)?;
    let most = counts.iter().max().copied().unwrap_or_default();
    let least = counts.iter().min().copied().unwrap_or_default();
    tell(format!(
        "pkb split: {} in {} of {least} to {most} rows in {}",
        counted(counts.iter().sum::<u64>(), "row", "rows"),
        counted(counts.len() as u64, "shard", "shards"),
        args.out.display()
    ));
    Ok(ExitCode::Done)
}
