//! What can be asked of pkb-notify.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::{
    args::{InputArgs, NOTIFY, NotifyArgs, ONCE, StreamArgs, days, one_of, seconds, whole_days},
    join_url::JoinUrlArgs,
};
use pkb_client::notify::TemplateId;
use pkb_print_files::data_profile::Postage;

use crate::{nhs::args::NhsCommand, sending_hours::SendingHours};

/// Send text messages and letters through GOV.UK Notify, and messages through NHS Notify
///
/// `sms`, `post` and `rows` read what pkb-letters wrote, and give GOV.UK Notify the texts or letters of each patient, once. `nhs` reads what
/// pkb-tokens wrote, and gives NHS Notify the messages. `status` asks later what became of them. Every record is written to the output.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 -o texted.ndjson\n  pkb-notify post send texted.ndjson --letters print -o posted.ndjson\n  pkb-notify sms status posted.ndjson --wait 10m -o followed.ndjson"
)]
pub(crate) struct Args {
    /// What is sent
    #[command(subcommand)]
    pub command: Command,
}

/// What is sent.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Text messages
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 -o texted.ndjson\n  pkb-notify sms status texted.ndjson --wait 10m --output followed.ndjson"
    )]
    Sms(SmsCommand),
    /// Letters, which GOV.UK Notify prints and posts
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-notify post send delivered.ndjson --letters print --journal post.journal --output posted.ndjson\n  pkb-notify post status posted.ndjson --output followed.ndjson"
    )]
    Post(PostCommand),
    /// Letters, which GOV.UK Notify makes of a template
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-notify rows send delivered.ndjson --rows print --letter-template-id ID --output posted.ndjson\n  pkb-notify rows status posted.ndjson --output followed.ndjson"
    )]
    Rows(RowsCommand),
    /// Messages through NHS Notify, by NHS App, email, text message or letter
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-notify nhs send invited.ndjson --routing-plan ID --output nhs-sent.ndjson\n  pkb-notify nhs status nhs-sent.ndjson --output nhs-followed.ndjson"
    )]
    Nhs(NhsCommand),
}

/// Text messages.
#[derive(Debug, Subcommand)]
pub(crate) enum SmsCommand {
    /// Send the codes by text message
    ///
    /// Reads what pkb-letters wrote, and gives GOV.UK Notify the texts of each patient whose delivery is by text message. Every record is
    /// written to the output, with Notify's ids, our references, and the status of each text. Nothing is sent twice. After any failure, run
    /// the same command again.
    #[command(
        after_help = "Example:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 --journal sms.journal |\n    pkb-notify sms status --wait 10m --output texted.ndjson"
    )]
    Send(Box<SendTextsArgs>),
    /// Ask GOV.UK Notify for the status of the texts, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-notify sms status texted.ndjson --wait 10m --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Sending text messages.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendTextsArgs {
    /// What pkb-letters wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Id of the template at Notify. For two texts: ID1,ID2
    ///
    /// The texts are sent one after the other. Their placeholders are the columns of the spreadsheet for text
    /// messages.
    #[arg(long, env = "NOTIFY_TEMPLATE_IDS", value_name = "UUID", value_delimiter = ',', required = true, value_parser = uuid)]
    pub template_id: Vec<TemplateId>,

    /// Id of the sender at Notify [default: that of the service]
    #[arg(long, value_name = "UUID", value_parser = uuid)]
    pub sender_id: Option<TemplateId>,

    /// Folder with your letter template [default: the built-in one]
    ///
    /// It has the organisation's name.
    #[arg(long, value_name = "DIR")]
    pub template: Option<PathBuf>,

    /// Write names without the accents that make a text cost more
    ///
    /// One such letter makes a text two or three times as expensive. Use it if the spreadsheet was made with it.
    #[arg(long)]
    pub sms_fold: bool,

    /// Send texts only at these UK times, such as 08:00-18:00
    ///
    /// The run waits for them. GOV.UK Notify has no quiet hours.
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub between: Option<SendingHours>,

    /// With --between: do not send on Saturdays and Sundays
    #[arg(long)]
    pub weekdays: bool,

    /// Where patients register.
    #[command(flatten)]
    pub join_page: JoinUrlArgs,

    /// What all that send have.
    #[command(flatten)]
    pub common: SendingArgs,
}

