//! PKB's REST calls about one patient, and the endpoint that takes the upload.

use std::sync::Arc;

use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use pkb_synthetic::{OddAnswer, Scheme, derive};
use serde_json::{Value, json};

use crate::faults::person::PersonFault;
use crate::faults::upload::UploadFault;
use crate::ledger::UploadCommit;
use crate::national_id::{NationalId, scheme_of_rest_name, user_object_name};
use crate::processing::UploadStatus;
use crate::reply;
use crate::state::{Access, Record, State, Taken};
use crate::upload;

/// `GET /beta/users/byNationalId/{number}/{type}`: the user object. It does not say whether the patient has registered; PKB's does not either.
pub(crate) async fn by_national_id(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<PersonFault>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((number, kind))) = path else {
        return reply::unknown_path().await;
    };
    let Some(scheme) = scheme_of_rest_name(&kind) else {
        return reply::error(
            StatusCode::BAD_REQUEST,
            "unsupported_type",
            "only NHS_NUMBER, CHI_NUMBER and HC_NUMBER are known here",
        );
    };
    let record = match state.by_national_id(&NationalId { scheme, number }) {
        Access::NotFound => return not_found(),
        Access::Refused => return no_access(),
        Access::Given(record) => record,
    };
    match record.world.answer {
        None => match fault {
            None => Json(user(&record)).into_response(),
            Some(Extension(fault)) => Json(wrong_user(&state, &record, fault)).into_response(),
        },
        Some(OddAnswer::Error) => reply::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "something went wrong",
        ),
        Some(OddAnswer::NotJson) => {
            Html("<!doctype html><title>Sorry</title><p>This page is being worked on.</p>")
                .into_response()
        }
        Some(OddAnswer::Nonsense) => {
            Json(json!({"id": {"parts": [1, 2]}, "dob": 20_000_915})).into_response()
        }
    }
}

/// `GET /v1/users/{id}/recordAccessToken`: a new pair of codes.
///
/// What PKB answers for a patient who is registered already or has died is not published. The sandbox issues codes for both, so that
/// nothing but the client's own checks keeps such a letter from being written.
pub(crate) async fn record_access_token(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<PersonFault>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(id)) = path else {
        return reply::unknown_path().await;
    };
    match state.invite(&id, fault.map(|Extension(fault)| fault)) {
        Access::Given((code, token)) => {
            Json(json!({"invitationCode": code, "token": token})).into_response()
        }
        Access::NotFound => not_found(),
        Access::Refused => no_access(),
    }
}

/// `POST /upload/patients`: one file in a part named `file`. Answers 200 with the report or, where processing takes time, 202 with an id.
/// Path and answers are this project's; PKB publishes no machine endpoint.
pub(crate) async fn upload(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<UploadFault>>,
    multipart: Option<Multipart>,
) -> Response {
    let fault = fault.map_or_else(UploadFault::default, |Extension(fault)| fault);
    let file = match one_file(multipart).await {
        Ok(file) => file,
        Err(response) => return response,
    };
    // Fifty thousand rows take long enough to keep other requests waiting.
    let take = move || {
        let mut rows = upload::read(&file)?;
        let commit = UploadCommit {
            sha256: derive::sha256_hex(&file),
            rows: rows.len(),
        };
        rows.truncate(fault.taken(rows.len()));
        let taken = match (state.upload(rows, &commit.sha256), fault.report) {
            (Taken::Processed(report), Some(wrong)) => Taken::Processed(report.made_wrong(wrong)),
            (taken, _) => taken,
        };
        Ok((Extension(commit), taken))
    };
    match tokio::task::spawn_blocking(take).await {
        Ok(Ok((commit, Taken::Processed(report)))) => (commit, Json(report)).into_response(),
        Ok(Ok((commit, Taken::Queued(status)))) => {
            (StatusCode::ACCEPTED, commit, Json(status)).into_response()
        }
        Ok(Err(reason)) => {
            let reason: String = reason;
            reply::error(StatusCode::BAD_REQUEST, "file_refused", &reason)
        }
        Err(_) => reply::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "the upload broke off",
        ),
    }
}

