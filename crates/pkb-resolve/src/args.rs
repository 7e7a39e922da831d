//! What can be asked of pkb-resolve.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use pkb_cli::args::{
    ApiArgs, ConcurrencyArgs, InputArgs, ONCE, PkbArgs, StreamArgs, parse_duration,
};
use pkb_client::rest::USER_PATH;
use pkb_core::Clock;

use crate::{exclusions::Interval, reminders::Reminders};

/// Find each patient at PKB, and decide who may be invited
///
/// Reads a record stream, asks PKB for each patient by national id, and writes every record on:
/// with PKB's answer, or with all the reasons why the patient is not invited. Reads standard input
/// unless FILE is given; writes to standard output.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-resolve uploaded.ndjson --output resolved.ndjson\n  pkb-resolve uploaded.ndjson --api fhir --exclude opt-outs.csv --exclude-address prisons.txt --output resolved.ndjson\n  pkb-resolve --recheck --due-reminder 28d delivered.ndjson --output due.ndjson\n  pkb-resolve --explain"
)]
pub struct Args {
    #[command(flatten)]
    pub input: InputArgs,

    /// Print the rules by which patients are invited, with their settings, and do nothing
    #[arg(long, help_heading = ONCE)]
    pub explain: bool,

    #[command(flatten)]
    pub eligibility: EligibilityArgs,

    #[command(flatten)]
    pub exclusions: ExclusionArgs,

    #[command(flatten)]
    pub recheck: RecheckArgs,

    /// Ask again for patients whom PKB does not have yet, for so long (2h): PKB works through an upload
    /// for a while
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "0s")]
    pub wait_for_records: Duration,

    /// Ask PKB again where the journal has an answer that is older than this
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// With --api rest: whether to ask PKB's FHIR interface who has registered
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "PKB"
    )]
    pub registered_check: RegisteredCheck,

    /// Path of byNationalId under the base address, with {number} and {type} in it
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = "PKB")]
    pub user_path: String,

    #[command(flatten)]
    pub api: ApiArgs,

    #[command(flatten)]
    pub concurrency: ConcurrencyArgs,

    #[command(flatten)]
    pub pkb: PkbArgs,

    #[command(flatten)]
    pub stream: StreamArgs,
}

/// Who may be invited.
#[derive(Debug, clap::Args)]
pub struct EligibilityArgs {
    /// Youngest age in full years at which a patient is invited
    #[arg(long, default_value_t = 16, value_name = "YEARS")]
    pub min_age: i16,

    /// Invite patients whose last name at PKB is another one
    #[arg(long)]
    pub allow_name_differs: bool,

    /// Invite patients, too, whose e-mail address was uploaded: PKB sends them an invitation of its own
    #[arg(long)]
    pub also_emailed: bool,
}

/// Who has registered since the invitation.
#[derive(Debug, clap::Args)]
pub struct RecheckArgs {
    /// Ask PKB which of the patients who were invited have registered since, and write it into every record
    /// (`uptake`). Reads what pkb-letters wrote, or what an earlier recheck did
    #[arg(
        long,
        conflicts_with_all = ["wait_for_records", "max_age_of_answer", "registered_check", "user_path"],
        help_heading = ONCE
    )]
    pub recheck: bool,

    /// Make the stream ready for reminders: to everybody who may be invited, has not registered, and was invited
    /// at least so many days ago (28d). The others are stopped, each with the reason
    #[arg(
        long,
        value_name = "DAYS",
        requires = "recheck",
        help_heading = ONCE
    )]
    pub due_reminder: Option<Interval>,

    /// Reminders to a patient at most
    #[arg(long, value_name = "N", default_value_t = 1, requires = "due_reminder", value_parser = clap::value_parser!(u8).range(1..), help_heading = ONCE)]
    pub most_reminders: u8,

    /// With --journal: a recheck that is run again within this time is the same one, and asks only about those
    /// about whom it has not asked yet
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "12h", requires = "recheck", help_heading = ONCE)]
    pub same_recheck_within: Duration,
}

impl RecheckArgs {
    /// When patients are reminded; `None` if that is not asked for.
    pub fn reminders(&self, clock: &Clock) -> Option<Reminders> {
        self.due_reminder.map(|after| Reminders {
            after,
            most: self.most_reminders,
            today: clock.today(),
        })
    }
}

/// Whom the organisation does not want invited.
#[derive(Debug, clap::Args)]
pub struct ExclusionArgs {
    /// List of patients not to be invited: CSV or NDJSON with national numbers and, if need be, until
    /// when. May be given more than once
    #[arg(long, value_name = "FILE", help_heading = "Exclusions")]
    pub exclude: Vec<PathBuf>,

    /// List of words in addresses at which nobody is invited, one pattern a line (HMP). May be given more
    /// than once
    #[arg(long, value_name = "FILE", help_heading = "Exclusions")]
    pub exclude_address: Vec<PathBuf>,

    /// Journal or output of pkb-letters of an earlier campaign. May be given more than once
    #[arg(
        long,
        value_name = "FILE",
        requires = "not_again_within",
        help_heading = "Exclusions"
    )]
    pub invited_before: Vec<PathBuf>,

    /// For how many days an earlier invitation keeps a patient from the next (90d)
    #[arg(
        long,
        value_name = "DAYS",
        requires = "invited_before",
        help_heading = "Exclusions"
    )]
    pub not_again_within: Option<Interval>,
}

impl ExclusionArgs {
    /// Whether there is no list at all.
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty() && self.exclude_address.is_empty() && self.invited_before.is_empty()
    }
}

/// Whether to find out who has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RegisteredCheck {
    /// If PKB_ORG_ID is set
    Auto,
    /// No: registered patients get letters
    Off,
    /// Yes, or stop
    Required,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_consistent() {
        <super::Args as clap::CommandFactory>::command().debug_assert();
    }
}
