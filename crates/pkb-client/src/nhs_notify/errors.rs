//! What NHS Notify's errors mean for us: JSON:API errors with a code and a JSON Pointer to what is wrong (its OpenAPI
//! description). No detail is ever shown: some repeat values.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::{
    error::CallError,
    transport::explain::{AnswerMeaning, Unsuccessful},
};
use pkb_core::Fatal;

/// Where the messages are in a batch.
const MESSAGES: &str = "/data/attributes/messages/";

/// How long nothing is sent after it was too much (429), where NHS Notify does not say: what its description says at least.
const QUOTA_PAUSE: Duration = Duration::from_secs(5);

/// A message that NHS Notify does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMessage {
    /// Its place in the batch, from 0.
    pub place: usize,
    /// Why, in our words.
    pub why: &'static str,
}

#[derive(Deserialize)]
pub(super) struct ErrorAnswer {
    errors: Vec<NhsError>,
}

#[derive(Deserialize)]
struct NhsError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    source: Source,
}

#[derive(Default, Deserialize)]
struct Source {
    #[serde(default)]
    pointer: String,
}

impl ErrorAnswer {
    /// The errors of an answer; `None` if it is something else.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let answer: Self = serde_json::from_slice(body).ok()?;
        let is_nhs_notify = |error: &NhsError| error.code.starts_with("CM_");
        answer.errors.iter().any(is_nhs_notify).then_some(answer)
    }

    pub(super) fn has(&self, code: &str) -> bool {
        self.errors.iter().any(|error| error.code == code)
    }

    /// The messages of a batch of so many that were refused (400).
    ///
    /// # Errors
    /// It is about something that all have in common, or cannot be told: the stage has to stop.
    pub(super) fn refused(&self, messages: usize) -> Result<Vec<RefusedMessage>, Fatal> {
        let mut refused: Vec<RefusedMessage> = Vec::new();
        for error in &self.errors {
            if let Some(words) = about_settings(&error.code) {
                return Err(Fatal::Usage(words.into()));
            }
            match pointed_at(&error.source.pointer, messages) {
                Some(Pointed::Message(place)) => {
                    if refused.iter().all(|one| one.place != place) {
                        refused.push(RefusedMessage {
                            place,
                            why: why(&error.code),
                        });
                    }
                }
                Some(Pointed::Common) => {
                    return Err(Fatal::Usage(
                        "NHS Notify refused a field that all messages have. What to do: check --field, --ods-code and \
                         --billing-reference against the templates of the routing plan"
                            .into(),
                    ));
                }
                None => {
                    return Err(Fatal::NotUnderstood(
                        "NHS Notify refused the form of a batch. What to do: report this message"
                            .into(),
                    ));
                }
            }
        }
        refused.sort_by_key(|one| one.place);
        Ok(refused)
    }
}

/// What of a batch a pointer names.
#[derive(Debug, PartialEq, Eq)]
enum Pointed {
    /// A message, by what is the patient's own.
    Message(usize),
    /// A field of a message that is in all of them.
    Common,
}

/// What a JSON Pointer (RFC 6901) names in a batch of so many messages; `None` for anything else.
fn pointed_at(pointer: &str, messages: usize) -> Option<Pointed> {
    let rest = pointer.strip_prefix(MESSAGES)?;
    let (place, field) = match rest.split_once('/') {
        Some((place, field)) => (place, Some(field)),
        None => (rest, None),
    };
    // RFC 6901, 4: digits without a leading zero.
    let is_number = place.bytes().all(|byte| byte.is_ascii_digit())
        && (place == "0" || !place.starts_with('0'));
    let place: usize = place.parse().ok().filter(|_| is_number)?;
    if place >= messages {
        return None;
    }
    match field.map(|field| field.split('/').next().unwrap_or_default()) {
        None | Some("messageReference") => Some(Pointed::Message(place)),
        Some("recipient") if field.is_some_and(|field| !field.contains("contactDetails")) => {
            Some(Pointed::Message(place))
        }
        Some("recipient" | "personalisation" | "originator" | "billingReference") => {
            Some(Pointed::Common)
        }
        Some(_) => None,
    }
}

fn why(code: &str) -> &'static str {
    match code {
        "CM_INVALID_NHS_NUMBER" => "NHS Notify does not take the NHS number",
        "CM_DUPLICATE_VALUE" => "NHS Notify found the message twice in the batch",
        _ => "NHS Notify refused the details of the patient in this row",
    }
}

/// What to do about an error that concerns all messages.
fn about_settings(code: &str) -> Option<&'static str> {
    Some(match code {
        "CM_ODS_CODE_REQUIRED" => {
            "NHS Notify has no organisation for this account. What to do: give the ODS code of your organisation (--ods-code), or ask \
             NHS Notify for a default"
        }
        "CM_CANNOT_SET_ODS_CODE" => {
            "NHS Notify does not let this account name an organisation. What to do: leave out --ods-code"
        }
        "CM_CANNOT_SET_CONTACT_DETAILS" => {
            "NHS Notify says that contact details were sent, which pkb-notify never sends. What to do: report this message"
        }
        "CM_NO_SUCH_ROUTING_PLAN" => {
            "NHS Notify has no such routing plan for this account. What to do: check --routing-plan"
        }
        "CM_MISSING_ROUTING_PLAN_TEMPLATE" | "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES" => {
            "the routing plan lacks a template, or has two for one channel. What to do: ask NHS Notify to correct the \
             routing plan, or choose a different one (--routing-plan). Then run the same command again"
        }
        _ => return None,
    })
}

