//! What can be asked of `pkb-letters sms` and `pkb-letters post`.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand};
use pkb_cli::args::{InputArgs, NotifyArgs, ONCE, StreamArgs, parse_duration};
use pkb_client::notify::{Postage, TemplateId};
use url::Url;

/// Text messages.
#[derive(Debug, Subcommand)]
pub enum SmsCommand {
    /// Send each patient whose delivery is by text message the codes
    ///
    /// Reads what pkb-letters wrote and gives GOV.UK Notify the text or the two texts of each patient whose delivery
    /// is by text message. Every record is written on, with `texts`: Notify's ids, our references, and how far each text
    /// is. Nothing is sent twice: after any failure, run the same command again.
    #[command(
        after_help = "Example:\n  pkb-letters sms send delivered.ndjson --template-id ID1,ID2 --journal sms.journal |\n    pkb-letters sms status --wait 10m --output texted.ndjson"
    )]
    Send(Box<SendTextsArgs>),
    /// Ask GOV.UK Notify what became of the texts, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-letters sms status texted.ndjson --wait 10m --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Sending text messages.
#[derive(Debug, ClapArgs)]
pub struct SendTextsArgs {
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

    /// Page where patients register; the codes are added to it. https, or in a rehearsal an address on this machine
    #[arg(
        long,
        env = "PKB_JOIN_URL",
        default_value = "https://joinpkb.com/",
        value_parser = crate::join_url::parse,
        value_name = "URL"
    )]
    pub join_url: Url,

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

/// Letters that Notify prints.
#[derive(Debug, ClapArgs)]
#[command(
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  pkb-letters post delivered.ndjson --letters print --journal post.journal --output posted.ndjson"
)]
pub struct PostArgs {
    /// Something else than posting letters
    #[command(subcommand)]
    pub command: Option<PostCommand>,

    /// Posting letters
    #[command(flatten)]
    pub post: SendLettersArgs,
}

/// Something else than posting letters.
#[derive(Debug, Subcommand)]
pub enum PostCommand {
    /// Ask GOV.UK Notify what became of the letters, and note it in the records
    #[command(
        after_help = "Example:\n  pkb-letters post status posted.ndjson --output followed.ndjson"
    )]
    Status(Box<StatusArgs>),
}

/// Posting letters.
#[derive(Debug, ClapArgs)]
pub struct SendLettersArgs {
    /// What pkb-letters wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Folder of the letters: one PDF each (pkb-letters --separate)
    #[arg(long, value_name = "DIR", required = true)]
    pub letters: Option<PathBuf>,

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
pub struct FreshnessArgs {
    /// Send nothing to a patient of whom PKB was asked longer ago than this: somebody may have died since
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days that the codes must be good for when they are sent
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    pub min_days_left: u16,
}

/// How sure it must be that nothing is sent twice.
#[derive(Debug, Clone, ClapArgs)]
pub struct OnceArgs {
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
pub struct StatusArgs {
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
