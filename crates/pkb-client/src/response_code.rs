//! PKB's response codes ("CS: Response Code", p.3365077057): what PKB means by a refusal. Which HTTP status goes with which code is not
//! published, so a code is read first, whatever the status is.

use std::fmt;

use serde_json::Value;

/// The system of the codes.
const SYSTEM: &str = "http://fhir.patientsknowbest.com/codesystem/response-code";

macro_rules! response_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $meaning:literal;)+) => {
        /// A code of PKB's. The list is closed, so that a code may be shown and logged.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ResponseCode { $($(#[$doc])* $name,)+ }

        impl ResponseCode {
            /// All codes.
            const ALL: &[Self] = &[$(Self::$name,)+];

            /// As PKB writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it says, in our words.
            fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

response_codes! {
    /// The access token has expired.
    AccessTokenExpired = "ACC_TOKEN_EXPIRED", "the access token has expired";
    /// No access token, or none that is known.
    BadAuthentication = "BAD_AUTHENTICATION", "the access token is not known";
    /// Neither access nor refresh token works any more.
    SessionExpired = "API_SESSION_EXPIRED", "the client's API session is over";
    /// The same, for example because a refresh token was used twice.
    SessionInvalid = "API_SESSION_INVALID", "the client's API session was closed";
    /// The call is not for this kind of client.
    WrongUserType = "USER_TYPE_NOT_PERM", "the call is not for this kind of client";
    /// The access of the patient who asks is frozen. No system client is one.
    FrozenOutward = "ACCESS_FROZEN_OUTWARD", "the access of the account that asks is frozen";
    /// The patient's record is frozen.
    FrozenInward = "ACCESS_FROZEN_INWARD", "the record is frozen";
    /// The patient does not share the record.
    SharingDisabled = "SHARING_DISABLED", "sharing is switched off for the record";
    /// The patient has nothing to do with the organisation.
    NoAssociation = "NO_ASSOCIATION", "the record is not connected with your organisation";
    /// The patient has not consented.
    NoConsent = "NO_CONSENT", "the patient has not consented";
    /// Nobody has handed over the record's key.
    NoDecryptKey = "NO_DECRYPT_KEY", "the key of the record is missing";
}

impl ResponseCode {
    /// The code in a body, if it is an OperationOutcome of an error with one of PKB's. What only warns refuses nothing.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        // Most bodies are not looked at any closer.
        let mut parts = body.windows(SYSTEM.len());
        if !parts.any(|part| part == SYSTEM.as_bytes()) {
            return None;
        }
        let outcome: Value = serde_json::from_slice(body).ok()?;
        if outcome["resourceType"] != "OperationOutcome" {
            return None;
        }
        let is_error = |issue: &&Value| {
            let severity = issue["severity"].as_str();
            !matches!(severity, Some("warning" | "information"))
        };
        let issues = outcome["issue"].as_array()?.iter().filter(is_error);
        let codings = issues.filter_map(|issue| issue["details"]["coding"].as_array());
        codings
            .flatten()
            .filter(|coding| coding["system"] == SYSTEM)
            .find_map(|coding| Self::parse(coding["code"].as_str()?))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut codes = Self::ALL.iter().copied();
        codes.find(|code| code.as_str() == text)
    }
}

/// What it means, and the code itself.
impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.meaning(), self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(severity: &str, system: &str, code: &str) -> Value {
        let coding =
            json!([{"system": "urn:other", "code": "OTHER"}, {"system": system, "code": code}]);
        json!({
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "details": null}, {"severity": severity, "details": {"coding": coding}}],
        })
    }

    fn read(body: &Value) -> Option<ResponseCode> {
        ResponseCode::read(body.to_string().as_bytes())
    }

    #[test]
    fn every_code_is_read_from_an_outcome_of_an_error() {
        for code in ResponseCode::ALL {
            for severity in ["error", "fatal"] {
                let found = read(&outcome(severity, SYSTEM, code.as_str()));
                assert_eq!(found, Some(*code));
            }
            for severity in ["warning", "information"] {
                assert_eq!(read(&outcome(severity, SYSTEM, code.as_str())), None);
            }
        }
    }

    #[test]
    fn a_code_of_another_system_or_of_no_outcome_is_none_of_pkbs() {
        let mut bundle = outcome("error", SYSTEM, "NO_CONSENT");
        bundle["resourceType"] = "Bundle".into();
        let other_system = SYSTEM.replace("response-code", "response-code-2");
        for body in [
            bundle,
            outcome("error", "urn:other", "NO_CONSENT"),
            outcome("error", &other_system, "NO_CONSENT"),
            outcome("error", SYSTEM, "NEW_CODE"),
            outcome("error", SYSTEM, "no_consent"),
            json!({"resourceType": "OperationOutcome", "issue": SYSTEM}),
            json!([SYSTEM]),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
        assert_eq!(ResponseCode::read(SYSTEM.as_bytes()), None);
    }
}