/// What an answer that is no success means.
pub(super) fn explain(answer: &Unsuccessful) -> Option<AnswerMeaning> {
    let errors = ErrorAnswer::read(answer.body);
    let settings = errors.as_ref().and_then(|answer| {
        let mut errors = answer.errors.iter();
        errors.find_map(|error| about_settings(&error.code))
    });
    if let Some(words) = settings {
        return give(Fatal::Usage(words.into()));
    }
    match (answer.status, errors) {
        // The client reads these itself: nothing of the batch was taken, or all of it is there.
        (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_EARLY, _)
        | (
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY,
            Some(_),
        ) => Some(AnswerMeaning::Answer),
        // The answer broke off, so that it may be any of those.
        (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, None)
            if answer.body.is_empty() =>
        {
            Some(AnswerMeaning::Give(CallError::Unanswered))
        }
        (StatusCode::FORBIDDEN, Some(errors)) => give(Fatal::Credentials(
            match errors.has("CM_SERVICE_BAN") {
                true => {
                    "NHS Notify has blocked this account (CM_SERVICE_BAN). What to do: ask NHS Notify why"
                }
                false => {
                    "NHS Notify does not let this application in (CM_FORBIDDEN). What to do: complete the onboarding, and check that the \
                     application has the product NHS Notify in this environment"
                }
            }
            .into(),
        )),
        // It was not carried out.
        (StatusCode::TOO_MANY_REQUESTS, _) => Some(AnswerMeaning::Pause(
            answer.retry_after.unwrap_or(QUOTA_PAUSE),
        )),
        (StatusCode::REQUEST_TIMEOUT, _) => None,
        (status, _) if status.is_server_error() => None,
        (status, Some(_)) => give(Fatal::NotUnderstood(format!(
            "NHS Notify answered {} to a request from pkb. What to do: report this message to your support for pkb",
            status.as_u16()
        ))),
        (status, None) => give(Fatal::NotUnderstood(format!(
            "a server that is not NHS Notify answered {}. What to do: check NHS_NOTIFY_BASE_URL and proxies",
            status.as_u16()
        ))),
    }
}

fn give(fatal: Fatal) -> Option<AnswerMeaning> {
    Some(AnswerMeaning::Give(CallError::Fatal(fatal)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(errors: &str, messages: usize) -> Result<Vec<RefusedMessage>, Fatal> {
        ErrorAnswer::read(format!(r#"{{"errors":[{errors}]}}"#).as_bytes())
            .unwrap()
            .refused(messages)
    }

    fn error(code: &str, pointer: &str) -> String {
        serde_json::json!({"code": code, "source": {"pointer": pointer}}).to_string()
    }

    #[test]
    fn a_pointer_names_its_message() {
        let number = |place: usize| {
            let pointer = format!("{MESSAGES}{place}/recipient/nhsNumber");
            error("CM_INVALID_NHS_NUMBER", &pointer)
        };
        let errors = [number(5), number(0), number(5)].join(",");
        let refused = refused(&errors, 6).unwrap();
        let places: Vec<usize> = refused.iter().map(|one| one.place).collect();
        assert_eq!(places, [0, 5]);
        assert!(refused[0].why.contains("NHS number"));
    }

    #[test]
    fn what_concerns_all_messages_stops_the_stage_and_drops_nobody() {
        for (code, pointer) in [
            (
                "CM_ODS_CODE_REQUIRED",
                "/data/attributes/messages/0/originator/odsCode",
            ),
            (
                "CM_CANNOT_SET_ODS_CODE",
                "/data/attributes/messages/0/originator/odsCode",
            ),
            (
                "CM_CANNOT_SET_CONTACT_DETAILS",
                "/data/attributes/messages/0/recipient/contactDetails",
            ),
            (
                "CM_INVALID_VALUE",
                "/data/attributes/messages/0/recipient/contactDetails/sms",
            ),
            (
                "CM_INVALID_VALUE",
                "/data/attributes/messages/0/personalisation",
            ),
            (
                "CM_INVALID_VALUE",
                "/data/attributes/messages/0/billingReference",
            ),
        ] {
            let stopped = refused(&error(code, pointer), 9);
            assert!(matches!(stopped, Err(Fatal::Usage(_))), "{code} {pointer}");
        }
        for pointer in [
            "",
            "/data/attributes/messageBatchReference",
            "/data/attributes/messages",
            "/data/attributes/messages/9",
            "/data/attributes/messages/00",
            "/data/attributes/messages/-1",
            "/data/attributes/messages/+1",
            "/data/attributes/messages/1 /recipient",
            "/data/attributes/messages/18446744073709551617",
        ] {
            let stopped = refused(&error("CM_INVALID_VALUE", pointer), 9);
            assert!(matches!(stopped, Err(Fatal::NotUnderstood(_))), "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn any_pointer_names_the_message_that_it_says_or_none(
            pointer in "/data/attributes/messages/[0-9]{1,3}(/[a-zA-Z~/0-9]{0,30})?|\\PC{0,60}|/data(/[a-z0-9+ -]{0,12}){0,5}",
            messages in 0_usize..120,
        ) {
            if let Some(Pointed::Message(place)) = pointed_at(&pointer, messages) {
                prop_assert!(place < messages);
                // By another reader: the fourth step of the pointer is this number and nothing else.
                let steps: Vec<&str> = pointer.split('/').collect();
                prop_assert_eq!(&steps[..4], &["", "data", "attributes", "messages"][..]);
                prop_assert_eq!(steps[4], place.to_string());
            }
        }

        #[test]
        fn any_answer_is_read_or_not(body in "\\PC{0,80}|\\{\"errors\":\\[(\\{\"code\":\"CM_[A-Z]{1,9}\"\\},?){0,3}\\]\\}") {
            let _ = ErrorAnswer::read(body.as_bytes()).map(|answer| answer.refused(3));
        }
    }
}
