//! Why a whole request is refused, as an OperationOutcome.
//!
//! PKB publishes that one unsupported identifier system refuses the whole request, and no status and no body for that. Here: 400 for what is
//! not the request that the operation takes (with too many patients, too), 422 for one that it does not want to carry out, and the statuses
//! of HTTP for headers. No refusal says which patient it is about.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(super) const MEDIA_TYPE: &str = "application/fhir+json";

#[derive(Clone, Copy)]
pub(super) struct Refusal {
    status: StatusCode,
    /// From FHIR's list of issue types.
    code: &'static str,
    text: &'static str,
}

impl Refusal {
    pub(super) const ORGANISATION: Self = Self {
        status: StatusCode::FORBIDDEN,
        code: "forbidden",
        text: "X-Org-Public-Id must be the UUID of an organisation that this client may act for",
    };
    pub(super) const CONTENT_TYPE: Self = Self {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "not-supported",
        text: "the Content-Type must be application/fhir+json",
    };
    pub(super) const ACCEPT: Self = Self {
        status: StatusCode::NOT_ACCEPTABLE,
        code: "not-supported",
        text: "the answer is application/fhir+json, which Accept does not want",
    };
    pub(super) const MALFORMED: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "structure",
        text: "the body must be a Parameters resource of patientIdentifier parameters with a valueIdentifier of system and value",
    };
    pub(super) const NOBODY: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "required",
        text: "at least one patientIdentifier is needed",
    };
    pub(super) const TOO_MANY: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "too-costly",
        text: "there are more patientIdentifier parameters than the operation takes",
    };
    pub(super) const SYSTEM: Self = Self {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "not-supported",
        text: "the system of an identifier is not supported",
    };
    pub(super) const BATCH: Self = Self {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "processing",
        text: "the request was refused",
    };
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": self.code, "diagnostics": self.text}],
        });
        let kind = [(header::CONTENT_TYPE, MEDIA_TYPE)];
        (self.status, kind, body.to_string()).into_response()
    }
}
