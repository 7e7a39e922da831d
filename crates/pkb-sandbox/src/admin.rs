//! The sandbox's own calls, below `/sandbox/`. PKB has none of them; they need no bearer token, suffer no faults and are not in the ledger.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as AxumState};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde_json::json;
use url::form_urlencoded;

use crate::faults::apply::login_page;
use crate::faults::rules::Faults;
use crate::nhs_notify;
use crate::notify;
use crate::reply;
use crate::state::State;

pub(crate) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/sandbox/patients/{number}", routing::get(patient))
        .route("/sandbox/ledger", routing::get(ledger))
        .route("/sandbox/ledger/reset", routing::post(reset_ledger))
        .route(
            "/sandbox/faults",
            routing::get(get_faults)
                .put(put_faults)
                .delete(delete_faults),
        )
        .route("/sandbox/notify", routing::get(notify::summary))
        .route("/sandbox/nhs-notify", routing::get(nhs_notify::summary))
        .route("/sandbox/login", routing::get(login_page))
}

/// What became of a patient.
async fn patient(AxumState(state): AxumState<Arc<State>>, Path(number): Path<String>) -> Response {
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

/// How many requests there were and which files were taken. With `?full=1` every request as a line of JSON: for tests only, since
/// national ids are in it.
async fn ledger(AxumState(state): AxumState<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let full =
        form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("full".into(), "1".into()));
    if !full {
        let (requests, uploads) = state.ledger.summary();
        let patients = state.count_patients();
        return Json(json!({"patients": patients, "requests": requests, "uploads": uploads}))
            .into_response();
    }
    let mut lines = String::new();
    for entry in state.ledger.entries() {
        lines.push_str(&json!(entry).to_string());
        lines.push('\n');
    }
    ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
}

async fn reset_ledger(AxumState(state): AxumState<Arc<State>>) -> StatusCode {
    state.ledger.reset();
    StatusCode::NO_CONTENT
}

/// The faults as they were set.
async fn get_faults(AxumState(state): AxumState<Arc<State>>) -> Response {
    Json(state.faults.source()).into_response()
}

/// Puts other faults in the place of all that were set; where they are wrong, nothing changes.
async fn put_faults(AxumState(state): AxumState<Arc<State>>, body: Bytes) -> Response {
    match Faults::from_json(&body) {
        Ok(faults) => {
            state.faults.replace(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => reply::error(
            StatusCode::BAD_REQUEST,
            "invalid_faults",
            &error.to_string(),
        ),
    }
}

async fn delete_faults(AxumState(state): AxumState<Arc<State>>) -> StatusCode {
    state.faults.replace(Faults::default());
    StatusCode::NO_CONTENT
}
