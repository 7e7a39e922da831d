//! What PKB means by 401 and 403: its response codes first ("CS: Response Code", p.3365077057), then what OAuth has for it (RFC 6750, 3.1),
//! and the HTTP status last.

use reqwest::header::HeaderValue;
use serde::Deserialize;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The access token, whoever the patient is.
    Token,
    /// All that this client asks; what to do about it.
    Client(&'static str),
    /// To show this patient.
    Patient,
    /// That is not said.
    Unsaid,
}

const SESSION_OVER: &str = "PKB has closed this client's API session. What to do: ask a coordinator to make a new refresh \
    token in PKB's web interface. Put that token into the file of --refresh-token-file. Then run the same command again";
const WRONG_CLIENT: &str = "PKB does not accept this kind of client for this call. What to do: ask PKB for a system client \
    that may make these calls. Set PKB_CLIENT_ID, then run the same command again";

#[derive(Deserialize)]
struct Body {
    error: Option<String>,
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
}

impl Refusal {
    /// Reads the header `WWW-Authenticate` and the body of an answer with status 401 or 403.
    pub(super) fn read(challenge: Option<&HeaderValue>, body: &[u8]) -> Self {
        let body: Option<Body> = serde_json::from_slice(body).ok();
        let codes = body.iter().flat_map(|body| {
            let details = body.issue.iter().filter_map(|issue| issue.details.as_ref());
            let codings = details.flat_map(|details| &details.coding);
            codings.filter_map(|coding| coding.code.as_deref())
        });
        if let Some(refusal) = codes.filter_map(Self::of_code).next() {
            return refusal;
        }
        let says = |text: &str| text.contains("invalid_token");
        let in_header = challenge.and_then(|value| value.to_str().ok());
        let in_body = body.as_ref().and_then(|body| body.error.as_deref());
        if in_header.is_some_and(says) || in_body.is_some_and(says) {
            return Self::Token;
        }
        Self::Unsaid
    }

    fn of_code(code: &str) -> Option<Self> {
        match code {
            "ACC_TOKEN_EXPIRED" | "BAD_AUTHENTICATION" => Some(Self::Token),
            "API_SESSION_EXPIRED" | "API_SESSION_INVALID" => Some(Self::Client(SESSION_OVER)),
            "USER_TYPE_NOT_PERM" => Some(Self::Client(WRONG_CLIENT)),
            "ACCESS_FROZEN_INWARD"
            | "SHARING_DISABLED"
            | "NO_ASSOCIATION"
            | "NO_CONSENT"
            | "NO_DECRYPT_KEY" => Some(Self::Patient),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(challenge: &str, body: &str) -> Refusal {
        let challenge = HeaderValue::from_str(challenge).unwrap();
        Refusal::read(Some(&challenge), body.as_bytes())
    }

    fn outcome(code: &str) -> String {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error"}},{{"details":{{"coding":[{{"code":"{code}"}}]}}}}]}}"#
        )
    }

    #[test]
    fn what_is_said_of_the_token_is_never_taken_for_a_word_about_the_patient() {
        let token = r#"{"error":"invalid_token","error_description":"expired"}"#;
        for (challenge, body) in [
            ("Bearer error=\"invalid_token\"", ""),
            ("Bearer realm=\"pkb\", error=invalid_token", "<html>"),
            ("Bearer", token),
            ("Bearer", &outcome("ACC_TOKEN_EXPIRED")),
            ("Bearer", &outcome("BAD_AUTHENTICATION")),
        ] {
            assert_eq!(read(challenge, body), Refusal::Token, "{challenge} {body}");
        }
        assert_eq!(Refusal::read(None, token.as_bytes()), Refusal::Token);
    }

    #[test]
    fn pkbs_own_codes_come_first_and_what_says_nothing_is_left_open() {
        let invalid = "Bearer error=\"invalid_token\"";
        assert_eq!(read(invalid, &outcome("NO_CONSENT")), Refusal::Patient);
        for code in ["API_SESSION_INVALID", "USER_TYPE_NOT_PERM"] {
            assert!(matches!(read(invalid, &outcome(code)), Refusal::Client(_)));
        }
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"{"error":"unauthorized"}"#,
            &outcome("NEW_CODE"),
        ] {
            assert_eq!(read("Bearer", body), Refusal::Unsaid, "{body}");
        }
    }
}
