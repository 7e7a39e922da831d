//! The token endpoint (client credentials) and the check of bearer tokens.

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

use crate::reply;
use crate::state::{BEARER_SECONDS, State};

/// `POST /api/oauth/token`. The client is known by HTTP Basic or by the form; never a refresh token in the answer.
pub(crate) async fn token(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_form(&headers) {
        return reply::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the body must be a form",
        );
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    match field("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return reply::error(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only client_credentials is known here",
            );
        }
        None => {
            return reply::error(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "grant_type is missing",
            );
        }
    }
    let client = match headers.get(header::AUTHORIZATION) {
        Some(value) => basic(value),
        None => field("client_id").zip(field("client_secret")),
    };
    if client.is_none_or(|(id, secret)| id != state.client_id || secret != state.client_secret) {
        return reply::unauthorized(
            "Basic",
            "unauthorized",
            "the client is not known or the secret is wrong",
        );
    }
    let (access_token, jti) = state.issue_bearer();
    let body = json!({
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": BEARER_SECONDS,
        "scope": "none",
        "jti": jti,
    });
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
    if bearer.is_some_and(|bearer| state.bearer_is_good(bearer)) {
        return next.run(request).await;
    }
    reply::unauthorized(
        "Bearer",
        "invalid_token",
        "the access token is missing, unknown or expired",
    )
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
