//! What can be asked of pkb-resolve.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use jiff::{Timestamp, civil::Date};
use pkb_cli::args::{
    ApiArgs, EXCLUSIONS, InputArgs, ONCE, PKB, PkbArgs, StreamArgs, days, hours, seconds,
    whole_days,
};
use pkb_client::rest::USER_PATH;
use pkb_core::{Clock, Fatal, clock::start_of_day, invitation_plan::InvitationPlan};

use crate::{
    follow_up::{FollowUp, PlanRules},
    reminders::Reminders,
    waves::Waves,
};

/// Find each patient at PKB, and decide who may be invited
///
/// Reads records, asks PKB about each patient by NHS number, and writes every record to the output: with PKB's answer, or with all
/// reasons why the patient is not invited.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-resolve uploaded.ndjson -o resolved.ndjson\n  pkb-resolve uploaded.ndjson --api fhir --exclude opt-outs.csv -o resolved.ndjson\n  pkb-resolve --recheck --due-reminder 28d delivered.ndjson -o due.ndjson\n  pkb-resolve --explain"
)]
pub struct Args {
    #[command(flatten)]
    pub input: InputArgs,

    /// Print the rules by which patients are invited, and stop
    #[arg(long, help_heading = ONCE)]
    pub explain: bool,

    #[command(flatten)]
    pub eligibility: EligibilityArgs,

    #[command(flatten)]
    pub exclusions: ExclusionArgs,

    #[command(flatten)]
    pub registered: RegisteredArgs,

    #[command(flatten)]
    pub waves: WaveArgs,

    #[command(flatten)]
    pub recheck: RecheckArgs,

    /// Ask again for this long if PKB does not have a patient yet
    ///
    /// PKB takes a while to process an upload.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0s")]
    pub wait_for_records: Duration,

    /// Ask PKB again if an answer in the journal is older than this
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Whether to ask PKB's FHIR interface who has registered
    ///
    /// This is for --api rest.
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = PKB
    )]
    pub registered_check: RegisteredCheck,

    /// With --api fhir: also compare last names
    ///
    /// This takes one search for each patient. REST gives the name with every answer.
    #[arg(long, help_heading = PKB)]
    pub check_names: bool,

    /// Path of byNationalId below the base address
    ///
    /// It has {number} and {type} in it.
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = PKB)]
    pub user_path: String,

    #[command(flatten)]
    pub api: ApiArgs,

    #[command(flatten)]
    pub pkb: PkbArgs,

    #[command(flatten)]
    pub stream: StreamArgs,
}

/// Who may be invited.
#[derive(Debug, clap::Args)]
pub struct EligibilityArgs {
    /// Youngest age in years at which a patient is invited
    #[arg(long, default_value_t = 16, value_name = "YEARS")]
    pub min_age: i16,

    /// Also invite patients whose last name at PKB is different
    #[arg(long)]
    pub allow_name_differs: bool,

    /// Also invite patients whose email address was uploaded
    ///
    /// PKB sends them its own invitation.
    #[arg(long)]
    pub also_emailed: bool,
}

/// Who has registered, by a file.
#[derive(Debug, clap::Args)]
pub struct RegisteredArgs {
    /// List of patients who have registered: CSV with NHS numbers
    ///
    /// For example the download from PKB. These patients are not invited, and --recheck asks this list instead of
    /// PKB. Can be given more than once.
    #[arg(long, value_name = "FILE", help_heading = EXCLUSIONS)]
    pub registered: Vec<PathBuf>,

    /// Day of these lists [default: when the oldest was written]
    #[arg(long, value_name = "DATE", help_heading = EXCLUSIONS)]
    pub registered_on: Option<Date>,
}

impl RegisteredArgs {
    /// When the lists were made.
    ///
    /// # Errors
    /// A list cannot be read.
    pub fn at(&self) -> Result<Option<Timestamp>, Fatal> {
        if let Some(day) = self.registered_on {
            return Ok(Some(start_of_day(day)));
        }
        let mut oldest: Option<Timestamp> = None;
        for path in &self.registered {
            let known = path.metadata().and_then(|known| known.modified());
            let time = known.map_err(|source| Fatal::cannot_read(path, source))?;
            let time = Timestamp::try_from(time).unwrap_or(Timestamp::MIN);
            oldest = Some(oldest.map_or(time, |oldest| oldest.min(time)));
        }
        Ok(oldest)
    }
}

/// When patients are invited.
#[derive(Debug, clap::Args)]
pub struct WaveArgs {
    /// Ask about so many patients of the file on each working day
    ///
    /// Working days are Monday to Friday. Patients are chosen by chance, and the same in every run. Run the same pipeline each day.
    #[arg(long, value_name = "N", requires = "first_day", conflicts_with = "recheck", help_heading = "Waves", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_day: Option<u32>,

    /// First day of --per-day
    #[arg(
        long,
        value_name = "DATE",
        requires = "per_day",
        help_heading = "Waves"
    )]
    pub first_day: Option<Date>,
}

