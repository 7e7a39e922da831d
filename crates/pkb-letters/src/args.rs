//! What can be asked of pkb-letters.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use clap::{
    Args as ClapArgs, Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use pkb_cli::{
    args::{InputArgs, ONCE, StreamArgs, one_of, parse_duration},
    join_url::JoinUrlArgs,
};
use pkb_core::record::{Channel, Design};
use pkb_values::{LetterFormat, LetterLanguages};

use crate::{channels::sms::args::SmsArgs, sorting::Order};
use pkb_typeset::typesetter::Engine;

/// Designs, as help lists them.
const DESIGNS: [(&str, &str, Design); 3] = [
    ("letter", "A letter on its own", Design::Letter),
    (
        "insert",
        "A sheet that goes into the envelope of another letter; it bears no address",
        Design::Insert,
    ),
    (
        "reminder",
        "A letter to somebody who was invited before and has not registered",
        Design::Reminder,
    ),
];

/// Languages, as help lists them.
static LANGUAGES: LazyLock<Vec<(&str, &str, LetterLanguages)>> = LazyLock::new(|| {
    LetterLanguages::all()
        .map(|own| (own.as_str(), own.about(), own))
        .collect()
});

/// Sizes of print, as help lists them.
const FORMATS: [(&str, &str, LetterFormat); 2] = [
    ("standard", "12 point", LetterFormat::Standard),
    ("large", "16 point", LetterFormat::Large),
];

/// Channels, as help lists them.
fn channel() -> impl TypedValueParser<Value = Channel> {
    let values = Channel::ALL.iter().map(|channel| {
        let [one, _] = channel.words();
        PossibleValue::new(channel.as_str()).help(format!("A {one}"))
    });
    PossibleValuesParser::new(values).try_map(|given| {
        let mut all = Channel::ALL.iter().copied();
        all.find(|channel| channel.as_str() == given)
            .ok_or("is not in the list")
    })
}

/// Make the letters and the SMS sheet of a campaign
///
/// Reads a record stream and makes one A4 letter for each patient who has codes: merged PDFs, a
/// manifest that says which sheet belongs to which row, and, if asked, the spreadsheet for text
/// messages through GOV.UK Notify. Every record is written on with its `deliveries`. On a terminal
/// the records go to DIR/delivered.ndjson instead, because they hold codes.
#[derive(Debug, Parser)]
#[command(
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pkb-letters invited.ndjson --out print --output delivered.ndjson\n  pkb-letters template new our-letter\n  pkb-letters invited.ndjson --template our-letter --out print --channel letter,sms --output delivered.ndjson"
)]
pub struct Args {
    /// Something else than making letters
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Making letters
    #[command(flatten)]
    pub letters: LettersArgs,
}

/// Something else than making letters.
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
    /// Write the built-in template to DIR, to be edited
    #[command(after_help = "Example:\n  pkb-letters template new our-letter")]
    New {
        /// A folder that does not exist yet, or is empty
        dir: PathBuf,
    },
    /// Try the template in DIR with the longest, shortest and strangest letters, in all languages and prints
    #[command(after_help = "Example:\n  pkb-letters template check our-letter")]
    Check {
        /// The template
        dir: PathBuf,

        /// What limits it has (see `LettersArgs`)
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

        /// Which design
        #[arg(long, value_parser = one_of(&DESIGNS), default_value = "letter", value_name = "DESIGN", help_heading = ONCE)]
        design: Design,
    },
}

/// How a template is tried.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub struct TrialArgs {
    /// How long the process that tries a template has (for tests)
    #[arg(long, hide = true, value_parser = parse_duration, default_value = "300s", value_name = "TIME", help_heading = ONCE)]
    pub trial_time: Duration,
}

/// Making letters.
#[derive(Debug, ClapArgs)]
pub struct LettersArgs {
    /// Record stream and its like
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder for the letters; made if it is not there
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,

