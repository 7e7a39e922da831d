//! The two token endpoints (client credentials, tethered refresh token) and the check of bearer tokens.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::form_urlencoded;

use crate::faults::selection::TokenSettings;
use crate::reply;
use crate::response_code::ResponseCode;
use crate::state::State;
use crate::tokens::{BEARER_SECONDS, Bearer, Standing};

/// `POST /api/oauth/token`. The client is known by HTTP Basic or by the form; never a refresh token in the answer.
pub(crate) async fn token(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = match TokenForm::parse(&headers, &body, "client_credentials") {
        Ok(form) => form,
        Err((word, what)) => return reply::error(StatusCode::BAD_REQUEST, word, what),
    };
    let client = match headers.get(header::AUTHORIZATION) {
        Some(value) => basic(value),
        None => form.get("client_id").zip(form.get("client_secret")),
    };
    if client.is_none_or(|(id, secret)| id != state.client_id || secret != state.client_secret) {
        return unknown_client();
    }
    let settings = state.faults.token_settings();
    if settings.one_live {
        state.tokens.end_all();
    }
    let bearer = state
        .tokens
        .issue(settings.seconds.unwrap_or(BEARER_SECONDS));
    handed_out(bearer, None, settings)
}

/// `POST /apiToken.action`, for a client with a tethered token. Every answer has a new refresh token, and the one that was used is spent,
/// also when the answer is lost. A refresh token that is used twice ends the session, with all access tokens of it.
///
/// That PKB answers `API_SESSION_INVALID` then is published, and the status is not.
pub(crate) async fn tethered_token(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = match TokenForm::parse(&headers, &body, "refresh_token") {
        Ok(form) => form,
        Err((word, what)) => return reply::error(StatusCode::BAD_REQUEST, word, what),
    };
    if form.get("scope").as_deref() != Some("SITE") {
        return reply::error(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            "the scope must be SITE",
        );
    }
    if form.get("client_id").as_ref() != Some(&state.client_id) {
        return unknown_client();
    }
    let settings = state.faults.token_settings();
    let seconds = settings.seconds.unwrap_or(BEARER_SECONDS);
    let refresh = form.get("refresh_token").unwrap_or_default();
    if settings.one_live {
        state.tokens.end_all();
    }
    match state.tokens.refresh(&refresh, seconds) {
        Ok((bearer, next)) => handed_out(bearer, Some(next), settings),
        Err(Standing::SessionOver) => ResponseCode::SessionInvalid.outcome(StatusCode::BAD_REQUEST),
        Err(_) => reply::error(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "the refresh token is unknown",
        ),
    }
}

/// The fields of a token request.
struct TokenForm(Vec<(String, String)>);

impl TokenForm {
    /// Or the word and the sentence of a refusal.
    fn parse(
        headers: &HeaderMap,
        body: &[u8],
        grant_type: &str,
    ) -> Result<Self, (&'static str, &'static str)> {
        if !is_form(headers) {
            return Err(("invalid_request", "the body must be a form"));
        }
        let form = Self(form_urlencoded::parse(body).into_owned().collect());
        match form.get("grant_type") {
            None => Err(("invalid_request", "grant_type is missing")),
            Some(given) if given != grant_type => Err((
                "unsupported_grant_type",
                "this address knows another grant_type",
            )),
            Some(_) => Ok(form),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value.clone())
    }
}

fn unknown_client() -> Response {
    reply::unauthorized(
        "Basic",
        "unauthorized",
        "the client is not known or the secret is wrong",
    )
}

fn handed_out(bearer: Bearer, refresh: Option<String>, settings: TokenSettings) -> Response {
    let seconds = settings.seconds.unwrap_or(BEARER_SECONDS);
    let mut body = json!({"access_token": bearer.token, "token_type": "bearer"});
    if !settings.omit {
        body["expires_in"] = if settings.textual {
            json!(seconds.to_string())
        } else {
            json!(seconds)
        };
    }
    match refresh {
        Some(refresh) => {
            body["refresh_token"] = json!(refresh);
            body["scope"] = json!("SITE");
        }
        None => {
            body["scope"] = json!("none");
            body["jti"] = json!(bearer.jti);
        }
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Lets a request pass whose bearer token is known and has not expired.
pub(crate) async fn require_bearer(
    AxumState(state): AxumState<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, bearer)| bearer.trim());
    match bearer.map_or(Standing::Unknown, |bearer| state.tokens.standing(bearer)) {
        Standing::Good => next.run(request).await,
        Standing::SessionOver => ResponseCode::SessionInvalid.outcome(StatusCode::UNAUTHORIZED),
        Standing::Unknown => reply::unauthorized(
            "Bearer",
            "invalid_token",
            "the access token is missing, unknown or expired",
        ),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Id and secret of an `Authorization: Basic` header. OAuth has both form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    // The parser reads pairs: as the value of a pair with an empty key, a text decodes whole, but for a raw ampersand.
    let pair = format!("={}", text.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
