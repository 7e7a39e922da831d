//! The shapes of answers that several endpoints share. PKB publishes few error bodies; these follow the one of its token endpoint.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// More than any request that the endpoints take, or answer of theirs.
pub(crate) const BODY_LIMIT_BYTES: usize = 128 * 1024 * 1024;

/// An error as JSON: a word for programs and a sentence for people.
pub(crate) fn error(status: StatusCode, error: &str, description: &str) -> Response {
    (
        status,
        Json(json!({"error": error, "error_description": description})),
    )
        .into_response()
}

/// 401 with the challenge that HTTP asks for.
pub(crate) fn unauthorized(scheme: &'static str, word: &str, description: &str) -> Response {
    let mut response = error(StatusCode::UNAUTHORIZED, word, description);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    response
}

pub(crate) async fn unknown_path() -> Response {
    error(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this address",
    )
}

pub(crate) async fn wrong_method() -> Response {
    error(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address has no such method",
    )
}
