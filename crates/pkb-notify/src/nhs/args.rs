//! What can be asked of `pkb-notify nhs`.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use pkb_cli::{
    args::{InputArgs, NHS_NOTIFY, NhsNotifyArgs, ONCE, StreamArgs, minutes, seconds},
    join_url::JoinUrlArgs,
};
use pkb_client::nhs_notify::MAX_MESSAGES;
use pkb_core::record::NotificationId;

use super::fields::FieldName;
use crate::args::FreshnessArgs;

/// Messages through NHS Notify.
#[derive(Debug, Subcommand)]
pub(crate) enum NhsCommand {
    /// Send a message to each patient who has codes, in batches
    ///
    /// Reads what pkb-tokens wrote, and gives NHS Notify the NHS number and the codes of each patient, once. NHS Notify finds the
    /// patient in the NHS's own register, and sends by the channels of the routing plan: NHS App, email, text message or letter. Every
    /// record is written to the output, with NHS Notify's id. Nothing is sent twice. After any failure, run the same command again.
    #[command(
        after_help = "Example:\n  pkb-notify nhs send invited.ndjson --routing-plan ID --output nhs-sent.ndjson"
    )]
    Send(Box<SendMessagesArgs>),
    /// Ask NHS Notify for the status of the messages, and note it in the records
    ///
    /// If a patient has died, or NHS Notify must not write to the patient, the record gets an outcome. Then no later stage writes to the
    /// patient.
    #[command(
        after_help = "Example:\n  pkb-notify nhs status nhs-sent.ndjson --output nhs-followed.ndjson"
    )]
    Status(Box<MessageStatusArgs>),
}

/// Sending messages.
#[derive(Debug, ClapArgs)]
pub(crate) struct SendMessagesArgs {
    /// What pkb-tokens wrote.
    #[command(flatten)]
    pub input: InputArgs,

    /// Id of the routing plan (message plan) at NHS Notify
    #[arg(long, env = "NHS_NOTIFY_ROUTING_PLAN", value_name = "UUID", value_parser = uuid)]
    pub routing_plan: NotificationId,

    /// Messages in one batch, up to N
    ///
    /// A batch also ends at 5.2 MB, which is about 13,000 messages.
    #[arg(long, default_value_t = 13_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_MESSAGES as i64), help_heading = NHS_NOTIFY)]
    pub batch_rows: u32,

    /// Name of a field in your templates, if it is different
    ///
    /// The values are invitation_code, access_code, codes_end and join_link. An empty name leaves a value out:
    /// join_link=
    #[arg(long, value_name = "VALUE=NAME", value_parser = FieldName::parse)]
    pub field: Vec<FieldName>,

    /// ODS code of the organisation that writes
    ///
    /// Only if your account at NHS Notify may set it.
    #[arg(long, value_name = "CODE", value_parser = ods_code)]
    pub ods_code: Option<String>,

    /// Text that NHS Notify puts on the bill
    #[arg(long, value_name = "TEXT", value_parser = billing_reference)]
    pub billing_reference: Option<String>,

    /// Where patients register.
    #[command(flatten)]
    pub join_page: JoinUrlArgs,

    /// Until when codes and answers serve.
    #[command(flatten)]
    pub freshness: FreshnessArgs,

    /// Send to these rows although they may have it already: 812,2040
    ///
    /// Rows are those of the patient file. For rows that are perhaps_sent.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', help_heading = ONCE)]
    pub resend: Vec<u64>,

    /// How long to wait after a lost answer before sending a batch again
    ///
    /// The reference is the same, so NHS Notify takes it once.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "10s", help_heading = ONCE)]
    pub settle_after: Duration,

    /// How long to wait while NHS Notify processes a batch it has
    #[arg(long, value_name = "TIME", value_parser = minutes, default_value = "15m", help_heading = ONCE)]
    pub wait_for_batch: Duration,

    /// NHS Notify.
    #[command(flatten)]
    pub nhs_notify: NhsNotifyArgs,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

/// Asking what became of messages.
#[derive(Debug, ClapArgs)]
pub(crate) struct MessageStatusArgs {
    /// What the sending command wrote, or this one.
    #[command(flatten)]
    pub input: InputArgs,

    /// Ask again for this long, until nothing is on its way
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0s")]
    pub wait: Duration,

    /// Calls to NHS Notify at the same time
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = NHS_NOTIFY)]
    pub concurrency: u16,

    /// NHS Notify.
    #[command(flatten)]
    pub nhs_notify: NhsNotifyArgs,

    /// Stream arguments
    #[command(flatten)]
    pub stream: StreamArgs,
}

fn uuid(text: &str) -> Result<NotificationId, &'static str> {
    NotificationId::uuid(text.trim()).ok_or("must be a UUID, as NHS Notify shows it")
}

/// ODS codes have 3 to 10 letters and digits.
fn ods_code(text: &str) -> Result<String, &'static str> {
    let is_code = (3..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    match is_code {
        true => Ok(text.to_ascii_uppercase()),
        false => Err("must be an ODS code, such as RX1"),
    }
}

fn billing_reference(text: &str) -> Result<String, &'static str> {
    let is_plain = (1..=100).contains(&text.len()) && !text.chars().any(char::is_control);
    match is_plain {
        true => Ok(text.to_owned()),
        false => Err("must have 1 to 100 characters"),
    }
}
