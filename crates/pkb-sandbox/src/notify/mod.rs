//! GOV.UK Notify, as far as a campaign meets it: text messages from templates, letters that are PDFs already, what became of both, and
//! templates. After Notify's published documentation of its REST API; where that says nothing, the item does.
//!
//! * `key`: who may call.
//! * `errors`: every error, by its documented status, type and words.
//! * `template`: texts with `((placeholders))`.
//! * `memory`: what was sent, and how it fared.
//! * `bill`: what it cost.

mod bill;
pub(crate) mod errors;
mod key;
pub(crate) mod memory;
mod template;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State as AxumState};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

pub use memory::{Notified, NotifyConfig};
pub use template::NotifyTemplate;

use crate::state::State;
use errors::NotifyError;
use memory::NewNotification;
use template::Placeholders;

/// Texts to these numbers are checked and answered, and neither sent nor remembered.
const SMOKE_TEST: [&str; 3] = ["447700900000", "447700900111", "447700900222"];
/// Most characters of a text message.
const MAX_CHARACTERS: usize = 918;
/// What a PDF begins with.
const PDF: &[u8] = b"%PDF-";

/// Lets a request pass that shows a good token.
pub(crate) async fn require_key(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    match key::check(&headers, state.notify.key(), state.machine_clock().now()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// `POST /v2/notifications/sms`.
pub(crate) async fn send_text(AxumState(state): AxumState<Arc<State>>, body: Bytes) -> Response {
    text(&state, &body).unwrap_or_else(IntoResponse::into_response)
}

fn text(state: &State, body: &[u8]) -> Result<Response, NotifyError> {
    state.notify.spend(state.machine_clock().now())?;
    let body = object(
        body,
        &[
            "phone_number",
            "template_id",
            "personalisation",
            "reference",
            "sms_sender_id",
        ],
    )?;
    let phone = body
        .get("phone_number")
        .and_then(Value::as_str)
        .ok_or(NotifyError::form("phone_number is a required property"))?;
    let id = body
        .get("template_id")
        .and_then(Value::as_str)
        .ok_or(NotifyError::form("template_id is a required property"))?;
    let phone = mobile(phone)?;
    // The Crown dependencies are abroad.
    if bill::multiplier(&phone) > 1 && !state.notify.is_international() {
        return Err(NotifyError::International);
    }
    if body.contains_key("sms_sender_id") {
        return Err(NotifyError::UnknownSender);
    }
    let template = state
        .notify
        .template(id)
        .ok_or(NotifyError::TemplateNotFound)?;
    let empty = Map::new();
    let values = body
        .get("personalisation")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let content = template.fill("sms", &Placeholders::of(values))?;
    if content.chars().count() > MAX_CHARACTERS {
        return Err(NotifyError::TooLong);
    }
    let reference = reference(&body);
    let answer = |id: &str| {
        json!({
            "id": id,
            "reference": reference,
            "content": {"body": content, "from_number": "GOVUK"},
            "uri": format!("/v2/notifications/{id}"),
            "template": {"id": template.id, "version": 1, "uri": format!("/v2/template/{}", template.id)},
            "scheduled_for": null,
        })
    };
    if SMOKE_TEST.contains(&phone.as_str()) {
        let answer = answer("00000000-0000-4000-8000-000000000999");
        return Ok((StatusCode::CREATED, Json(answer)).into_response());
    }
    let id = state.notify.take(NewNotification {
        kind: "sms",
        reference: reference.clone(),
        phone_number: Some(phone),
        template_id: Some(template.id.clone()),
        body: Some(content.clone()),
        postage: None,
        pdf: None,
        at: state.machine_clock().now(),
    })?;
    Ok((StatusCode::CREATED, Json(answer(&id))).into_response())
}

/// `POST /v2/notifications/letter`, with a PDF or with the values of a template.
pub(crate) async fn send_letter(AxumState(state): AxumState<Arc<State>>, body: Bytes) -> Response {
    letter(&state, &body).unwrap_or_else(IntoResponse::into_response)
}

fn letter(state: &State, body: &[u8]) -> Result<Response, NotifyError> {
    state.notify.spend(state.machine_clock().now())?;
    let is_of_template = matches!(
        serde_json::from_slice(body),
        Ok(Value::Object(object)) if object.contains_key("template_id")
    );
    if is_of_template {
        return template_letter(state, body);
    }
    let body = object(body, &["reference", "content", "postage"])?;
    let reference =
        reference(&body).ok_or(NotifyError::form("reference is a required property"))?;
    let content = body
        .get("content")
        .and_then(Value::as_str)
        .ok_or(NotifyError::form("content is a required property"))?;
    let postage = match body.get("postage").map(Value::as_str) {
        None => "second",
        Some(Some("first")) => "first",
        Some(Some("second")) => "second",
        Some(Some("economy")) => "economy",
        Some(_) => {
            return Err(NotifyError::form(
                "postage invalid. It must be either first, second or economy.",
            ));
        }
    };
    let pdf = STANDARD
        .decode(content)
        .map_err(|_| NotifyError::NotBase64)?;
    if !pdf.starts_with(PDF) {
        return Err(NotifyError::NotAPdf);
    }
    let id = state.notify.take(NewNotification {
        kind: "letter",
        reference: Some(reference.clone()),
        phone_number: None,
        template_id: None,
        body: None,
        postage: Some(postage),
        pdf: Some(pdf),
        at: state.machine_clock().now(),
    })?;
    let answer = json!({"id": id, "reference": reference, "postage": postage});
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Lines of an address that Notify takes at least and at most, name and postcode counted.
const ADDRESS_LINES: std::ops::RangeInclusive<usize> = 3..=7;
/// No line begins with one of these.
const BAD_BEGINNINGS: &[char] = &[
    '@', '(', ')', '=', '[', ']', '"', '\\', '/', ',', '<', '>', '~',
];

fn template_letter(state: &State, body: &[u8]) -> Result<Response, NotifyError> {
    let body = object(body, &["template_id", "personalisation", "reference"])?;
    let id = body.get("template_id").and_then(Value::as_str);
    let template = id.and_then(|id| state.notify.template(id));
    let template = template.ok_or(NotifyError::TemplateNotFound)?;
    let values = body
        .get("personalisation")
        .and_then(Value::as_object)
        .ok_or(NotifyError::form("personalisation is a required property"))?;
    let values = Placeholders::of(values);
    let words = template.fill("letter", &values)?;
    let address = address(&values)?;
    let content = format!("{}\n\n{words}", address.join("\n"));
    let reference = reference(&body);
    let id = state.notify.take(NewNotification {
        kind: "letter",
        reference: reference.clone(),
        phone_number: None,
        template_id: Some(template.id.clone()),
        body: Some(content),
        postage: Some("second"),
        pdf: None,
        at: state.machine_clock().now(),
    })?;
    let answer = json!({
        "id": id,
        "reference": reference,
        "content": {"subject": "a letter", "body": words},
        "uri": format!("/v2/notifications/{id}"),
        "template": {"id": template.id, "version": 1, "uri": format!("/v2/template/{}", template.id)},
        "scheduled_for": null,
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The lines of an address, if Notify prints them.
fn address(values: &Placeholders) -> Result<Vec<String>, NotifyError> {
    let lines = (1..=7).filter_map(|line| values.get(&format!("address_line_{line}")));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if !ADDRESS_LINES.contains(&lines.len()) {
        return Err(NotifyError::form(
            "Address must be at least 3 lines long, and no more than 7",
        ));
    }
    let has_sign = |line: &String| line.chars().any(|c| c.is_ascii_alphanumeric());
    if !lines.iter().take(2).all(has_sign) {
        return Err(NotifyError::form(
            "The first 2 lines of the address must include a letter or a number",
        ));
    }
    if lines.iter().any(|line| line.starts_with(BAD_BEGINNINGS)) {
        return Err(NotifyError::form(
            "Address lines must not start with any of the following characters: @ ( ) = [ ] ” \\ / , < > ~",
        ));
    }
    // A postcode is two words with a digit before the last two letters; whether it is a country is not looked at.
    let last = lines
        .last()
        .map(|line| line.to_uppercase())
        .unwrap_or_default();
    let is_end = |word: &str| {
        let bytes = word.as_bytes();
        matches!(bytes, [digit, a, b] if digit.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase())
    };
    let has_digit = last.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit && !last.split(' ').next_back().is_some_and(is_end) && !last.starts_with("BFPO") {
        return Err(NotifyError::form(
            "Last line of address must be a real UK postcode or another country",
        ));
    }
    Ok(lines)
}

/// `GET /v2/notifications`, of which `reference` alone is heard: the newest first, 250 at most.
pub(crate) async fn find(
    AxumState(state): AxumState<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let wanted = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "reference")
        .map(|(_, value)| value.into_owned());
    let found = state.notify.find(wanted.as_deref());
    Json(json!({"notifications": found, "links": {"current": "/v2/notifications"}})).into_response()
}

/// `GET /v2/notifications/{id}`. Each call moves it on: how long a text or a letter takes is nobody's promise.
pub(crate) async fn status(
    AxumState(state): AxumState<Arc<State>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let found = path.ok().and_then(|Path(id)| state.notify.look_at(&id));
    match found {
        Some(found) => Json(found).into_response(),
        None => NotifyError::NoResult.into_response(),
    }
}

/// `GET /v2/template/{id}`.
pub(crate) async fn template(
    AxumState(state): AxumState<Arc<State>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let found = path.ok().and_then(|Path(id)| state.notify.template(&id));
    match found {
        Some(template) => Json(template.answer()).into_response(),
        None => NotifyError::NoResult.into_response(),
    }
}

/// What was sent, in numbers: how many texts and letters, and how many of them a second time (the same text to the same number, the same
/// letter).
pub(crate) async fn summary(AxumState(state): AxumState<Arc<State>>) -> Response {
    Json(state.notify.summary()).into_response()
}

/// A body with no other fields than these.
fn object(body: &[u8], fields: &[&str]) -> Result<Map<String, Value>, NotifyError> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Err(NotifyError::form("Invalid JSON supplied in POST data"));
    };
    if object.keys().any(|key| !fields.contains(&key.as_str())) {
        return Err(NotifyError::form("Additional properties are not allowed"));
    }
    Ok(object)
}

fn reference(body: &Map<String, Value>) -> Option<String> {
    let text = body.get("reference")?.as_str()?;
    Some(text.to_owned())
}

/// A mobile of the United Kingdom, as digits from 44 on. Number 996 of the range that no telephone has is refused, for tests.
fn mobile(text: &str) -> Result<String, NotifyError> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '+'))
        .collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotifyError::PhoneNumber);
    }
    let digits = digits.trim_start_matches('0');
    let national = digits.strip_prefix("44").unwrap_or(digits);
    let national = national.trim_start_matches('0');
    if national.len() != 10 || !national.starts_with('7') || national == "7700900996" {
        return Err(NotifyError::PhoneNumber);
    }
    Ok(format!("44{national}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_is_taken_in_any_usual_spelling() {
        for text in [
            "07700900123",
            "+447700900123",
            "+44 (0)7700 900-123",
            "7700900123",
        ] {
            assert_eq!(mobile(text).ok().as_deref(), Some("447700900123"), "{text}");
        }
        for text in [
            "0191 496 0123",
            "077009001234",
            "07700 90012x",
            "",
            "07700900996",
        ] {
            assert!(mobile(text).is_err(), "{text}");
        }
    }
}
