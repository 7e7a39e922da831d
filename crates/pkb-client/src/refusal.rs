//! What PKB means by a refusal: its response codes first, then what OAuth has for 401 and 403 (RFC 6750, 3.1), and the HTTP status last.

use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::response_code::ResponseCode;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The access token, whoever the patient is.
    Token,
    /// All that this client asks; what to do about it.
    Client(&'static str),
    /// To show this patient.
    Patient(ResponseCode),
    /// Something that does not happen to a client of this kind.
    Unexpected,
    /// That is not said.
    Unsaid,
}

const SESSION_OVER: &str = "PKB has closed this client's API session. What to do: ask a coordinator to make a new refresh \
    token in PKB's web interface. Put that token into the file of --refresh-token-file. Then run the same command again";
const WRONG_CLIENT: &str = "PKB does not accept this kind of client for this call. What to do: ask PKB for a system client \
    that may make these calls. Set PKB_CLIENT_ID, then run the same command again";

impl From<ResponseCode> for Refusal {
    fn from(code: ResponseCode) -> Self {
        use ResponseCode as Code;
        match code {
            Code::AccessTokenExpired | Code::BadAuthentication => Self::Token,
            Code::SessionExpired | Code::SessionInvalid => Self::Client(SESSION_OVER),
            Code::WrongUserType => Self::Client(WRONG_CLIENT),
            Code::FrozenOutward => Self::Unexpected,
            Code::FrozenInward
            | Code::SharingDisabled
            | Code::NoAssociation
            | Code::NoConsent
            | Code::NoDecryptKey => Self::Patient(code),
        }
    }
}

impl Refusal {
    /// Reads a body for a code.
    pub(super) fn of_code(body: &[u8]) -> Self {
        ResponseCode::read(body).map_or(Self::Unsaid, |code| {
            tracing::debug!("PKB's response code: {}", code.as_str());
            code.into()
        })
    }

    /// Reads the header `WWW-Authenticate` and the body of an answer with status 401 or 403 for what OAuth says.
    pub(super) fn of_oauth(challenge: Option<&HeaderValue>, body: &[u8]) -> Self {
        let says = |text: &str| text.contains("invalid_token");
        let in_header = challenge.and_then(|value| value.to_str().ok());
        let body: Option<Value> = serde_json::from_slice(body).ok();
        let in_body = body.as_ref().and_then(|body| body["error"].as_str());
        match in_header.is_some_and(says) || in_body.is_some_and(says) {
            true => Self::Token,
            false => Self::Unsaid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_oauth(challenge: &str, body: &str) -> Refusal {
        let challenge = HeaderValue::from_str(challenge).unwrap();
        Refusal::of_oauth(Some(&challenge), body.as_bytes())
    }

    #[test]
    fn what_is_said_of_the_token_is_never_taken_for_a_word_about_the_patient() {
        let token = r#"{"error":"invalid_token","error_description":"expired"}"#;
        for (challenge, body) in [
            ("Bearer error=\"invalid_token\"", ""),
            ("Bearer realm=\"pkb\", error=invalid_token", "<html>"),
            ("Bearer", token),
        ] {
            assert_eq!(
                of_oauth(challenge, body),
                Refusal::Token,
                "{challenge} {body}"
            );
        }
        assert_eq!(Refusal::of_oauth(None, token.as_bytes()), Refusal::Token);
    }

    #[test]
    fn what_says_nothing_is_left_open() {
        for body in ["", "{}", "[]", "<html>", r#"{"error":"unauthorized"}"#] {
            assert_eq!(of_oauth("Bearer", body), Refusal::Unsaid, "{body}");
            assert_eq!(Refusal::of_code(body.as_bytes()), Refusal::Unsaid);
        }
    }
}
