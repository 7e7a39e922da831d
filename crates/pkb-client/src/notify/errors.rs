//! What GOV.UK Notify's errors mean for us: whether they are about one number or letter, about the settings, or about
//! the moment. Its documentation (REST API, error codes) has `{"status_code":…,"errors":[{"error":…,"message":…}]}`
//! and says that status and type are there to stay while messages may change. So where a message decides, an unknown
//! one still gets an answer that does no harm. No message is ever shown: some hold values.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::{
    error::CallError,
    transport::explain::{AnswerMeaning, Unsuccessful},
};
use pkb_core::Fatal;

/// Notify refuses tokens that are older, or younger, than this.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct ErrorAnswer {
    errors: Vec<NotifyError>,
}

#[derive(Deserialize)]
struct NotifyError {
    #[serde(rename = "error")]
    kind: String,
    #[serde(default)]
    message: String,
}

impl NotifyError {
    fn says(&self, words: &str) -> bool {
        self.message.to_lowercase().contains(words)
    }
}

/// What an answer that is no success means. `pause`: how long to wait when it was too much.
pub(super) fn explain(answer: &Unsuccessful, pause: Duration) -> Option<AnswerMeaning> {
    let error = serde_json::from_slice::<ErrorAnswer>(answer.body)
        .ok()
        .and_then(|answer| answer.errors.into_iter().next());
    let status = answer.status;
    if status.is_redirection() {
        return give(Fatal::NotUnderstood(
            "GOV.UK Notify answered with a redirect. What to do: check NOTIFY_BASE_URL and proxies"
                .into(),
        ));
    }
    match (status, &error) {
        (StatusCode::TOO_MANY_REQUESTS, Some(error)) if error.kind == "TooManyRequestsError" => {
            give(Fatal::TryLater(
                "the service has sent as much today as GOV.UK Notify allows. What to do: run the same command again \
                 tomorrow, or \
                 ask Notify for a higher daily limit"
                    .into(),
            ))
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => Some(AnswerMeaning::Pause(pause)),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(error)) => {
            give(not_let_in(answer, error))
        }
        (StatusCode::BAD_REQUEST, Some(error)) => Some(AnswerMeaning::Give(refused(error))),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => Some(AnswerMeaning::Give(CallError::RefusedByNotify(
            "the letter is too large for GOV.UK Notify",
        ))),
        // Busy, or nothing at this address: the same for all servers.
        (StatusCode::NOT_FOUND, Some(_)) => None,
        _ if status.is_server_error() => None,
        _ => give(Fatal::NotUnderstood(format!(
            "a server that is not GOV.UK Notify answered {}. What to do: check NOTIFY_BASE_URL and proxies",
            status.as_u16()
        ))),
    }
}

fn give(fatal: Fatal) -> Option<AnswerMeaning> {
    Some(AnswerMeaning::Give(CallError::Fatal(fatal)))
}

/// 401 and 403.
fn not_let_in(answer: &Unsuccessful, error: &NotifyError) -> Fatal {
    let clock_is_off = answer
        .clock_off_by
        .is_some_and(|off_by| off_by >= CLOCK_TOLERANCE);
    Fatal::Credentials(if clock_is_off || error.says("clock") {
        "GOV.UK Notify refused the API key because this machine's clock is more than 30 seconds off. What to do: set the \
         clock, then \
         run the same command again"
            .into()
    } else if error.says("team") {
        "GOV.UK Notify does not send letters with this kind of API key. What to do: make a live key at GOV.UK Notify".into()
    } else {
        "GOV.UK Notify refused the API key. What to do: check NOTIFY_API_KEY_FILE, and whether the key was revoked"
            .into()
    })
}

/// 400. About the number or the letter, unless it is known to be about the settings, which concern everybody.
fn refused(error: &NotifyError) -> CallError {
    let usage = |text: &str| CallError::Fatal(Fatal::Usage(text.into()));
    if error.kind.contains("Phone") || error.message.starts_with("phone_number") {
        return CallError::RefusedByNotify("GOV.UK Notify does not take the mobile number");
    }
    if error.kind == "ValidationError" {
        return CallError::Fatal(Fatal::NotUnderstood(
            "GOV.UK Notify refused the form of the request. What to do: report this message".into(),
        ));
    }
    if error.says("sender") {
        usage(
            "GOV.UK Notify does not know the sender of --sender-id for this service. What to do: copy the sender's id \
            from the settings of the service at GOV.UK Notify",
        )
    } else if error.says("trial") {
        usage(
            "the service is in trial mode at GOV.UK Notify. What to do: ask GOV.UK Notify to make the service live",
        )
    } else if error.says("team") {
        usage(
            "the API key sends to the service's own team only. What to do: make a live key at GOV.UK Notify",
        )
    } else if error.says("template") || error.says("personalisation") {
        usage(
            "GOV.UK Notify refused the template, because of its id or a placeholder without a value. What to do: check --template-id, or \
             --letter-template-id for rows, and the placeholders",
        )
    } else if error.says("not allowed") {
        usage(
            "the service may not send this at GOV.UK Notify. What to do: look at the settings of the service there",
        )
    } else if error.says("international") {
        CallError::RefusedByNotify(
            "GOV.UK Notify treats the number as a number abroad (Channel Islands, Isle of Man), and the service may not \
             text there",
        )
    } else if error.says("pdf") {
        CallError::RefusedByNotify("GOV.UK Notify says that the letter is not a PDF")
    } else {
        CallError::RefusedByNotify("GOV.UK Notify refused the message or letter")
    }
}
