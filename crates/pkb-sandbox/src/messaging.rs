//! PKB's messaging endpoint: `POST /phr-fhir/Patient/$process-message` creates or updates the record of one patient.
//!
//! The elements, the headers, the rule of the team aliases and that an e-mail address brings an invitation are published. What a success
//! looks like, which status refuses what, and the texts are not: here a new record is 201 without a body and an update 200 with an
//! OperationOutcome, and other successes can be asked for (see [`crate::Faults`]).

pub(crate) mod message;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::faults::message::MessageFault;
use crate::fhir::refusal::{MEDIA_TYPE, Refusal};
use crate::ledger::Processed;
use crate::state::State;
use crate::upload::Added;
use message::Message;

/// `POST /phr-fhir/Patient/$process-message`.
pub(crate) async fn process_message(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<MessageFault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = fault.map(|Extension(fault)| fault);
    if let Err(refusal) = check_headers(&headers, &state.org_id) {
        return refusal.into_response();
    }
    let message = match Message::read(&body, &state.team_aliases) {
        Ok(message) => message,
        Err(refusal) => return refusal.into_response(),
    };
    if let Some(MessageFault::Error) = fault {
        return error();
    }
    let number = message.row.national_id.clone();
    let invites = !message.row.email.is_empty();
    let added = match state.process_message(message.row, message.deceased) {
        Ok(added) => added,
        Err(_) => return Refusal::EMAIL_TAKEN.into_response(),
    };
    let answer = match fault {
        None => plain(added),
        Some(fault) => told(fault, &number),
    };
    let processed = Processed {
        patient: number,
        invites,
    };
    (Extension(processed), answer).into_response()
}

/// The checks of the Facade, but that a client that names no organisation is not known at all.
fn check_headers(headers: &HeaderMap, org_id: &str) -> Result<(), Refusal> {
    if !headers.contains_key(crate::fhir::operations::ORG_HEADER) {
        return Err(Refusal::NO_ORGANISATION);
    }
    crate::fhir::operations::check_headers(headers, org_id)
}

fn plain(added: Added) -> Response {
    match added {
        Added::Created => StatusCode::CREATED.into_response(),
        Added::Updated => outcome(&[("information", "informational", "the record was updated")]),
    }
}

/// A success as somebody wants it to look.
fn told(fault: MessageFault, number: &str) -> Response {
    match fault {
        MessageFault::Patient => patient(number),
        // Nobody's: the range of tests begins with it.
        MessageFault::AnotherPatient => patient("9990000018"),
        MessageFault::Outcome => outcome(&[("information", "informational", "done")]),
        MessageFault::Warnings => outcome(&[
            ("warning", "too-long", "Patient.address was cut off"),
            ("warning", "not-supported", "Patient.photo was ignored"),
        ]),
        MessageFault::Created => StatusCode::CREATED.into_response(),
        MessageFault::Accepted => StatusCode::ACCEPTED.into_response(),
        MessageFault::NoContent => StatusCode::NO_CONTENT.into_response(),
        MessageFault::Error => error(),
    }
}

/// 200 with an error in it. Nothing was done.
fn error() -> Response {
    outcome(&[("error", "business-rule", "Patient.birthDate was not taken")])
}

fn outcome(issues: &[(&str, &str, &str)]) -> Response {
    let issues = issues.iter().map(|(severity, code, diagnostics)| {
        json!({"severity": severity, "code": code, "diagnostics": diagnostics})
    });
    let issues: Vec<_> = issues.collect();
    resource(&json!({"resourceType": "OperationOutcome", "issue": issues}))
}

fn patient(number: &str) -> Response {
    resource(&json!({
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
    }))
}

fn resource(resource: &serde_json::Value) -> Response {
    let kind = [(header::CONTENT_TYPE, MEDIA_TYPE)];
    (kind, resource.to_string()).into_response()
}
