//! What can be asked of pkb.

use std::{num::NonZeroU16, path::PathBuf};

use crate::shards::MAX_SHARDS;
use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::{
    args::{InputArgs, ONCE},
    doctor::DoctorArgs,
};
use pkb_report::args::ReportArgs;
use pkb_verify::args::VerifyArgs;

use crate::{ledger::LedgerArgs, purge::PurgeArgs, seal::SealArgs};

/// Work with a campaign as a whole
///
/// The stages are programs of their own: pkb-upload, pkb-resolve, pkb-tokens and pkb-letters. This program looks at what they
/// need before a campaign, splits and merges their records, reads finished letters again, and keeps account of what was sent.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a campaign.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at everything that a campaign needs: settings, secrets, this machine, PKB
    ///
    /// One line for each thing, with what to do where it is not in order; the exit code is that of the most serious. Nothing is changed. PKB is
    /// asked for an access token, and about a number of the range that is for tests and that no patient has.
    #[command(after_help = "Examples:\n  pkb doctor\n  pkb doctor --notify --settings board.toml")]
    Doctor(Box<DoctorArgs>),
    /// Split a record stream into shards, for several processes or machines
    Split(SplitArgs),
    /// Write a page about the campaign, for the board and for the engineer, from the records of any stage
    #[command(
        after_help = "Examples:\n  pkb report --in delivered.ndjson --out report.html --json report.json\n  pkb report --in rechecked.ndjson --out report.html --csv tables --earlier report.json"
    )]
    Report(ReportArgs),
    /// Make one stream of the shards of a campaign, once it is proven that no row is missing or came twice
    #[command(
        after_help = "Examples:\n  pkb merge delivered/*.ndjson --output delivered.ndjson\n  pkb merge --check resolved/*.ndjson"
    )]
    Merge(MergeArgs),
    /// Read finished letters again, and compare every sheet with its record and the manifest
    #[command(
        after_help = "Examples:\n  pkb verify print delivered.ndjson\n  pkb verify print delivered.ndjson --qr all"
    )]
    Verify(VerifyArgs),
    /// Say who was sent what and when, from the journal of the letters
    #[command(
        after_help = "Examples:\n  pkb ledger --journal letters.journal --row 812 2040\n  pkb ledger --journal letters.journal --national-ids - < numbers"
    )]
    Ledger(LedgerArgs),
    /// Take codes that have ended out of records and journals, and keep what was sent to whom and when
    #[command(
        after_help = "Examples:\n  pkb purge --dry-run *.ndjson *.journal\n  pkb purge delivered.ndjson letters.journal --letters print"
    )]
    Purge(PurgeArgs),
    /// Put a finished campaign into one encrypted archive
    #[command(
        after_help = "Example:\n  pkb seal spring-2026 --recipients-file archive-keys.txt --out spring-2026.tar.age --remove"
    )]
    Seal(SealArgs),
}

/// `pkb split`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  pkb split uploaded.ndjson --shards 8 --out shards\n\nAll rows of a patient are in one shard, the same one in every campaign with so many shards. Stages take a \
                  shard with --partial, each with a journal of its own; pkb merge makes one stream of them again."
)]
pub struct SplitArgs {
    /// The stream.
    #[command(flatten)]
    pub input: InputArgs,

    /// How many
    #[arg(long, value_name = "N", value_parser = parse_shards)]
    pub shards: NonZeroU16,

    /// Folder for the shards: 01-of-08.ndjson and so on, all of them, also those without a record; made if it is
    /// not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// The stream is a part on purpose (filtered): do not insist on every row
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,
}

fn parse_shards(text: &str) -> Result<NonZeroU16, String> {
    text.parse()
        .ok()
        .filter(|shards: &NonZeroU16| shards.get() <= MAX_SHARDS)
        .ok_or_else(|| format!("not a number from 1 to {MAX_SHARDS}"))
}

/// Shards into one stream.
#[derive(Debug, ClapArgs)]
pub struct MergeArgs {
    /// All shards of one stage, in any order; of any stage of the campaign
    #[arg(value_name = "SHARD", required = true)]
    pub shards: Vec<PathBuf>,

    /// Write the records to FILE (complete or absent, mode 0600), in the order of the rows of the patient file
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    pub output: Option<PathBuf>,

    /// Replace the records in the --output FILE even if some of their patients are not in the new ones
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,

    /// Also write to FILE which patients of different shards, too, share a mobile that text messages go to: the list
    /// of each shard knows only its own
    #[arg(long, value_name = "FILE", requires = "output")]
    pub shared_mobiles: Option<PathBuf>,

    /// Only prove it, and write nothing
    #[arg(long, conflicts_with = "output", help_heading = ONCE)]
    pub check: bool,

    /// The stream was a part on purpose when it was split: only prove that no row came twice
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,
}
