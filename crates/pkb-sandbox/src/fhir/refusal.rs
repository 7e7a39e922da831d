//! Why a whole request is refused, as an OperationOutcome.
//!
//! PKB publishes that one unsupported identifier system refuses the whole request, and no status and no body for that. Here: 400 for what is
//! not the request that the operation takes (with too many patients, too), 422 for one that it does not want to carry out, and the statuses
//! of HTTP for headers. No refusal says which patient it is about.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(crate) const MEDIA_TYPE: &str = "application/fhir+json";

#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// From FHIR's list of issue types.
    code: &'static str,
    text: &'static str,
}

impl Refusal {
    pub(crate) const NO_ORGANISATION: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        code: "login",
        text: "X-Org-Public-Id is missing",
    };
    pub(super) const ORGANISATION: Self = Self {
        status: StatusCode::FORBIDDEN,
        code: "forbidden",
        text: "X-Org-Public-Id must be the UUID of an organisation that this client may act for",
    };
    /// Operations are switched on by request. How PKB refuses one that is not, is not published.
    pub(super) const NOT_ENABLED: Self = Self {
        status: StatusCode::FORBIDDEN,
        code: "forbidden",
        text: "the operation is not switched on for this client",
    };
    pub(super) const NO_IDENTIFIER: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "required",
        text: "the search needs an identifier of system and number",
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

    // Of messages.
    pub(crate) const NOT_A_PATIENT: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "structure",
        text: "the body must be a Patient resource",
    };
    pub(crate) const NO_PATIENT_IDENTIFIER: Self = Self::required("Patient.identifier is required");
    pub(crate) const NO_GIVEN: Self = Self::required("Patient.name.given is required");
    /// A list, as in later versions of FHIR, is none.
    pub(crate) const NO_FAMILY: Self =
        Self::required("Patient.name.family is required, and is a string");
    pub(crate) const NO_GENDER: Self = Self::required("Patient.gender is required");
    pub(crate) const NO_BIRTH_DATE: Self = Self::required("Patient.birthDate is required");
    pub(crate) const BAD_IDENTIFIER: Self =
        Self::invalid("Patient.identifier is not a number of its scheme");
    pub(crate) const BAD_GENDER: Self = Self::invalid("Patient.gender is not one of FHIR's");
    pub(crate) const BAD_BIRTH_DATE: Self =
        Self::invalid("Patient.birthDate is not of the form YYYY-MM-DD");
    pub(crate) const BAD_DEATH: Self = Self::invalid(
        "Patient.deceasedBoolean or Patient.deceasedDateTime is not what it should be",
    );
    pub(crate) const SECOND_PHONE: Self = Self::invalid("Patient.telecom has more than one phone");
    pub(crate) const UNKNOWN_TEAM: Self =
        Self::invalid("Patient.extension has a team alias that is not one of the organisation's");
    pub(crate) const NO_DEFAULT_TEAM: Self =
        Self::invalid("Patient.extension lacks the team alias of the default team");
    pub(crate) const EMAIL_TAKEN: Self = Self {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "duplicate",
        text: "Patient.telecom has an email that is in another patient's record",
    };

    const fn required(text: &'static str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "required",
            text,
        }
    }

    const fn invalid(text: &'static str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "value",
            text,
        }
    }
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
