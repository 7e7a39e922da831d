//! The two operations.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use crate::ledger::Asked;
use crate::national_id::NationalId;
use crate::state::State;
use crate::state::batch::PatientStatus;
use crate::state::records::Invitation;

use super::altered_parts::AlteredParts;
use super::parameters::{self, Parameter, Part, Value};
use super::refusal::{MEDIA_TYPE, Refusal};

/// The most patients of one `$status-query`, unless the sandbox is told otherwise.
pub const MAX_STATUS_QUERY: usize = 5_000;
/// The most patients of one `$generate-invitation-tokens`, unless the sandbox is told otherwise.
pub const MAX_INVITATION_TOKENS: usize = 500;

pub(crate) const ORG_HEADER: &str = "x-org-public-id";

/// `POST /fhir/Patient/$status-query`.
pub(crate) async fn status_query(
    AxumState(state): AxumState<Arc<State>>,
    altered_parts: Option<Extension<AlteredParts>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = |asked: &[NationalId]| {
        let statuses = state.statuses(asked).into_iter();
        let parts = asked
            .iter()
            .zip(statuses)
            .map(|(id, status)| Part::about(id, status_facts(status)));
        let mut parts = parts.collect();
        if let Some(Extension(altered_parts)) = altered_parts {
            altered_parts.work(asked, &mut parts, |_| {
                status_facts(PatientStatus::NoAccess {
                    deceased: false,
                    registered: false,
                })
            });
        }
        parameters::reply("patientStatus", parts)
    };
    let endpoint = ("status_query", state.max_status_query);
    respond(&state, &headers, &body, endpoint, answer)
}

/// `POST /fhir/Organization/$generate-invitation-tokens`. Who may not be invited is left out without a word.
pub(crate) async fn generate_invitation_tokens(
    AxumState(state): AxumState<Arc<State>>,
    altered_parts: Option<Extension<AlteredParts>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = |asked: &[NationalId]| {
        let invitations = state.invite_all(asked).into_iter();
        let parts = asked.iter().zip(invitations).filter_map(|(id, invited)| {
            let facts = invitation_facts(invited?, state.value_date_time);
            Some(Part::about(id, facts))
        });
        let mut parts: Vec<Part> = parts.collect();
        if let Some(Extension(altered_parts)) = altered_parts {
            altered_parts.work(asked, &mut parts, |number| {
                invitation_facts(
                    altered_parts.invented_codes(number, state.now()),
                    state.value_date_time,
                )
            });
            altered_parts.mix_codes(&mut parts, state.told_before(None));
        }
        state.told_before(parts.iter().rev().find_map(Part::codes));
        parameters::reply("patientTokens", parts)
    };
    let endpoint = ("generate_tokens", state.max_invitation_tokens);
    respond(&state, &headers, &body, endpoint, answer)
}

/// Checks the request, and answers it whole or not at all.
fn respond(
    state: &State,
    headers: &HeaderMap,
    body: &[u8],
    (endpoint, limit): (&'static str, usize),
    answer: impl FnOnce(&[NationalId]) -> Vec<u8>,
) -> Response {
    if let Err(refusal) = check_headers(headers, &state.org_id) {
        return refusal.into_response();
    }
    if !state.is_enabled(endpoint) {
        return Refusal::NOT_ENABLED.into_response();
    }
    let (count, asked) = parameters::read(body, limit);
    let answered = asked.and_then(|asked| {
        if asked.iter().any(|id| state.refuses_batch(&id.number)) {
            return Err(Refusal::BATCH);
        }
        Ok(answer(&asked))
    });
    let response = match answered {
        Ok(body) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    match count {
        Some(count) => (Extension(Asked(count)), response).into_response(),
        None => response,
    }
}

/// Checks that the organisation is one that the client may act for.
pub(super) fn check_organisation(headers: &HeaderMap, org_id: &str) -> Result<(), Refusal> {
    let given = headers.get(ORG_HEADER).and_then(|id| id.to_str().ok());
    match given {
        Some(id) if id.trim().eq_ignore_ascii_case(org_id) => Ok(()),
        _ => Err(Refusal::ORGANISATION),
    }
}

pub(crate) fn check_headers(headers: &HeaderMap, org_id: &str) -> Result<(), Refusal> {
    check_organisation(headers, org_id)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let names = |text: &str, types: &[&str]| {
        text.split(',').any(|each| {
            let media_type = each.split(';').next().unwrap_or_default().trim();
            types
                .iter()
                .any(|name| media_type.eq_ignore_ascii_case(name))
        })
    };
    if !text("content-type").is_some_and(|kind| names(kind, &[MEDIA_TYPE])) {
        return Err(Refusal::CONTENT_TYPE);
    }
    match text("accept") {
        Some(kinds) if !names(kinds, &[MEDIA_TYPE, "application/*", "*/*"]) => Err(Refusal::ACCEPT),
        _ => Ok(()),
    }
}

fn status_facts(status: PatientStatus) -> Vec<Parameter> {
    let both = |deceased, registered| {
        vec![
            Parameter::new("deceased", Value::ValueBoolean(deceased)),
            Parameter::new("registered", Value::ValueBoolean(registered)),
        ]
    };
    let diagnostics =
        |text: &str| Parameter::new("diagnostics", Value::ValueString(text.to_owned()));
    match status {
        PatientStatus::NotFound => vec![diagnostics("Not found")],
        PatientStatus::NoAccess {
            deceased,
            registered,
        } => {
            let mut facts = both(deceased, registered);
            facts.push(diagnostics("No access"));
            facts
        }
        PatientStatus::Found {
            deceased,
            registered,
            date_of_birth,
            date_of_birth_text,
        } => {
            let mut facts = both(deceased, registered);
            let written = date_of_birth_text.map(Value::ValueDateTime);
            let born = written.or(date_of_birth.map(Value::ValueDate));
            facts.extend(born.map(|born| Parameter::new("dateOfBirth", born)));
            facts
        }
    }
}

/// PKB's published example has `valueDatetime`, which is not FHIR's spelling.
fn invitation_facts(invitation: Invitation, value_date_time: bool) -> Vec<Parameter> {
    let expiry = published_form(invitation.expires_at);
    let expiry = if value_date_time {
        Value::ValueDateTime(expiry)
    } else {
        Value::ValueDatetime(expiry)
    };
    vec![
        Parameter::new("code", Value::ValueString(invitation.code)),
        Parameter::new("token", Value::ValueString(invitation.token)),
        Parameter::new("expiry", expiry),
    ]
}

/// As in `2021-01-01T09:29:23.356+00:00`.
fn published_form(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn moments_have_milliseconds_and_an_offset_as_in_the_published_example() {
        for text in [
            "2021-01-01T09:29:23.356+00:00",
            "2021-01-01T09:29:23.000+00:00",
        ] {
            assert_eq!(published_form(text.parse().unwrap()), text);
        }
    }
}
