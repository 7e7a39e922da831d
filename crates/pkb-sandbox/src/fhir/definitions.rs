//! The definitions of the operations, which anybody may read without a token ("FHIR Conformance"). The id of the first is published; that of
//! the second is made after it.

use std::sync::Arc;

use axum::extract::{Path, State as AxumState};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::refusal::MEDIA_TYPE;
use crate::reply;
use crate::state::State;

/// `GET /fhir/OperationDefinition/{id}`.
pub(crate) async fn definition(
    AxumState(state): AxumState<Arc<State>>,
    Path(id): Path<String>,
) -> Response {
    let (code, resource, most) = match id.as_str() {
        "Patient-t-status-query" => ("status-query", "Patient", state.max_status_query),
        "Organization-t-generate-invitation-tokens" => (
            "generate-invitation-tokens",
            "Organization",
            state.max_invitation_tokens,
        ),
        _ => return reply::unknown_path().await,
    };
    let patient = json!({
        "name": "patientIdentifier", "use": "in", "min": 1, "max": most.to_string(), "type": "Identifier",
    });
    let body = json!({
        "resourceType": "OperationDefinition", "id": id, "name": code, "status": "active", "kind": "operation",
        "code": code, "resource": [resource], "system": false, "type": true, "instance": false,
        "parameter": [patient],
    });
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}
