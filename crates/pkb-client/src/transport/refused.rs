//! What is done after a 401 or 403 of PKB's.

use reqwest::{Response, StatusCode, header};

use super::{Again, Pass, Transport};
use crate::{
    CallError,
    http::{Longest, read_body},
    refusal::Refusal,
    token::Token,
};
use pkb_core::Fatal;

/// Most access tokens that are fetched for one request, where it is the token that is refused.
const MOST_REFRESHES: u32 = 6;

/// The access tokens that were refused for one request.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) last: Option<Token>,
    count: u32,
    /// One of them should have lived on.
    any_early: bool,
}

impl Transport {
    /// After a 401 or 403 of PKB's. A 401 is tried once with a new token, however young the old one is: a server may keep one live token a
    /// client, and another stage may have fetched one. The second is PKB's word on the patient, unless it says that it is about the token, or
    /// tokens have been seen to end early.
    pub(super) async fn after_refusal(
        &self,
        response: Response,
        token: Token,
        refused: &mut Refused,
    ) -> Again {
        let is_401 = response.status() == StatusCode::UNAUTHORIZED;
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).cloned();
        let body = read_body(response, Longest::One).await.unwrap_or_default();
        let meaning = Refusal::read(challenge.as_ref(), &body);
        let most = match meaning {
            Refusal::Client(what) => {
                return Again::Give(CallError::Fatal(Fatal::Credentials(what.into())));
            }
            Refusal::Token => MOST_REFRESHES,
            Refusal::Unsaid if is_401 && self.tokens_end_early() => MOST_REFRESHES,
            Refusal::Unsaid if is_401 => 1,
            Refusal::Unsaid | Refusal::Patient => 0,
        };
        if refused.count < most {
            if refused.count > 0 {
                tokio::time::sleep(self.backoff.pause(refused.count)).await;
            }
            refused.count += 1;
            refused.any_early |= !token.is_due();
            refused.last = Some(token);
            return Again::Now;
        }
        Again::Give(match meaning {
            Refusal::Token => CallError::Fatal(Fatal::Credentials(
                "PKB refuses the access tokens that it has just given out. What to do: check that PKB_TOKEN_URL and PKB_BASE_URL (or \
                 PKB_FHIR_URL) belong together, and that nothing else signs in as PKB_CLIENT_ID. Then run the same command again"
                    .into(),
            )),
            _ => CallError::NoAccess,
        })
    }

    fn tokens_end_early(&self) -> bool {
        matches!(&self.pass, Pass::Tokens(tokens, _) if tokens.end_early())
    }

    /// A new token was taken where a young one had been refused.
    pub(super) fn note_early_end(&self, refused: &Refused) {
        if let (true, Pass::Tokens(tokens, _)) = (refused.any_early, &self.pass) {
            tokens.note_early_end();
        }
    }
}