    /// Template folder; the built-in one if absent
    #[arg(long, value_name = "DIR")]
    pub template: Option<PathBuf>,

    /// How the template is tried.
    #[command(flatten)]
    pub trial: TrialArgs,

    /// Which design of the template
    #[arg(long, value_parser = one_of(&DESIGNS), default_value = "letter", value_name = "DESIGN")]
    pub design: Design,

    /// Languages for patients whose preference is not in their record [default: as template.toml says]
    #[arg(long, value_parser = one_of(&LANGUAGES), value_name = "LANGUAGES")]
    pub language: Option<LetterLanguages>,

    /// Print for patients whose format is not in their record [default: as template.toml says]
    #[arg(long, value_parser = one_of(&FORMATS), value_name = "FORMAT")]
    pub format: Option<LetterFormat>,

    /// By which channels patients are invited: each by all of these that reach the patient. For text messages there are also
    /// the spreadsheet and the texts for GOV.UK Notify
    #[arg(long, value_delimiter = ',', value_parser = channel(), default_value = "letter", value_name = "CHANNEL")]
    pub channel: Vec<Channel>,

    /// Invite each patient by one channel only: the first of --channel that reaches the patient
    #[arg(long)]
    pub one_channel: bool,

    /// Also write to addresses abroad: those without a post code whose last line is a country
    #[arg(long)]
    pub international: bool,

    /// Order of the letters
    #[arg(long, value_enum, default_value = "input", value_name = "ORDER")]
    pub sort: Order,

    /// What makes the letters. Stamping puts the values of a patient into a page that was laid out once: the
    /// same letters, many times quicker, in much smaller files
    #[arg(long, value_enum, default_value = "auto", value_name = "ENGINE")]
    pub engine: Engine,

    /// Letters in one PDF (or folder) at most; each takes half a megabyte of memory, or a few kilobytes if it is
    /// stamped. More than 1000 need --engine stamp
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub letters_per_file: u32,

    /// One PDF a letter, in folders letters-0001 and so on
    #[arg(long)]
    pub separate: bool,

    /// These are the letters of shard N: their files are letters-03-0001.pdf and so on, and their numbers begin with
    /// 3000001, so that neither is like that of another shard
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=999), help_heading = ONCE)]
    pub series: Option<u16>,

    /// Also a zip of each file or folder, with the manifest of its letters
    #[arg(long)]
    pub zip: bool,

    /// Only write DIR/proof.pdf, with at least N letters that have to be looked at: the first, the longest
    /// name, the longest address, and one of each language and print; with false codes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), conflicts_with_all = ["reprint", "separate", "zip"], help_heading = ONCE)]
    pub proof: Option<u32>,

    /// Do not read finished letters again before they are written
    #[arg(long, help_heading = ONCE)]
    pub no_verify: bool,

    /// How the text messages are.
    #[command(flatten)]
    pub sms_texts: SmsArgs,

    /// Where patients register.
    #[command(flatten)]
    pub join_page: JoinUrlArgs,

    /// Make no letter for a patient of whom PKB was asked longer ago than this: somebody may have died since
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days that the codes must be good for when they are printed
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    pub min_days_left: u16,

    /// Print the letters of these rows of the patient file again, with the same codes, into files of
    /// their own, and nothing else; needs the journal of the run that made them
    #[arg(long, value_name = "ROW", num_args = 1.., conflicts_with = "no_journal", help_heading = ONCE)]
    pub reprint: Vec<u64>,

    /// With --reprint: also rows that were printed again today already
    #[arg(long, requires = "reprint", help_heading = ONCE)]
    pub again_today: bool,

    /// Send these rows of the patient file another letter, with the new codes that `pkb-tokens --reissue`
    /// has put into the stream, into files of their own, and nothing else; needs the journal of the run
    /// that made the first
    #[arg(long, value_name = "ROW", num_args = 1.., conflicts_with_all = ["no_journal", "reprint"], help_heading = ONCE)]
    pub reissue: Vec<u64>,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
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
