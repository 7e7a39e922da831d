//! NHS Notify, as far as a campaign meets it: batches of messages, and what became of each. After the OpenAPI description of its API
//! (`communications-manager-api`) and the answers of its public sandbox. Unlike that one it remembers what it was given.
//!
//! * `token`: access tokens for a token that the application signs.
//! * `request`: what a batch says, and everything that is wrong with it. `errors`: its errors.
//! * `memory`: what was given, and how it fares.

pub(crate) mod errors;
pub(crate) mod memory;
mod request;
pub(crate) mod token;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State as AxumState};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

pub use memory::{NhsMessage, NhsNotifyConfig};

use crate::ledger::Asked;
use crate::state::State;
use errors::{JSON_API, NhsError, json_api};
use request::BatchRequest;

/// Most bytes of a batch.
const MOST_BYTES: usize = 5_200_000;
const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// Lets a request pass that has a good token, is not too much, and does not ask for an error (`Prefer: code=…`).
pub(crate) async fn require_token(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let correlation = headers.get(CORRELATION).cloned();
    let mut response = match guard(&state, &headers) {
        Err(refusal) => refusal,
        Ok(()) => next.run(request).await,
    };
    if let Some(correlation) = correlation {
        response.headers_mut().insert(CORRELATION, correlation);
    }
    response
}

#[expect(clippy::result_large_err, reason = "an answer is an error here")]
fn guard(state: &State, headers: &HeaderMap) -> Result<(), Response> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let now = state.machine_clock().now();
    let token = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let is_good = token.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && state.nhs_notify.tokens().is_good(token, now)
    });
    if !is_good {
        return Err(NhsError::Denied.answer(None));
    }
    if let Err(wait) = state.nhs_notify.spend(now) {
        return Err(NhsError::Quota.answer(Some(wait)));
    }
    let prefer = text(HeaderName::from_static("prefer")).and_then(|it| it.strip_prefix("code="));
    let wait = state.nhs_notify.config().retry_after;
    let error = match prefer {
        Some("401") => NhsError::Denied,
        Some("403") => NhsError::Forbidden,
        Some("403.1") => NhsError::ServiceBan,
        Some("408") => NhsError::Timeout,
        Some("422_batch" | "422_message") => NhsError::DuplicateRequest,
        Some("425") => return Err(NhsError::RetryTooEarly.answer(Some(wait))),
        Some("429") => return Err(NhsError::Quota.answer(Some(5))),
        Some("500") => NhsError::InternalServerError,
        Some("503") => return Err(NhsError::ServiceUnavailable.answer(Some(5))),
        Some("504") => NhsError::GatewayTimeout,
        _ => return Ok(()),
    };
    Err(error.answer(None))
}

/// `POST /comms/v1/message-batches`.
pub(crate) async fn send_batch(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(error) = content_type(&headers) {
        return error.answer(None);
    }
    if body.len() > MOST_BYTES {
        return NhsError::TooLarge.answer(None);
    }
    let config = state.nhs_notify.config();
    let batch = match BatchRequest::read(&body, config, state.world()) {
        Ok(batch) => batch,
        Err(problems) => return errors::answer(&problems, None),
    };
    if let Some(error) = plan_error(&batch.routing_plan, &config.routing_plans) {
        let wait = (error == NhsError::RetryTooEarly).then_some(config.retry_after);
        return error.answer(wait);
    }
    let count = batch.messages.len();
    let now = state.machine_clock().now();
    let answer = match state.nhs_notify.take(batch, state.world(), now) {
        Ok(data) => json_api(StatusCode::CREATED, &json!({ "data": data })),
        Err(NhsError::RetryTooEarly) => NhsError::RetryTooEarly.answer(Some(config.retry_after)),
        Err(error) => error.answer(None),
    };
    (Extension(Asked(count)), answer).into_response()
}

/// The plans of NHS Notify's own sandbox that fail, and those that there are not.
fn plan_error(plan: &str, known: &[String]) -> Option<NhsError> {
    Some(match plan {
        "4ead415a-c033-4b39-9b05-326ac237a3be" => NhsError::InvalidValue,
        "3bb82e6a-9873-4683-b2b9-fdf33c9ba86f" => NhsError::InternalServerError,
        "d895ade5-0029-4fc3-9fb5-86e1e5370854" => NhsError::RetryTooEarly,
        "c8857ccf-06ec-483f-9b3a-7fc732d9ad48" => NhsError::MissingRoutingPlanTemplate,
        "a3a4e55d-7a21-45a6-9286-8eb595c872a8" => NhsError::RoutingPlanDuplicateTemplates,
        plan if known.iter().any(|known| known == plan) => return None,
        _ => NhsError::NoSuchRoutingPlan,
    })
}

/// `application/vnd.api+json` or `application/json`, in UTF-8.
fn content_type(headers: &HeaderMap) -> Result<(), NhsError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let given = text(header::CONTENT_TYPE).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let is_json = |kind: &str| kind == JSON_API || kind == "application/json";
    if !parts.next().is_some_and(is_json) {
        return Err(NhsError::UnsupportedMedia);
    }
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    if charset.is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(NhsError::NotAcceptable);
    }
    let accept = text(header::ACCEPT).unwrap_or("*/*");
    let mut accepted = accept.split([',', ';']).map(str::trim);
    match accepted.any(|kind| is_json(kind) || kind == "*/*") {
        true => Ok(()),
        false => Err(NhsError::NotAcceptable),
    }
}

/// `GET /comms/v1/messages/{id}`. Each call moves the message on: how long it takes is nobody's promise.
pub(crate) async fn status(
    AxumState(state): AxumState<Arc<State>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let found = path.ok().and_then(|Path(id)| state.nhs_notify.look_at(&id));
    match found {
        Some(data) => json_api(StatusCode::OK, &json!({ "data": data })),
        None => NhsError::NotFound.answer(None),
    }
}

/// What was given, in numbers: batches, messages, and messages to a patient who had one already.
pub(crate) async fn summary(AxumState(state): AxumState<Arc<State>>) -> Json<Value> {
    Json(state.nhs_notify.summary())
}