impl WaveArgs {
    /// The waves; `None` if all patients are asked about at once.
    pub fn waves(&self, today: Date) -> Option<Waves> {
        Some(Waves {
            per_day: self.per_day?,
            first_day: self.first_day?,
            today,
        })
    }
}

/// Who has registered since the invitation.
#[derive(Debug, clap::Args)]
pub struct RecheckArgs {
    /// Ask which invited patients have registered since
    ///
    /// The answer is written into every record (`uptake`). Reads what pkb-letters wrote, or an earlier recheck.
    #[arg(
        long,
        conflicts_with_all = ["wait_for_records", "max_age_of_answer", "registered_check", "check_names", "user_path"],
        help_heading = ONCE
    )]
    pub recheck: bool,

    /// Keep patients who were invited at least this many days ago
    ///
    /// They may still be invited, and have not registered. All others are stopped, each with the reason.
    #[arg(
        long,
        value_name = "DAYS",
        value_parser = whole_days,
        requires = "recheck",
        group = "follow_up",
        help_heading = ONCE
    )]
    pub due_reminder: Option<u16>,

    /// Prepare records for the next channel of a plan: "sms 72h letter"
    ///
    /// The next channel is for patients whose invitation failed, and for patients who have not registered in the time that the plan
    /// names. All others pass as they are.
    #[arg(
        long,
        value_name = "PLAN",
        requires = "recheck",
        group = "follow_up",
        help_heading = ONCE
    )]
    pub plan: Option<InvitationPlan>,

    /// With --plan: fetch new codes if fewer days are left
    #[arg(long, value_name = "DAYS", value_parser = whole_days, default_value = "14d", requires = "plan", help_heading = ONCE)]
    pub min_days_left: u16,

    /// Newer patient file: who not to write to again, and new addresses
    ///
    /// Patients are not written to if it calls them dead, sensitive or not to be contacted, or does not have them. Letters go to
    /// its addresses.
    #[arg(long, value_name = "FILE", requires = "follow_up", help_heading = ONCE)]
    pub newer_file: Option<PathBuf>,

    /// Names of the columns of --newer-file, as for pkb-upload --map
    #[arg(long, value_name = "FILE", requires = "newer_file", hide_short_help = true, help_heading = ONCE)]
    pub newer_map: Option<PathBuf>,

    /// Reminders for one patient, up to N
    #[arg(long, value_name = "N", default_value_t = 1, requires = "due_reminder", value_parser = clap::value_parser!(u8).range(1..), help_heading = ONCE)]
    pub most_reminders: u8,

    /// Continue the last recheck if it began less than this long ago
    ///
    /// It then asks only about patients it has not asked about yet.
    #[arg(long, value_name = "TIME", value_parser = hours, default_value = "12h", requires = "recheck", hide_short_help = true, help_heading = ONCE)]
    pub same_recheck_within: Duration,
}

impl RecheckArgs {
    /// Who is written to again, and when; `None` if that is not asked for.
    pub fn follow_up(&self, clock: &Clock) -> Option<FollowUp> {
        if let Some(plan) = &self.plan {
            return Some(FollowUp::Plan(PlanRules {
                plan: plan.clone(),
                now: clock.now(),
                // The day in which codes expire is no whole day.
                still_valid_at: clock.start_of_day_in(self.min_days_left.saturating_add(1)),
            }));
        }
        let after = self.due_reminder?;
        Some(FollowUp::Reminders(Reminders {
            after,
            most: self.most_reminders,
            today: clock.today(),
        }))
    }
}

/// Whom the organisation does not want invited.
#[derive(Debug, clap::Args)]
pub struct ExclusionArgs {
    /// List of patients not to invite: CSV or NDJSON with NHS numbers
    ///
    /// A row can say until when. Can be given more than once.
    #[arg(long, value_name = "FILE", help_heading = EXCLUSIONS)]
    pub exclude: Vec<PathBuf>,

    /// List of words in addresses to which nothing is sent, such as HMP
    ///
    /// One pattern a line. Can be given more than once.
    #[arg(long, value_name = "FILE", help_heading = EXCLUSIONS)]
    pub exclude_address: Vec<PathBuf>,

    /// Journal or output of pkb-letters of an earlier campaign
    ///
    /// Can be given more than once.
    #[arg(
        long,
        value_name = "FILE",
        requires = "not_again_within",
        help_heading = EXCLUSIONS
    )]
    pub invited_before: Vec<PathBuf>,

    /// Days for which an earlier invitation stops the next one
    #[arg(
        long,
        value_name = "DAYS",
        value_parser = whole_days,
        requires = "invited_before",
        help_heading = EXCLUSIONS
    )]
    pub not_again_within: Option<u16>,
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
    /// Yes if PKB_ORG_ID is set
    Auto,
    /// No. Registered patients get letters
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
