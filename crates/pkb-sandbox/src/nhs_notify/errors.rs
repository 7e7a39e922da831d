//! NHS Notify's errors, as its OpenAPI description has them: JSON:API objects with a code, a status and a pointer.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most errors of one answer.
const MOST: usize = 100;
/// What bodies are.
pub(super) const JSON_API: &str = "application/vnd.api+json";
/// Where messages are in a batch.
const MESSAGES: &str = "/data/attributes/messages";

/// An error that NHS Notify documents. Those that a fault can ask for have a name in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NhsError {
    MissingValue,
    NullValue,
    InvalidValue,
    InvalidNhsNumber,
    DuplicateValue,
    TooFewItems,
    OdsCodeRequired,
    CannotSetOdsCode,
    CannotSetContactDetails,
    Denied,
    Forbidden,
    ServiceBan,
    NoSuchRoutingPlan,
    NotFound,
    NotAllowed,
    NotAcceptable,
    UnsupportedMedia,
    Timeout,
    GatewayTimeout,
    TooLarge,
    TooManyItems,
    DuplicateRequest,
    RetryTooEarly,
    Quota,
    InternalServerError,
    MissingRoutingPlanTemplate,
    RoutingPlanDuplicateTemplates,
    BadGateway,
    ServiceUnavailable,
}

impl NhsError {
    /// Status, code, and where the error is unless something else is said.
    fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::MissingValue => (400, "CM_MISSING_VALUE", "/data"),
            Self::NullValue => (400, "CM_NULL_VALUE", "/data"),
            Self::InvalidValue => (400, "CM_INVALID_VALUE", "/data"),
            Self::InvalidNhsNumber => (
                400,
                "CM_INVALID_NHS_NUMBER",
                "/data/attributes/messages/0/recipient/nhsNumber",
            ),
            Self::DuplicateValue => (
                400,
                "CM_DUPLICATE_VALUE",
                "/data/attributes/messages/0/messageReference",
            ),
            Self::TooFewItems => (400, "CM_TOO_FEW_ITEMS", MESSAGES),
            Self::OdsCodeRequired => (
                400,
                "CM_ODS_CODE_REQUIRED",
                "/data/attributes/messages/0/originator/odsCode",
            ),
            Self::CannotSetOdsCode => (
                400,
                "CM_CANNOT_SET_ODS_CODE",
                "/data/attributes/messages/0/originator/odsCode",
            ),
            Self::CannotSetContactDetails => (
                400,
                "CM_CANNOT_SET_CONTACT_DETAILS",
                "/data/attributes/messages/0/recipient/contactDetails",
            ),
            Self::Denied => (401, "CM_DENIED", ""),
            Self::Forbidden => (403, "CM_FORBIDDEN", ""),
            Self::ServiceBan => (403, "CM_SERVICE_BAN", ""),
            Self::NoSuchRoutingPlan => (
                404,
                "CM_NO_SUCH_ROUTING_PLAN",
                "/data/attributes/routingPlanId",
            ),
            Self::NotFound => (404, "CM_NOT_FOUND", ""),
            Self::NotAllowed => (405, "CM_NOT_ALLOWED", ""),
            Self::NotAcceptable => (406, "CM_NOT_ACCEPTABLE", ""),
            Self::UnsupportedMedia => (415, "CM_UNSUPPORTED_MEDIA", ""),
            Self::Timeout => (408, "CM_TIMEOUT", ""),
            Self::GatewayTimeout => (504, "CM_TIMEOUT", ""),
            Self::TooLarge => (413, "CM_TOO_LARGE", ""),
            Self::TooManyItems => (413, "CM_TOO_MANY_ITEMS", MESSAGES),
            Self::DuplicateRequest => (422, "CM_DUPLICATE_REQUEST", ""),
            Self::RetryTooEarly => (425, "CM_RETRY_TOO_EARLY", ""),
            Self::Quota => (429, "CM_QUOTA", ""),
            Self::InternalServerError => (500, "CM_INTERNAL_SERVER_ERROR", ""),
            Self::MissingRoutingPlanTemplate => (
                500,
                "CM_MISSING_ROUTING_PLAN_TEMPLATE",
                "/data/attributes/routingPlanId",
            ),
            Self::RoutingPlanDuplicateTemplates => (
                500,
                "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES",
                "/data/attributes/routingPlanId",
            ),
            Self::BadGateway => (502, "CM_BAD_GATEWAY", ""),
            Self::ServiceUnavailable => (503, "CM_SERVICE_UNAVAILABLE", ""),
        }
    }

    /// The status of its answer.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.words().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// An error at a place of the request.
    pub(super) fn at(self, pointer: impl Into<String>) -> Problem {
        Problem {
            error: self,
            pointer: pointer.into(),
        }
    }

    /// The answer; `wait` is its Retry-After in seconds.
    pub(crate) fn answer(self, wait: Option<u64>) -> Response {
        answer(&[self.at(self.words().2)], wait)
    }
}

/// What is wrong, and where.
pub(super) struct Problem {
    error: NhsError,
    pointer: String,
}

impl Problem {
    /// The same, seen from further up.
    pub(super) fn below(self, above: &str) -> Self {
        let pointer = format!("{above}{}", self.pointer);
        Self { pointer, ..self }
    }

    fn object(&self, number: usize) -> Value {
        let (status, code, _) = self.error.words();
        let mut object = json!({
            "id": format!("rehearsal.{number}"),
            "code": code,
            "links": {"about": "https://digital.nhs.uk/developer/api-catalogue/nhs-notify"},
            "status": status.to_string(),
            "title": code.trim_start_matches("CM_").replace('_', " ").to_lowercase(),
            "detail": "An error of the sandbox, as NHS Notify documents it.",
        });
        if !self.pointer.is_empty() {
            object["source"] = json!({"pointer": self.pointer});
        }
        object
    }
}

/// The answer to a request with these problems, all of one status.
pub(super) fn answer(problems: &[Problem], wait: Option<u64>) -> Response {
    let status = problems
        .first()
        .map_or(StatusCode::INTERNAL_SERVER_ERROR, |first| {
            first.error.status()
        });
    let objects = problems.iter().take(MOST).enumerate();
    let errors: Vec<Value> = objects
        .map(|(number, problem)| problem.object(number))
        .collect();
    let mut response = json_api(status, &json!({ "errors": errors }));
    if let Some(wait) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

/// A body as JSON:API has it.
pub(super) fn json_api(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, JSON_API)];
    (status, kind, body.to_string()).into_response()
}
