//! The search for one patient by national id. What it finds of a patient whom the client may not see is not published: here nobody.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State as AxumState};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use pkb_synthetic::{Gender, Scheme, derive};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::operations::check_organisation;
use super::refusal::{MEDIA_TYPE, Refusal};
use crate::faults::person::PersonFault;
use crate::national_id::{NationalId, fhir_system, scheme_of_fhir_system};
use crate::state::{Access, Record, State};

/// `GET /fhir/Patient?identifier={system}|{number}`.
pub(crate) async fn patients(
    AxumState(state): AxumState<Arc<State>>,
    fault: Option<Extension<PersonFault>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Err(refusal) = check_organisation(&headers, &state.org_id) {
        return refusal.into_response();
    }
    if !state.is_enabled("patient_search") {
        return Refusal::NOT_ENABLED.into_response();
    }
    let Some((system, number)) = query.as_deref().and_then(identifier) else {
        return Refusal::NO_IDENTIFIER.into_response();
    };
    let Some(scheme) = scheme_of_fhir_system(&system) else {
        return Refusal::SYSTEM.into_response();
    };
    let found = match state.by_national_id(&NationalId { scheme, number }) {
        Access::Given(record) => Some(match fault {
            Some(Extension(PersonFault::AnotherPerson)) => state.next_record(&record),
            _ => record,
        }),
        Access::NotFound | Access::Refused => None,
    };
    let entries: Vec<Value> = found
        .iter()
        .map(|record| json!({"resource": patient(record), "search": {"mode": "match"}}))
        .collect();
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len()});
    // FHIR has no empty lists.
    if !entries.is_empty() {
        bundle["entry"] = Value::from(entries);
    }
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], bundle.to_string()).into_response()
}

/// System and number of the one identifier that is asked for.
pub(crate) fn identifier(query: &str) -> Option<(String, String)> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(name, _)| name == "identifier")?;
    let (system, number) = value.split_once('|')?;
    Some((system.to_owned(), number.to_owned()))
}

/// A UUID, which is not the id of the REST calls.
fn public_id(record: &Record) -> String {
    let hex = derive::sha256_hex(format!("public id {}", record.pkb_id).as_bytes());
    let parts = [0..8, 8..12, 13..16, 17..20, 20..32].map(|range| &hex[range]);
    let [one, two, three, four, five] = parts;
    format!("{one}-{two}-4{three}-8{four}-{five}")
}

fn patient(record: &Record) -> Value {
    let row = &record.row;
    let scheme = record.world.scheme.unwrap_or(Scheme::NhsNumber);
    let mut patient = json!({
        "resourceType": "Patient",
        "id": public_id(record),
        "identifier": [{"system": fhir_system(scheme), "value": row.national_id}],
        "name": [{"family": row.last_name, "given": [row.first_name]}],
        "gender": match record.gender() {
            Gender::U => "unknown",
            Gender::M => "male",
            Gender::F => "female",
            Gender::I => "other",
        },
        "deceasedBoolean": record.world.deceased.is_some(),
    });
    if let Some(born) = record.date_of_birth {
        patient["birthDate"] = Value::from(born.to_string());
    }
    patient
}
