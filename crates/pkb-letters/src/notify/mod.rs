//! Sending through GOV.UK Notify, without a spreadsheet and a browser: text messages, and letters that Notify prints
//! and posts.
//!
//! * `once`: whatever happens, nothing is sent twice.
//! * `texts`, `personalisation`: text messages, and the values of their templates.
//! * `letters`, `letter_file`, `address`: letters, and whether Notify would print them.
//! * `statuses`: what became of both.

mod address;
pub mod args;
mod letter_file;
mod letters;
mod once;
mod personalisation;
mod statuses;
mod texts;

use jiff::Timestamp;
use pkb_cli::args::StreamArgs;
use pkb_core::{ExitCode, Fatal, Reason, Record, Verdict};

use args::{FreshnessArgs, OnceArgs, PostArgs, PostCommand, SmsCommand};

/// Text messages.
///
/// # Errors
/// What stopped it.
pub async fn sms(command: SmsCommand) -> Result<ExitCode, Fatal> {
    match command {
        SmsCommand::Send(args) => texts::send(*args).await,
        SmsCommand::Status(args) => statuses::of_texts(&args).await,
    }
}

/// Letters.
///
/// # Errors
/// What stopped it.
pub async fn post(args: PostArgs) -> Result<ExitCode, Fatal> {
    match args.command {
        Some(PostCommand::Status(args)) => statuses::of_letters(&args).await,
        None => letters::post(args.post).await,
    }
}

/// Without a journal nobody would know after a crash what was about to be sent. One that nobody chose has the name of the
/// output: under another name, or in another folder, it is new, and Notify alone knows what was sent before.
fn with_journal(stream: StreamArgs, once: &mut OnceArgs) -> Result<StreamArgs, Fatal> {
    let is_chosen = stream.journal.is_some();
    let stream = stream.with_usual_journal(None);
    match &stream.journal {
        None => Err(Fatal::Usage(
            "--journal FILE is missing: it keeps anything from being sent twice; use the same file for the whole campaign. With \
             --output FILE there is one beside it"
                .into(),
        )),
        Some(journal) => {
            once.ask_first |= !is_chosen && !journal.exists();
            Ok(stream)
        }
    }
}

/// What must be true on the day something is sent, however long ago it was prepared.
struct Freshness {
    oldest_answer: Timestamp,
    /// When codes must still be valid.
    still_valid_at: Timestamp,
}

impl Freshness {
    fn new(args: &FreshnessArgs, stream: &StreamArgs) -> Self {
        Self {
            oldest_answer: stream.clock().ago(args.max_age_of_answer),
            // Whole days count, and the one in which codes end is none.
            still_valid_at: stream
                .clock()
                .start_of_day_in(args.min_days_left.saturating_add(1)),
        }
    }

    /// Somebody may have died since PKB was asked, and codes do not wait.
    fn check(&self, record: &Record) -> Result<(), Verdict> {
        match (&record.pkb, &record.invitation) {
            (Some(pkb), _) if pkb.checked_at < self.oldest_answer => {
                Err(Reason::AnswerTooOld.into())
            }
            (_, Some(codes)) if codes.expires_at < self.still_valid_at => {
                Err(Reason::CodesExpiring.into())
            }
            _ => record.without_codes().map_or(Ok(()), Err),
        }
    }
}
