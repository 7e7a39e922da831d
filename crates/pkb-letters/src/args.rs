//! What can be asked of pkb-letters.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use clap::{
    Args as ClapArgs, Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use pkb_cli::{
    args::{InputArgs, ONCE, RUN, StreamArgs, days, one_of, seconds, whole_days},
    join_url::JoinUrlArgs,
};
use pkb_core::{
    StageName,
    invitation_plan::InvitationPlan,
    record::{Channel, Design},
};
use pkb_values::{LetterFormat, LetterLanguages};

use crate::{
    channels::{choice::Choice, data::args::DataArgs, sms::args::SmsArgs},
    letter_name::LetterName,
    sorting::Order,
};
use pkb_typeset::typesetter::Engine;

/// Designs, as help lists them.
const DESIGNS: [(&str, &str, Design); 4] = [
    ("letter", "A letter on its own", Design::Letter),
    (
        "insert",
        "A sheet without an address, for the envelope of another letter",
        Design::Insert,
    ),
    (
        "reminder",
        "A letter to a patient who was invited before and has not registered",
        Design::Reminder,
    ),
    (
        "nhs-login",
        "A letter without codes, for England and Wales: to those who may be invited and have no codes",
        Design::NhsLogin,
    ),
];

/// Languages, as help lists them.
static LANGUAGES: LazyLock<Vec<(&str, &str, LetterLanguages)>> = LazyLock::new(|| {
    LetterLanguages::all()
        .map(|own| (own.as_str(), own.about(), own))
        .collect()
});

/// Sizes of print, as help lists them.
const PRINT_SIZES: [(&str, &str, LetterFormat); 2] = [
    ("standard", "12 point", LetterFormat::Standard),
    ("large", "16 point", LetterFormat::Large),
];

/// Channels, as help lists them.
fn channel() -> impl TypedValueParser<Value = Channel> {
    let made = Channel::ALL
        .iter()
        .filter(|channel| channel.made_by() == StageName::Letters && **channel != Channel::Format);
    let values = made.map(|channel| {
        let [one, _] = channel.words();
        PossibleValue::new(channel.as_str()).help(format!("A {one}"))
    });
    PossibleValuesParser::new(values).try_map(|given| {
        let mut all = Channel::ALL.iter().copied();
        all.find(|channel| channel.as_str() == given)
            .ok_or("is not in the list")
    })
}

/// Make the letters and text messages of a campaign
///
/// Reads records, and makes an A4 letter for each patient who has codes. It writes PDFs and a manifest, which says which sheet
/// belongs to which row. With --channel letter,sms it also writes the spreadsheet for text messages through GOV.UK Notify. Each
/// record is written to the output with its `deliveries`. On a terminal the records go to DIR/delivered.ndjson, because they
/// hold codes.
#[derive(Debug, Parser)]
#[command(
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pkb-letters invited.ndjson --template our-letter --out print -o delivered.ndjson\n  pkb-letters invited.ndjson --template our-letter --out look --proof 5\n  pkb-letters template new our-letter"
)]
pub struct Args {
    /// What to do instead of making letters
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Making letters
    #[command(flatten)]
    pub letters: LettersArgs,
}

/// What can be done instead of making letters.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work with letter templates
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-letters template new our-letter\n  pkb-letters template check our-letter"
    )]
    Template(TemplateCommand),
}

/// What can be done with templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// Write the built-in template to DIR, to edit
    #[command(after_help = "Example:\n  pkb-letters template new our-letter")]
    New {
        /// Folder for the new template. It must be empty or not exist
        dir: PathBuf,
    },
    /// Try the template in DIR with the longest, shortest and strangest letters
    ///
    /// Each letter is laid out in all languages and sizes of print.
    #[command(after_help = "Example:\n  pkb-letters template check our-letter")]
    Check {
        /// Folder of the template
        dir: PathBuf,

        /// How the template is tried.
        #[command(flatten)]
        limits: TrialArgs,

        /// This is the process that is limited
        #[arg(long, hide = true, help_heading = ONCE)]
        here: bool,
    },
    /// What another process of this program does, to see whether a template comes to an end
    #[command(hide = true)]
    Try {
        /// The template
        dir: PathBuf,

        /// Design of the template
        #[arg(long, value_parser = one_of(&DESIGNS), default_value = "letter", value_name = "DESIGN", help_heading = ONCE)]
        design: Design,
    },
}

/// How a template is tried.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub struct TrialArgs {
    /// How long the process that tries a template has (for tests)
    #[arg(long, hide = true, value_parser = seconds, default_value = "300s", value_name = "TIME", help_heading = ONCE)]
    pub trial_time: Duration,
}

/// Making letters.
#[derive(Debug, ClapArgs)]
pub struct LettersArgs {
    /// Record stream and its like
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder for the letters. It is made if it does not exist
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,

    /// Folder with your letter template [default: the built-in one]
    #[arg(long, value_name = "DIR")]
    pub template: Option<PathBuf>,

    /// How the template is tried.
    #[command(flatten)]
    pub trial: TrialArgs,

    /// Which design of the template
    #[arg(long, value_parser = one_of(&DESIGNS), default_value = "letter", value_name = "DESIGN")]
    pub design: Design,

    /// Languages for patients without a preference
    ///
    /// Without this option, template.toml decides.
    #[arg(long, value_parser = one_of(&LANGUAGES), value_name = "LANGUAGES")]
    pub language: Option<LetterLanguages>,

