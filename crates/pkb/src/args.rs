//! What can be asked of pkb.

use std::{num::NonZeroU16, path::PathBuf};

use crate::shards::MAX_SHARDS;
use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::{
    args::{InputArgs, ONCE},
    doctor::DoctorArgs,
};
use pkb_core::record::Variant;
use pkb_report::args::ReportArgs;
use pkb_returns::args::ReturnsArgs;
use pkb_trace::args::TraceCommand;
use pkb_verify::args::VerifyArgs;

use crate::{ledger::LedgerArgs, package::PackageArgs, purge::PurgeArgs, seal::SealArgs};

/// Check, split, report and close a campaign
///
/// The stages are programs of their own: pkb-upload, pkb-resolve, pkb-tokens, pkb-letters and pkb-notify. This program checks what they
/// need before a campaign, splits and merges their records, reads finished letters again, and says what was sent.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "The guide:\n  pkb help                  all topics\n  pkb help trouble          a program stopped: what its exit code means, and what to do\n  pkb help lost-files       a journal or other file is lost or damaged\n  pkb help data-protection  which fields are sent where"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a campaign.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check what a campaign needs: settings, secrets, this machine, PKB
    ///
    /// Prints one line for each thing, and what to do if it is not in order. The exit code is that of the most serious problem. Nothing is
    /// changed. PKB is asked for an access token, and about an NHS number for tests that no patient has.
    #[command(after_help = "Examples:\n  pkb doctor\n  pkb doctor --notify --settings board.toml")]
    Doctor(Box<DoctorArgs>),
    /// Split a record stream into shards, for several processes or machines
    Split(SplitArgs),
    /// Write a page about the campaign, for the board and for operators
    #[command(
        after_help = "Examples:\n  pkb report --in delivered.ndjson --out report.html --json report.json\n  pkb report --in rechecked.ndjson --out report.html --csv tables --earlier report.json"
    )]
    Report(ReportArgs),
    /// Merge shards into one stream, and check that no row is missing or twice
    #[command(
        after_help = "Examples:\n  pkb merge delivered/*.ndjson -o delivered.ndjson\n  pkb merge --check resolved/*.ndjson"
    )]
    Merge(MergeArgs),
    /// Read finished letters again, and compare them with records and manifest
    #[command(after_help = "Example:\n  pkb verify print delivered.ndjson")]
    Verify(VerifyArgs),
    /// Trace patients in the NHS's own register, by files
    ///
    /// The register says who has died, moved, changed number, or must not be found.
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Pack letters or data for a mail company
    ///
    /// A package has the files, an instruction sheet without any patient, and a marker with digests. The marker NAME.done is made last.
    /// Upload it last, so that the company begins when everything has arrived.
    #[command(
        after_help = "Examples:\n  pkb package --example > job.toml\n  pkb package print delivered.ndjson --job job.toml --out packages --encrypt-to company.asc"
    )]
    Package(Box<PackageArgs>),
    /// Note what a mail company reports: printed, dispatched, returned
    ///
    /// Letters are found by their reference, by the number printed on them, or by GOV.UK Notify's id. Reading the same report again changes
    /// nothing.
    #[command(
        after_help = "Examples:\n  pkb returns status.csv --manifest print/manifest.json --in delivered.ndjson -o posted.ndjson\n  pkb returns scans.txt --on 2026-12-14 --findings returned.csv --in posted.ndjson -o posted-2.ndjson"
    )]
    Returns(ReturnsArgs),
    /// Say what a patient was sent and when, from the journal of the letters
    #[command(
        after_help = "Examples:\n  pkb ledger --journal letters.journal --row 812,2040\n  pkb ledger --journal letters.journal --national-ids - < numbers"
    )]
    Ledger(LedgerArgs),
    /// Delete expired codes from records and journals, and keep what was sent
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
    after_help = "Example:\n  pkb split uploaded.ndjson --shards 8 --out shards\n\nAll rows of a patient are in one shard. Run each stage on each shard with --partial and a journal of its own. Then pkb merge makes \
                  one stream of the shards."
)]
pub struct SplitArgs {
    /// The stream.
    #[command(flatten)]
    pub input: InputArgs,

    /// Number of shards
    #[arg(long, value_name = "N", value_parser = parse_shards)]
    pub shards: Option<NonZeroU16>,

    /// Split by these variants of the letter instead, such as plain,warm
    ///
    /// Each gets an equal part of the patients, by chance. There is one file for each: DIR/plain.ndjson and so on. The report compares
    /// how many have registered.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "shards"
    )]
    pub variants: Vec<Variant>,

    /// Folder for the shards: 01-of-08.ndjson and so on
    ///
    /// It is made if it does not exist. A shard without a record is also written.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Accept part of a stream, such as one shard
    ///
    /// A pipe cannot tell the end of a stream from a stage that has failed. So without this option every row of the
    /// patient file must arrive.
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,
}

fn parse_shards(text: &str) -> Result<NonZeroU16, String> {
    text.parse()
        .ok()
        .filter(|shards: &NonZeroU16| shards.get() <= MAX_SHARDS)
        .ok_or_else(|| format!("must be from 1 to {MAX_SHARDS}"))
}

/// Shards into one stream.
#[derive(Debug, ClapArgs)]
pub struct MergeArgs {
    /// All shards of one stage, in any order
    #[arg(value_name = "SHARD", required = true)]
    pub shards: Vec<PathBuf>,

    /// Write the records to FILE, in the order of the patient file
    ///
    /// FILE is complete or absent, and its owner only can read it (mode 0600).
    #[arg(
        short = 'o',
        long,
        value_name = "FILE",
        required_unless_present = "check"
    )]
    pub output: Option<PathBuf>,

    /// Replace FILE even if some of its patients are not in the new one
    ///
    /// This is about --output FILE.
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,

    /// Write to FILE patients of all shards who share a mobile number
    ///
    /// The list of one shard covers that shard only.
    #[arg(long, value_name = "FILE", requires = "output")]
    pub shared_mobiles: Option<PathBuf>,

    /// Only check that no row is missing or twice. Write nothing
    #[arg(long, conflicts_with = "output", help_heading = ONCE)]
    pub check: bool,

    /// Accept shards of a part of the patient file
    ///
    /// Then only rows that are twice are found.
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,
}
