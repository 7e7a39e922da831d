//! Notify's errors, by the documentation of its REST API: `{"status_code": …, "errors": [{"error": …, "message": …}]}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorWords(&'static str);

/// An error that Notify documents. Those that a fault can ask for have a name in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotifyError {
    /// A request that is not of the documented form; in these words.
    #[serde(skip)]
    Form(ErrorWords),
    PhoneNumber,
    International,
    TemplateNotFound,
    #[serde(skip)]
    MissingPersonalisation,
    #[serde(skip)]
    TooLong,
    UnknownSender,
    TrialMode,
    TeamOnly,
    #[serde(skip)]
    NotBase64,
    NotAPdf,
    TeamKeyLetter,
    NoToken,
    Clock,
    UnknownKey,
    RateLimit,
    DailyLimit,
    #[serde(skip)]
    NoResult,
    Exception,
}

impl NotifyError {
    /// A request that is not of the documented form.
    pub(super) fn form(what: &'static str) -> Self {
        Self::Form(ErrorWords(what))
    }

    /// Status, type and message.
    fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Form(ErrorWords(what)) => (400, "ValidationError", what),
            Self::PhoneNumber => (
                400,
                "ValidationError",
                "phone_number Not a UK mobile number",
            ),
            Self::International => (
                400,
                "BadRequestError",
                "Cannot send to international mobile numbers",
            ),
            Self::TemplateNotFound => (400, "BadRequestError", "Template not found"),
            Self::MissingPersonalisation => (
                400,
                "BadRequestError",
                "Missing personalisation: a placeholder",
            ),
            Self::TooLong => (
                400,
                "BadRequestError",
                "Your message is too long. Text messages cannot be longer than 918 characters.",
            ),
            Self::UnknownSender => (
                400,
                "BadRequestError",
                "sms_sender_id does not exist in database for service id",
            ),
            Self::TrialMode => (
                400,
                "BadRequestError",
                "Can't send to this recipient when service is in trial mode",
            ),
            Self::TeamOnly => (
                400,
                "BadRequestError",
                "Can't send to this recipient using a team-only API key",
            ),
            Self::NotBase64 => (
                400,
                "BadRequestError",
                "Cannot decode letter content (invalid base64 encoding)",
            ),
            Self::NotAPdf => (400, "BadRequestError", "Letter content is not a valid PDF"),
            Self::TeamKeyLetter => (
                403,
                "BadRequestError",
                "Cannot send letters with a team api key",
            ),
            Self::NoToken => (
                401,
                "AuthError",
                "Unauthorized: authentication token must be provided",
            ),
            Self::Clock => (
                403,
                "AuthError",
                "Error: Your system clock must be accurate to within 30 seconds",
            ),
            Self::UnknownKey => (403, "AuthError", "Invalid token: API key not found"),
            Self::RateLimit => (
                429,
                "RateLimitError",
                "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds",
            ),
            Self::DailyLimit => (
                429,
                "TooManyRequestsError",
                "Exceeded send limits (250000) for today",
            ),
            Self::NoResult => (404, "NoResultFound", "No result found"),
            Self::Exception => (500, "Exception", "Internal server error"),
        }
    }

    /// The status, for the ledger.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.words().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for NotifyError {
    fn into_response(self) -> Response {
        let (status, error, message) = self.words();
        let body = json!({"status_code": status, "errors": [{"error": error, "message": message}]});
        (self.status(), Json(body)).into_response()
    }
}
