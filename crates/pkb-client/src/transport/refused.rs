//! What is done after a refusal of PKB's.

use reqwest::{StatusCode, header};

use super::{again::RetryDecision, answer::Answer};
use crate::{error::CallError, refusal::Refusal, retry::Backoff, token::Token};
use pkb_core::Fatal;

/// Most access tokens that are fetched for one request, where it is the token that is refused.
const MOST_REFRESHES: u32 = 6;

/// The access tokens that were refused for one request.
#[derive(Default)]
pub(super) struct RefusedTokens {
    /// The one that was refused last.
    pub(super) last: Option<Token>,
    count: u32,
    /// One of them should have lived on.
    pub(super) any_early: bool,
}

/// What PKB means by an answer that is no success: by its code, and by a 401 or 403. `None` for the other statuses, which speak for themselves.
pub(super) fn refusal(answer: &Answer) -> Option<Refusal> {
    match (Refusal::of_code(&answer.body), answer.status) {
        (Refusal::Unsaid, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let challenge = answer.headers.get(header::WWW_AUTHENTICATE);
            Some(Refusal::of_oauth(challenge, &answer.body))
        }
        (Refusal::Unsaid, _) => None,
        (refusal, _) => Some(refusal),
    }
}

impl RefusedTokens {
    /// After a refusal of PKB's, which came with `status`. A 401 is tried once with a new token, however young the old one is: a server may keep
    /// one live token a client, and another stage may have fetched one. The second is PKB's word on the patient, unless it says that it is about
    /// the token, or tokens have been seen to end early.
    pub(super) async fn after(
        &mut self,
        refusal: Refusal,
        status: StatusCode,
        token: Token,
        tokens_end_early: impl Fn() -> bool,
        backoff: &Backoff,
    ) -> RetryDecision {
        let is_401 = status == StatusCode::UNAUTHORIZED;
        let most = match refusal {
            Refusal::Token => MOST_REFRESHES,
            Refusal::Unsaid if is_401 && tokens_end_early() => MOST_REFRESHES,
            Refusal::Unsaid if is_401 => 1,
            Refusal::Unsaid | Refusal::Patient(_) | Refusal::Client(_) | Refusal::Unexpected => 0,
        };
        if self.count < most {
            if self.count > 0 {
                tokio::time::sleep(backoff.pause(self.count)).await;
            }
            self.count += 1;
            self.any_early |= !token.is_due();
            self.last = Some(token);
            return RetryDecision::Now;
        }
        RetryDecision::Give(match refusal {
            Refusal::Token => CallError::Fatal(Fatal::Credentials(
                "PKB refuses the access tokens that it has just given out. What to do: check that PKB_TOKEN_URL and PKB_BASE_URL (or \
                 PKB_FHIR_URL) belong together, and that nothing else signs in as PKB_CLIENT_ID. Then run the same command again"
                    .into(),
            )),
            Refusal::Client(what) => CallError::Fatal(Fatal::Credentials(what.into())),
            Refusal::Patient(code) => CallError::Withheld(code),
            Refusal::Unexpected => CallError::NotUnderstood(
                "PKB's response code is not for a client of this kind (ACCESS_FROZEN_OUTWARD). What to do: report this \
                 message to PKB",
            ),
            Refusal::Unsaid => CallError::NoAccess,
        })
    }
}
