//! What can be asked of pkb-notify.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::{
    args::{InputArgs, NotifyArgs, ONCE, StreamArgs, parse_duration},
    join_url::JoinUrlArgs,
};
use pkb_client::notify::{Postage, TemplateId};

/// Send text messages and letters through GOV.UK Notify
///
/// Reads what pkb-letters wrote, gives GOV.UK Notify the texts or letters of each patient, once, and asks later what
/// became of them. Every record is written on.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 --output texted.ndjson\n  pkb-notify post send texted.ndjson --letters print --output posted.ndjson\n  pkb-notify sms status posted.ndjson --wait 10m --output followed.ndjson"
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
        after_help = "Examples:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 --journal sms.journal --output texted.ndjson\n  pkb-notify sms status texted.ndjson --wait 10m --output followed.ndjson"
    )]
    Sms(SmsCommand),
    /// Letters, which GOV.UK Notify prints and posts
    #[command(
        subcommand,
        after_help = "Examples:\n  pkb-notify post send delivered.ndjson --letters print --journal post.journal --output posted.ndjson\n  pkb-notify post status posted.ndjson --output followed.ndjson"
    )]
    Post(PostCommand),
}

/// Text messages.
#[derive(Debug, Subcommand)]
pub(crate) enum SmsCommand {
    /// Send each patient whose delivery is by text message the codes
    ///
    /// Reads what pkb-letters wrote and gives GOV.UK Notify the text or the two texts of each patient whose delivery
    /// is by text message. Every record is written on, with Notify's ids, our references, and how far each text
    /// is. Nothing is sent twice: after any failure, run the same command again.
    #[command(
        after_help = "Example:\n  pkb-notify sms send delivered.ndjson --template-id ID1,ID2 --journal sms.journal |\n    pkb-notify sms status --wait 10m --output texted.ndjson"
    )]
    Send(Box<SendTextsArgs>),
    /// Ask GOV.UK Notify what became of the texts, and note it in the records
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

    /// Id of the template at Notify; two of them, with a comma between, for two texts that go one after the other.
    /// Their placeholders are the columns of the SMS sheet
    #[arg(long, env = "NOTIFY_TEMPLATE_IDS", value_name = "UUID", value_delimiter = ',', required = true, value_parser = uuid)]
    pub template_id: Vec<TemplateId>,

    /// Id of the sender at Notify, if not the service's default
    #[arg(long, value_name = "UUID", value_parser = uuid)]
    pub sender_id: Option<TemplateId>,

    /// Template folder of the letters, for the organisation's name; the built-in one if absent
    #[arg(long, value_name = "DIR")]
    pub template: Option<PathBuf>,

    /// Write names without the accents that make a text two or three times as dear, as in the sheet
    #[arg(long)]
    pub sms_fold: bool,

    /// Where patients register.
    #[command(flatten)]
    pub join_page: JoinUrlArgs,

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

/// Letters.
#[derive(Debug, Subcommand)]
pub(crate) enum PostCommand {
    /// Have the letter of each patient printed and posted
    ///
    /// Reads what pkb-letters wrote and gives GOV.UK Notify the letter of each patient whose delivery is by letter. Every
    /// record is written on, with Notify's id, our reference, and how far the letter is. Nothing is sent twice: after any
    /// failure, run the same command again.
    #[command(
        after_help = "Example:\n  pkb-notify post send delivered.ndjson --letters print --journal post.journal --output posted.ndjson"
    )]
    Send(Box<SendLettersArgs>),
    /// Ask GOV.UK Notify what became of the letters, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-notify post status posted.ndjson --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Posting letters.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendLettersArgs {
    /// What pkb-letters wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder of the letters: one PDF each (pkb-letters --separate)
    #[arg(long, value_name = "DIR")]
    pub letters: PathBuf,

    /// How quickly letters go
    #[arg(long, value_enum, default_value = "second", value_name = "CLASS")]
    pub postage: Postage,

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
    /// Send nothing to a patient of whom PKB was asked longer ago than this: somebody may have died since
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days that the codes must be good for when they are sent
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    pub min_days_left: u16,
}

/// How sure it must be that nothing is sent twice.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct OnceArgs {
    /// Ask Notify for everything before it is sent: for when the journal is lost. Twice the calls; Notify knows what
    /// was sent in the last 7 days
    #[arg(long, help_heading = ONCE)]
    pub ask_first: bool,

    /// Send to these rows of the patient file, although an earlier run may have done so (perhaps_sent) or has texted an
    /// earlier number of the patient (texted_before)
    #[arg(long, value_name = "ROW", num_args = 1.., help_heading = ONCE)]
    pub resend: Vec<u64>,

    /// How long after a lost answer, or after the start of a run that follows a crash, Notify is asked what arrived
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub settle_after: Duration,
}

/// Asking what became of what was sent.
#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// What the sending command wrote, or this one.
    #[command(flatten)]
    pub input: InputArgs,

    /// Ask again until nothing is under way any more, for so long at most
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "0s")]
    pub wait: Duration,

    /// GOV.UK Notify.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

fn uuid(text: &str) -> Result<TemplateId, &'static str> {
    TemplateId::parse(text.trim()).ok_or("not a UUID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
