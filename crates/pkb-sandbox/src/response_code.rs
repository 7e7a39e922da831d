//! PKB's response codes ("CS: Response Code"), which come in an OperationOutcome. The codes are published; which HTTP status goes with which
//! is not.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

const SYSTEM: &str = "http://fhir.patientsknowbest.com/codesystem/response-code";

/// A code. In JSON it is written as PKB writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum ResponseCode {
    #[serde(rename = "ACC_TOKEN_EXPIRED")]
    AccessTokenExpired,
    #[serde(rename = "API_SESSION_EXPIRED")]
    SessionExpired,
    #[serde(rename = "API_SESSION_INVALID")]
    SessionInvalid,
    #[serde(rename = "BAD_AUTHENTICATION")]
    BadAuthentication,
    #[serde(rename = "USER_TYPE_NOT_PERM")]
    UserTypeNotPermitted,
    #[serde(rename = "ACCESS_FROZEN_OUTWARD")]
    FrozenOutward,
    #[serde(rename = "ACCESS_FROZEN_INWARD")]
    FrozenInward,
    #[serde(rename = "SHARING_DISABLED")]
    SharingDisabled,
    #[serde(rename = "NO_ASSOCIATION")]
    NoAssociation,
    #[serde(rename = "NO_CONSENT")]
    NoConsent,
    #[serde(rename = "NO_DECRYPT_KEY")]
    NoDecryptKey,
}

impl ResponseCode {
    fn name(self) -> &'static str {
        match self {
            Self::AccessTokenExpired => "ACC_TOKEN_EXPIRED",
            Self::SessionExpired => "API_SESSION_EXPIRED",
            Self::SessionInvalid => "API_SESSION_INVALID",
            Self::BadAuthentication => "BAD_AUTHENTICATION",
            Self::UserTypeNotPermitted => "USER_TYPE_NOT_PERM",
            Self::FrozenOutward => "ACCESS_FROZEN_OUTWARD",
            Self::FrozenInward => "ACCESS_FROZEN_INWARD",
            Self::SharingDisabled => "SHARING_DISABLED",
            Self::NoAssociation => "NO_ASSOCIATION",
            Self::NoConsent => "NO_CONSENT",
            Self::NoDecryptKey => "NO_DECRYPT_KEY",
        }
    }

    /// An answer with this code.
    pub(crate) fn outcome(self, status: StatusCode) -> Response {
        let coding = [json!({"system": SYSTEM, "code": self.name()})];
        let issue =
            json!({"severity": "error", "code": "forbidden", "details": {"coding": coding}});
        let body = json!({"resourceType": "OperationOutcome", "issue": [issue]});
        let kind = [(header::CONTENT_TYPE, "application/fhir+json")];
        (status, kind, body.to_string()).into_response()
    }
}