/// Letters.
#[derive(Debug, Subcommand)]
pub(crate) enum PostCommand {
    /// Have GOV.UK Notify print and post the letters
    ///
    /// Reads what pkb-letters wrote, and gives GOV.UK Notify the letter of each patient whose delivery is by letter. Every record is written to
    /// the output, with Notify's id, our reference, and the status of the letter. Nothing is sent twice. After any failure, run the same
    /// command again.
    #[command(
        after_help = "Example:\n  pkb-notify post send delivered.ndjson --letters print --journal post.journal --output posted.ndjson"
    )]
    Send(Box<SendLettersArgs>),
    /// Ask GOV.UK Notify for the status of the letters, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-notify post status posted.ndjson --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Classes of post, as help lists them.
const POSTAGES: [(&str, &str, Postage); 3] = [
    ("first", "First class", Postage::First),
    ("second", "Second class", Postage::Second),
    (
        "economy",
        "Economy: slower than second class, and cheaper",
        Postage::Economy,
    ),
];

/// Posting letters.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendLettersArgs {
    /// What pkb-letters wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder of the letters, one PDF each (pkb-letters --separate)
    #[arg(long, value_name = "DIR")]
    pub letters: PathBuf,

    /// Class of post
    #[arg(long, value_parser = one_of(&POSTAGES), default_value = "second", value_name = "CLASS")]
    pub postage: Postage,

    /// What all that send have.
    #[command(flatten)]
    pub common: SendingArgs,
}

/// Letters of a template.
#[derive(Debug, Subcommand)]
pub(crate) enum RowsCommand {
    /// Have GOV.UK Notify make letters of a template, and print and post them
    ///
    /// Reads what pkb-letters --channel data --data-profile notify-letter wrote, and gives GOV.UK Notify the row of each patient. Every
    /// record is written to the output, with Notify's id, our reference, and the status of the letter. Nothing is sent twice. After any
    /// failure, run the same command again. Do not upload the spreadsheet as well.
    #[command(
        after_help = "Example:\n  pkb-notify rows send delivered.ndjson --rows print --letter-template-id ID --output posted.ndjson"
    )]
    Send(Box<SendRowsArgs>),
    /// Ask GOV.UK Notify for the status of the letters, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-notify rows status posted.ndjson --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Posting letters of a template.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendRowsArgs {
    /// What pkb-letters wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder of the rows (pkb-letters --channel data)
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,

    /// Id of the letter template at Notify
    ///
    /// Its placeholders are columns of the rows. The template also has the class of post.
    #[arg(long, env = "NOTIFY_LETTER_TEMPLATE_ID", value_name = "UUID", value_parser = uuid)]
    pub letter_template_id: TemplateId,

    /// What all that send have.
    #[command(flatten)]
    pub common: SendingArgs,
}

/// What all commands have that give something to GOV.UK Notify.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendingArgs {
    /// Until when codes and answers serve.
    #[command(flatten)]
    pub freshness: FreshnessArgs,

    /// Nothing twice.
    #[command(flatten)]
    pub once: OnceArgs,

    /// GOV.UK Notify.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

/// Until when codes and answers serve.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct FreshnessArgs {
    /// Skip patients last checked with PKB longer ago than this
    ///
    /// They may have died since.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days for which codes must still be valid when they are sent
    #[arg(long, default_value = "14d", value_name = "DAYS", value_parser = whole_days)]
    pub min_days_left: u16,
}

/// How sure it must be that nothing is sent twice.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct OnceArgs {
    /// Ask Notify about everything before it is sent
    ///
    /// For when the journal is lost. It takes twice the calls. Notify knows what was sent in the last 7 days.
    #[arg(long, help_heading = ONCE)]
    pub ask_first: bool,

    /// Send to these rows although they may have it already: 812,2040
    ///
    /// Rows are those of the patient file. For rows that are perhaps_sent or texted_before.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', help_heading = ONCE)]
    pub resend: Vec<u64>,

    /// How long to wait after a lost answer before asking Notify
    ///
    /// Also at the start of a run that follows a crash.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "10s", help_heading = NOTIFY)]
    pub settle_after: Duration,
}

/// Asking what became of what was sent.
#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// What the sending command wrote, or this one.
    #[command(flatten)]
    pub input: InputArgs,

    /// Ask again for this long, until nothing is on its way
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0s")]
    pub wait: Duration,

    /// GOV.UK Notify.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

fn uuid(text: &str) -> Result<TemplateId, &'static str> {
    TemplateId::uuid(text.trim()).ok_or("must be a UUID, as Notify shows it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
