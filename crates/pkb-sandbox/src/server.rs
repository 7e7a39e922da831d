//! Which address leads where, and what a request is about.

use std::sync::Arc;

use axum::extract::{
    ConnectInfo, DefaultBodyLimit, MatchedPath, RawPathParams, Request, State as AxumState,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{RequestPartsExt, Router};

use crate::connection::Cutter;
use crate::state::State;
use crate::{admin, faults, fhir, join, messaging, nhs_notify, notify, oauth, reply, rest};

const UPLOAD_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// Five thousand identifiers need less than one, unless somebody indents them generously.
const FHIR_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// NHS Notify takes less, and says so itself.
const NHS_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// A letter has two, which are a third more in base64.
const NOTIFY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

const TOKEN: &str = "/api/oauth/token";
const TETHERED_TOKEN: &str = "/apiToken.action";
const UPLOAD: &str = "/upload/patients";
const UPLOAD_STATUS: &str = "/upload/patients/{upload}";
const BY_NATIONAL_ID: &str = "/beta/users/byNationalId/{number}/{type}";
const RECORD_ACCESS_TOKEN: &str = "/v1/users/{id}/recordAccessToken";
const STATUS_QUERY: &str = "/fhir/Patient/$status-query";
const GENERATE_TOKENS: &str = "/fhir/Organization/$generate-invitation-tokens";
const PROCESS_MESSAGE: &str = "/phr-fhir/Patient/$process-message";
const PATIENT_SEARCH: &str = "/fhir/Patient";
const OPERATION_DEFINITION: &str = "/fhir/OperationDefinition/{definition}";
/// Where PKB's example of JSON has its REST calls.
const JSON_MOUNT: &str = "/json";
const NOTIFY_SMS: &str = "/v2/notifications/sms";
const NOTIFY_LETTER: &str = "/v2/notifications/letter";
const NOTIFY_FIND: &str = "/v2/notifications";
const NOTIFY_STATUS: &str = "/v2/notifications/{notification}";
const NOTIFY_TEMPLATE: &str = "/v2/template/{template}";
const NHS_TOKEN: &str = "/oauth2/token";
const NHS_BATCHES: &str = "/comms/v1/message-batches";
const NHS_MESSAGE: &str = "/comms/v1/messages/{message}";
/// In every answer: no server of PKB's or Notify's has it, so that nobody takes a rehearsal for a campaign.
const MARK: HeaderName = HeaderName::from_static("x-pkb-sandbox");
/// What the sandbox's own calls begin with.
const OWN: &str = "/sandbox/";

pub(crate) fn router(state: &Arc<State>) -> Router {
    let about_one = Router::new()
        .route(BY_NATIONAL_ID, get(rest::by_national_id))
        .route(RECORD_ACCESS_TOKEN, get(rest::record_access_token));
    let with_bearer = match state.json_mounts {
        true => Router::new().nest(JSON_MOUNT, about_one),
        false => about_one,
    };
    let with_bearer = with_bearer
        .route(
            UPLOAD,
            post(rest::upload).layer(DefaultBodyLimit::max(UPLOAD_LIMIT_BYTES)),
        )
        .route(UPLOAD_STATUS, get(rest::upload_status))
        .route(PATIENT_SEARCH, get(fhir::search::patients))
        .route(
            STATUS_QUERY,
            post(fhir::operations::status_query).layer(DefaultBodyLimit::max(FHIR_LIMIT_BYTES)),
        )
        .route(
            GENERATE_TOKENS,
            post(fhir::operations::generate_invitation_tokens)
                .layer(DefaultBodyLimit::max(FHIR_LIMIT_BYTES)),
        )
        .route(PROCESS_MESSAGE, post(messaging::process_message))
        .route_layer(from_fn_with_state(Arc::clone(state), oauth::require_bearer));
    let with_key = Router::new()
        .route(NOTIFY_SMS, post(notify::send_text))
        .route(
            NOTIFY_LETTER,
            post(notify::send_letter).layer(DefaultBodyLimit::max(NOTIFY_LIMIT_BYTES)),
        )
        .route(NOTIFY_FIND, get(notify::find))
        .route(NOTIFY_STATUS, get(notify::status))
        .route(NOTIFY_TEMPLATE, get(notify::template))
        .route_layer(from_fn_with_state(Arc::clone(state), notify::require_key));
    let with_nhs_token = Router::new()
        .route(
            NHS_BATCHES,
            post(nhs_notify::send_batch).layer(DefaultBodyLimit::max(NHS_LIMIT_BYTES)),
        )
        .route(NHS_MESSAGE, get(nhs_notify::status))
        .route_layer(from_fn_with_state(
            Arc::clone(state),
            nhs_notify::require_token,
        ));
    let join_page = || get(join::page).post(join::register);
    Router::new()
        .merge(with_bearer)
        .merge(with_key)
        .merge(with_nhs_token)
        .route(NHS_TOKEN, post(nhs_notify::token::token))
        .route(TOKEN, post(oauth::token))
        .route(TETHERED_TOKEN, post(oauth::tethered_token))
        .route(OPERATION_DEFINITION, get(fhir::definitions::definition))
        .route("/join", join_page())
        .route("/join/", join_page())
        .route("/join/{team}", join_page())
        .merge(admin::router())
        .fallback(reply::unknown_path)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(from_fn_with_state(Arc::clone(state), receive))
        .layer(map_response(name_itself))
        .with_state(Arc::clone(state))
}

/// Says in an answer, whatever it is, that it comes from a sandbox.
async fn name_itself(mut response: Response) -> Response {
    let words = HeaderValue::from_static("rehearsal");
    response.headers_mut().insert(MARK, words);
    response
}

/// Finds out what a request is about, and hands it on to where it may suffer a fault.
async fn receive(
    AxumState(state): AxumState<Arc<State>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.uri.path().starts_with(OWN) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let path = parts
        .extensions
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let endpoint = endpoint_name(&parts.method, path.as_deref());
    let patient = match parts.extract::<RawPathParams>().await {
        Ok(params) => params
            .iter()
            .find(|(name, _)| matches!(*name, "number" | "id"))
            .map(|(name, value)| match name {
                "id" => state.national_id(value).unwrap_or(value.to_owned()),
                _ => value.to_owned(),
            }),
        Err(_) => None,
    };
    let searched = parts.uri.query().and_then(fhir::search::identifier);
    let patient = patient.or(searched.map(|(_, number)| number));
    let request = Request::from_parts(parts, body);
    let in_hand = Arc::clone(&state);
    let Some(_in_hand) = in_hand.calls_in_hand.take(endpoint) else {
        state.ledger.note_offence(endpoint, patient);
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        return reply::error(busy, "busy", "another call is in hand: one at a time");
    };
    faults::apply::through(state, cutter, endpoint, patient, request, next).await
}

fn endpoint_name(method: &Method, path: Option<&str>) -> &'static str {
    let path = path.map(|path| path.strip_prefix(JSON_MOUNT).unwrap_or(path));
    match path {
        Some(TOKEN | TETHERED_TOKEN) => "token",
        Some(UPLOAD) => "upload",
        Some(UPLOAD_STATUS) => "upload_status",
        Some(BY_NATIONAL_ID) => "by_national_id",
        Some(RECORD_ACCESS_TOKEN) => "record_access_token",
        Some(STATUS_QUERY) => "status_query",
        Some(GENERATE_TOKENS) => "generate_tokens",
        Some(PROCESS_MESSAGE) => "process_message",
        Some(PATIENT_SEARCH) => "patient_search",
        Some(OPERATION_DEFINITION) => "operation_definition",
        Some(NOTIFY_SMS) => "notify_sms",
        Some(NOTIFY_LETTER) => "notify_letter",
        Some(NOTIFY_FIND) => "notify_find",
        Some(NOTIFY_STATUS) => "notify_status",
        Some(NOTIFY_TEMPLATE) => "notify_template",
        Some(NHS_TOKEN) => "nhs_token",
        Some(NHS_BATCHES) => "nhs_batches",
        Some(NHS_MESSAGE) => "nhs_message",
        Some(path) if path.starts_with("/join") && method == Method::POST => "join",
        Some(path) if path.starts_with("/join") => "join_page",
        _ => "unknown",
    }
}
