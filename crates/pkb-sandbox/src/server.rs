//! Which address leads where, and what is noted about every request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{
    DefaultBodyLimit, MatchedPath, Path, RawPathParams, Request, State as AxumState,
};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, RequestPartsExt, Router};
use serde_json::json;

use crate::state::{LedgerEntry, State};
use crate::{join, oauth, reply, rest};

const UPLOAD_LIMIT_BYTES: usize = 64 * 1024 * 1024;

const TOKEN: &str = "/api/oauth/token";
const UPLOAD: &str = "/upload/patients";
const BY_NATIONAL_ID: &str = "/beta/users/byNationalId/{number}/{type}";
const RECORD_ACCESS_TOKEN: &str = "/v1/users/{id}/recordAccessToken";
const SANDBOX_PATIENT: &str = "/sandbox/patients/{number}";
const SANDBOX_LEDGER: &str = "/sandbox/ledger";

pub(crate) fn router(state: &Arc<State>) -> Router {
    let with_bearer = Router::new()
        .route(
            UPLOAD,
            post(rest::upload).layer(DefaultBodyLimit::max(UPLOAD_LIMIT_BYTES)),
        )
        .route(BY_NATIONAL_ID, get(rest::by_national_id))
        .route(RECORD_ACCESS_TOKEN, get(rest::record_access_token))
        .route_layer(from_fn_with_state(Arc::clone(state), oauth::require_bearer));
    let join_page = || get(join::page).post(join::register);
    Router::new()
        .merge(with_bearer)
        .route(TOKEN, post(oauth::token))
        .route("/join", join_page())
        .route("/join/", join_page())
        .route("/join/{team}", join_page())
        .route(SANDBOX_PATIENT, get(sandbox_patient))
        .route(SANDBOX_LEDGER, get(sandbox_ledger))
        .fallback(reply::unknown_path)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(from_fn_with_state(Arc::clone(state), note))
        .with_state(Arc::clone(state))
}

/// Sandbox only; PKB has no such call. What became of a patient, without a bearer token.
async fn sandbox_patient(
    AxumState(state): AxumState<Arc<State>>,
    Path(number): Path<String>,
) -> Response {
    match state.view(&number) {
        None => reply::unknown_path().await,
        Some(view) => Json(json!({
            "registered": view.registered,
            "pkb_id": view.pkb_id,
            "invitations": view.invitations,
        }))
        .into_response(),
    }
}

/// Sandbox only; PKB has no such call. How many requests there were.
async fn sandbox_ledger(AxumState(state): AxumState<Arc<State>>) -> Response {
    Json(json!({"patients": state.count_patients(), "requests": state.ledger_counts()}))
        .into_response()
}

/// Writes the ledger and the log. The log gets the name of the endpoint, never the address: numbers and codes stand in it.
async fn note(AxumState(state): AxumState<Arc<State>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let path = parts
        .extensions
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let endpoint = endpoint_name(&parts.method, path.as_deref());
    let patient = match parts.extract::<RawPathParams>().await {
        Ok(params) => params
            .iter()
            .find(|(name, _)| matches!(*name, "number" | "id"))
            .map(|(_, value)| value.to_owned()),
        Err(_) => None,
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status().as_u16();
    state.note(LedgerEntry {
        endpoint,
        patient,
        status,
    });
    tracing::info!(
        endpoint,
        status,
        milliseconds = started.elapsed().as_millis() as u64,
        "handled"
    );
    response
}

fn endpoint_name(method: &Method, path: Option<&str>) -> &'static str {
    match path {
        Some(TOKEN) => "token",
        Some(UPLOAD) => "upload",
        Some(BY_NATIONAL_ID) => "by_national_id",
        Some(RECORD_ACCESS_TOKEN) => "record_access_token",
        Some(SANDBOX_PATIENT) => "sandbox_patient",
        Some(SANDBOX_LEDGER) => "sandbox_ledger",
        Some(path) if path.starts_with("/join") && method == Method::POST => "join",
        Some(path) if path.starts_with("/join") => "join_page",
        _ => "unknown",
    }
}
