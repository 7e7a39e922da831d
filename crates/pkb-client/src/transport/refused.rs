//! What is done after a 401 or 403 of PKB's.

use reqwest::{Response, StatusCode, header};

use super::again::RetryDecision;
use crate::{
    error::CallError,
    http::{Longest, read_body},
    refusal::Refusal,
    retry::Backoff,
    token::Token,
};
use pkb_core::Fatal;

/// Most access tokens that are fetched for one request, where it is the token that is self.
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

impl RefusedTokens {
    /// After a 401 or 403 of PKB's. A 401 is tried once with a new token, however young the old one is: a server may keep one live token a
    /// client, and another stage may have fetched one. The second is PKB's word on the patient, unless it says that it is about the token, or
    /// tokens have been seen to end early.
    pub(super) async fn after(
        &mut self,
        response: Response,
        token: Token,
        tokens_end_early: impl Fn() -> bool,
        backoff: &Backoff,
    ) -> RetryDecision {
        let is_401 = response.status() == StatusCode::UNAUTHORIZED;
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).cloned();
        let body = read_body(response, Longest::One).await.unwrap_or_default();
        let meaning = Refusal::read(challenge.as_ref(), &body);
        let most = match meaning {
            Refusal::Client(what) => {
                return RetryDecision::Give(CallError::Fatal(Fatal::Credentials(what.into())));
            }
            Refusal::Token => MOST_REFRESHES,
            Refusal::Unsaid if is_401 && tokens_end_early() => MOST_REFRESHES,
            Refusal::Unsaid if is_401 => 1,
            Refusal::Unsaid | Refusal::Patient => 0,
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
        RetryDecision::Give(match meaning {
            Refusal::Token => CallError::Fatal(Fatal::Credentials(
                "PKB refuses the access tokens that it has just given out. What to do: check that PKB_TOKEN_URL and PKB_BASE_URL (or \
                 PKB_FHIR_URL) belong together, and that nothing else signs in as PKB_CLIENT_ID. Then run the same command again"
                    .into(),
            )),
            _ => CallError::NoAccess,
        })
    }
}
