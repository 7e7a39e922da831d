//! What became of messages at NHS Notify, and what its answers say against writing to a patient.

use pkb_client::{CallError, nhs_notify::NhsNotifyApi};
use pkb_core::{
    ExitCode, Fatal, Reason, StageName, Verdict,
    record::{Dispatch, DispatchStatus, FailureCode, NotificationId},
};

use super::args::MessageStatusArgs;
use crate::statuses::{AskStatus, Question, Sent};

/// Asks for the messages of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn ask(args: &MessageStatusArgs) -> Result<ExitCode, Fatal> {
    let question = Question {
        client: Messages(args.nhs_notify.client(&args.stream.progress.monitor)?),
        input: &args.input,
        stream: &args.stream,
        wait: args.wait,
        concurrency: args.concurrency,
    };
    question.ask::<SentMessages>().await
}

/// NHS Notify.
struct Messages<D>(D);

impl<D: NhsNotifyApi> AskStatus for Messages<D> {
    async fn ask(&self, id: &NotificationId, dispatch: &mut Dispatch) -> Result<bool, CallError> {
        let Some(state) = self.0.status(id).await? else {
            return Ok(false);
        };
        dispatch.status = state.status;
        dispatch.failed_because = state.failed_because;
        dispatch.channels = state.channels;
        Ok(true)
    }
}

struct SentMessages;

impl Sent for SentMessages {
    const NAME: StageName = StageName::Nhs;
    const SERVICE: &str = "NHS Notify";

    fn verdict(sent: &[Dispatch]) -> Option<Verdict> {
        let failed = sent
            .iter()
            .filter(|one| one.status.as_str() == DispatchStatus::FAILED);
        let mut codes = failed.filter_map(|one| one.failed_because.as_ref());
        codes.find_map(verdict)
    }
}

/// What a failure says against writing to the patient at all. Other failures are about the message: they stay a status, so that
/// the patient can be invited in a different way.
fn verdict(code: &FailureCode) -> Option<Verdict> {
    let (reason, words) = match code.as_str() {
        "MFR_PDSV_0110" => (
            Reason::Removed,
            "the NHS register has a reason for removal (MFR_PDSV_0110). NHS Notify does not say which reason",
        ),
        "MFR_PDSV_0111" => (
            Reason::Deceased,
            "the NHS register has been told of a death that is not yet registered (MFR_PDSV_0111)",
        ),
        "MFR_PDSV_0112" => (
            Reason::Deceased,
            "the NHS register has the death (MFR_PDSV_0112)",
        ),
        "MFR_PDSV_0008" => (
            Reason::InvalidNumber,
            "the NHS register has made the record invalid (MFR_PDSV_0008)",
        ),
        "MFR_PDSV_0006" => (
            Reason::NotTraced,
            "the NHS register does not have the number (MFR_PDSV_0006)",
        ),
        _ => return None,
    };
    Some(Verdict::with_detail(reason, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_register_says_becomes_an_outcome_and_what_a_channel_says_does_not() {
        for (code, reason) in [
            ("MFR_PDSV_0110", Some(Reason::Removed)),
            ("MFR_PDSV_0111", Some(Reason::Deceased)),
            ("MFR_PDSV_0112", Some(Reason::Deceased)),
            ("MFR_PDSV_0008", Some(Reason::InvalidNumber)),
            ("MFR_PDSV_0006", Some(Reason::NotTraced)),
            ("MFR_PDSV_0004", None),
            ("MFR_PDSV_0002", None),
            ("MFR_PDSV_0001", None),
            ("MFR_SUPE_0007", None),
            ("MFR_NEWS_0001", None),
        ] {
            let code = FailureCode::parse(code).unwrap();
            assert_eq!(verdict(&code).map(|it| it.reason), reason, "{code:?}");
        }
    }
}