/// `GET /upload/patients/{upload}`: whether an upload that was answered with 202 is processed, and its report.
pub(crate) async fn upload_status(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<UploadFault>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let status = path.ok().and_then(|Path(id)| state.upload_status(&id));
    let wrong = fault.and_then(|Extension(fault)| fault.report);
    let told = |status: UploadStatus| match wrong {
        Some(wrong) => status.made_wrong(wrong),
        None => status,
    };
    match status.map(told) {
        Some(status) => Json(status).into_response(),
        None => reply::error(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is no such upload",
        ),
    }
}

async fn one_file(multipart: Option<Multipart>) -> Result<axum::body::Bytes, Response> {
    let refuse = |what: &str| reply::error(StatusCode::BAD_REQUEST, "invalid_request", what);
    let broken = |error: MultipartError| {
        reply::error(error.status(), "invalid_request", "the form broke off")
    };
    let mut multipart = multipart.ok_or_else(|| refuse("the body must be multipart/form-data"))?;
    let mut file = None;
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        if field.name() != Some("file") || file.is_some() {
            return Err(refuse(
                "the form must have exactly one part, named \"file\"",
            ));
        }
        file = Some(field.bytes().await.map_err(broken)?);
    }
    file.ok_or_else(|| refuse("the form has no part named \"file\""))
}

fn not_found() -> Response {
    reply::error(StatusCode::NOT_FOUND, "not_found", "there is no such user")
}

/// PKB answers 401 here too, which a client must not take for an expired token.
fn no_access() -> Response {
    reply::error(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "no access to this user",
    )
}

/// The user object with something of another's in it, or without a word whose it is.
fn wrong_user(state: &State, record: &Record, fault: PersonFault) -> Value {
    let another = user(&state.next_record(record));
    let mut told = user(record);
    match fault {
        PersonFault::AnotherPerson => return another,
        PersonFault::AnotherPersonUnnamed => {
            told = another;
            told["nationalIds"] = Value::Null;
        }
        PersonFault::AnotherId => told["id"] = another["id"].clone(),
        PersonFault::AnotherNumber => told["nationalIds"] = another["nationalIds"].clone(),
        PersonFault::Unnamed => told["nationalIds"] = Value::Null,
        PersonFault::RepeatedCodes | PersonFault::RepeatedCode | PersonFault::RepeatedToken => {}
    }
    told
}

fn user(record: &Record) -> Value {
    let row = &record.row;
    let text = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            Value::from(text)
        }
    };
    let date = |date: Option<jiff::civil::Date>| {
        date.map_or(Value::Null, |date| Value::from(date.to_string()))
    };
    let local = |id: &str| {
        if id.is_empty() {
            json!([])
        } else {
            json!([{"value": id}])
        }
    };
    let phone = if row.mobile.is_empty() {
        &row.home_phone
    } else {
        &row.mobile
    };
    let national_ids = if row.national_id.is_empty() {
        json!([])
    } else {
        let scheme = record.world.scheme.unwrap_or(Scheme::NhsNumber);
        let (name, countries) = user_object_name(scheme);
        json!([{"value": row.national_id, "name": name, "countryCodes": countries}])
    };
    let contacts = if row.email.is_empty() {
        json!([])
    } else {
        json!([{
            "id": format!("{}1", record.pkb_id),
            "contactType": "EMAIL",
            "contactValue": row.email,
            "primary": true,
            "confirmed": false,
        }])
    };
    json!({
        "id": record.pkb_id.to_string(),
        "title": text(&row.title),
        "firstName": text(&row.first_name),
        "lastName": text(&row.last_name),
        "dob": match &record.world.date_of_birth_text {
            Some(text) => Value::from(text.as_str()),
            None => date(record.date_of_birth),
        },
        "dateDeceased": date(record.world.deceased),
        "gender": record.gender(),
        "genderMF": null,
        "email": text(&row.email),
        "phone": text(phone),
        "address1": text(&row.address1),
        "address2": text(&row.address2),
        "city": text(&row.city),
        "state": text(&row.county),
        "postalCode": text(&row.postcode),
        "country": "GB-ENG",
        "nationalIds": national_ids,
        "orgLevelIds": local(&row.organisation_id),
        "teamLevelIds": local(&row.team_id),
        "contacts": contacts,
        "patient": true,
    })
}