    /// Size of print for patients without a preference
    ///
    /// Without this option, template.toml decides.
    #[arg(long, value_parser = one_of(&PRINT_SIZES), value_name = "SIZE")]
    pub print_size: Option<LetterFormat>,

    /// How to invite: letter, sms or data, with commas between
    ///
    /// A patient is invited by each of these channels that can be used. `sms` also writes the spreadsheet and the
    /// texts for GOV.UK Notify. With `data` a mail company makes the letters from a table.
    #[arg(long, value_delimiter = ',', value_parser = channel(), default_value = "letter", value_name = "CHANNEL")]
    pub channel: Vec<Channel>,

    /// Invite by one channel after the other, such as "sms 72h letter"
    ///
    /// A patient is invited by the first channel that reaches them, and by the next when pkb-resolve --recheck --plan says that
    /// it is due. Without a time ("sms letter") the next channel is only for patients that the first does not reach.
    #[arg(long, value_name = "PLAN", conflicts_with = "channel")]
    pub plan: Option<InvitationPlan>,

    /// Also write to addresses abroad
    ///
    /// Such an address has no postcode, and its last line is a country.
    #[arg(long)]
    pub international: bool,

    /// Order of the letters
    #[arg(long, value_enum, default_value = "input", value_name = "ORDER")]
    pub sort: Order,

    /// Program part that makes the letters
    ///
    /// Stamping puts the values of each patient into a page that is laid out once. The letters are the same, made
    /// many times faster and in much smaller files.
    #[arg(long, value_enum, default_value = "auto", value_name = "ENGINE", help_heading = RUN)]
    pub engine: Engine,

    /// Letters in one PDF, or in one folder, up to N
    ///
    /// Each letter takes half a megabyte of memory, or a few kilobytes if it is stamped. More than 1,000 need
    /// --engine stamp.
    #[arg(long, default_value_t = 250, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub letters_per_file: u32,

    /// Make one PDF for each letter, in folders such as letters-0001
    #[arg(long)]
    pub separate: bool,

    /// Number this shard's files and letters separately
    ///
    /// With --series 3, the first file is letters-03-0001.pdf and the first letter is 3000001.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=999), help_heading = ONCE)]
    pub series: Option<u16>,

    /// Also zip each file or folder with the manifest of its letters
    #[arg(long)]
    pub zip: bool,

    /// Only write DIR/proof.pdf, with N or more letters to look at
    ///
    /// It has the first letter, the longest name, the longest address, and one letter of each language and size of
    /// print. The codes are false.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), conflicts_with_all = ["reprint", "separate", "zip"], help_heading = ONCE)]
    pub proof: Option<u32>,

    /// Also print a letter for each member of staff in this CSV file
    ///
    /// So somebody sees what arrives. Its columns are first_name, last_name, address_1 to address_5, postcode and perhaps title. The codes
    /// do not work. These letters are marked in manifest.json and counted nowhere.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proof", "reprint", "reprint_letter", "reissue"])]
    pub seeds: Option<PathBuf>,

    /// Do not read finished letters again before they are written
    #[arg(long, help_heading = ONCE)]
    pub no_verify: bool,

    /// How the text messages are.
    #[command(flatten)]
    pub sms_texts: SmsArgs,

    /// How the data for a mail company are.
    #[command(flatten)]
    pub data: DataArgs,

    /// Where patients register.
    #[command(flatten)]
    pub join_page: JoinUrlArgs,

    /// Skip patients last checked with PKB longer ago than this
    ///
    /// They may have died since.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Skip patients who were traced longer ago than this
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "28d")]
    pub max_age_of_trace: Duration,

    /// Days for which codes must still be valid when printed
    #[arg(long, default_value = "14d", value_name = "DAYS", value_parser = whole_days)]
    pub min_days_left: u16,

    /// Print the letters of these rows again: 812,2040
    ///
    /// Rows are those of the patient file. The codes are the same, and the letters go into files of their own. This
    /// needs the journal of the run that made them.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', conflicts_with = "no_journal", help_heading = ONCE)]
    pub reprint: Vec<u64>,

    /// Print these letters again, by number or reference: 3000123
    ///
    /// The number is on the letter, and the reference is in the manifest. This is for letters that a printer names.
    #[arg(long, value_name = "LETTERS", value_delimiter = ',', conflicts_with_all = ["no_journal", "reissue"], help_heading = ONCE)]
    pub reprint_letter: Vec<LetterName>,

    /// Also print letters that were already printed again today
    ///
    /// This is for --reprint and --reprint-letter.
    #[arg(long, help_heading = ONCE)]
    pub again_today: bool,

    /// Make new letters with new codes for these rows: 812,2040
    ///
    /// Run pkb-tokens --reissue for these rows first. The letters go into files of their own. This needs the
    /// journal of the run that made the first letters.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', conflicts_with_all = ["no_journal", "reprint"], help_heading = ONCE)]
    pub reissue: Vec<u64>,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

impl LettersArgs {
    /// By which channels patients are invited.
    pub(crate) fn choice(&self) -> Choice {
        match &self.plan {
            Some(plan) => Choice::Plan(plan.clone()),
            None => Choice::All(self.channel.clone()),
        }
    }

    /// The channels of which something may be made.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        let planned = self.plan.as_ref().map(|plan| plan.channels().collect());
        planned.unwrap_or_else(|| self.channel.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
        assert!(Args::try_parse_from(["pkb-letters", "--out", "print"]).is_ok());
        assert!(Args::try_parse_from(["pkb-letters", "template", "new", "x"]).is_ok());
        assert!(Args::try_parse_from(["pkb-letters"]).is_err());
    }
}
