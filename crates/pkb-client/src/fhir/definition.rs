//! What PKB publishes of its operations for anybody, without a token ("FHIR Conformance", p.3363602541): whether the address of the interface is
//! right, and how many patients a request may name.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url, header};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    endpoint::MEDIA_TYPE,
    operations::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY},
};
use crate::{
    address::{checked_url, under},
    client::Client,
    http::{Http, Longest, read_body},
    network::Network,
};
use pkb_core::Fatal;

/// Longest wait for a definition: without it, the usual limits hold.
const PATIENCE: Duration = Duration::from_secs(10);

/// An operation about many patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Who is known, has registered, has died.
    StatusQuery,
    /// New codes.
    InvitationTokens,
}

/// What was found at the address of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// The definition, and how many patients a request may name, if it says so.
    Found(Option<usize>),
    /// Nothing (404).
    Absent,
    /// Something else, or no answer.
    Unreadable,
}

impl Operation {
    /// Its path under the address of the interface.
    pub fn path(self) -> &'static str {
        match self {
            Self::StatusQuery => "Patient/$status-query",
            Self::InvitationTokens => "Organization/$generate-invitation-tokens",
        }
    }

    /// How many patients a request may name, unless PKB publishes another number.
    pub fn usual_limit(self) -> usize {
        match self {
            Self::StatusQuery => MAX_STATUS_QUERY,
            Self::InvitationTokens => MAX_INVITATION_TOKENS,
        }
    }

    /// The address of its definition. PKB has published the first; the second is made after it.
    fn definition(self, base: &Url) -> Option<Url> {
        let id = match self {
            Self::StatusQuery => "Patient-t-status-query",
            Self::InvitationTokens => "Organization-t-generate-invitation-tokens",
        };
        under(base, &format!("OperationDefinition/{id}?_format=json")).ok()
    }
}

impl Definition {
    fn read(body: &[u8]) -> Self {
        let Ok(definition) = serde_json::from_slice::<Value>(body) else {
            return Self::Unreadable;
        };
        if definition["resourceType"] != "OperationDefinition" {
            return Self::Unreadable;
        }
        let parameters = definition["parameter"].as_array();
        let is_patient = |parameter: &&Value| {
            parameter["use"] == "in" && parameter["name"] == "patientIdentifier"
        };
        let patient = parameters.and_then(|all| all.iter().find(is_patient));
        // A star stands for no limit.
        let most = patient.and_then(|parameter| parameter["max"].as_str()?.parse().ok());
        Self::Found(most.filter(|most| *most > 0))
    }

    /// Asks for the definition of `operation` at the interface `base`, once.
    async fn ask(http: &Http, base: &Url, operation: Operation) -> Self {
        let Some(url) = operation.definition(base) else {
            return Self::Unreadable;
        };
        let request = http
            .request(Method::GET, url)
            .header(header::ACCEPT, MEDIA_TYPE)
            .timeout(PATIENCE);
        match request.send().await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => Self::Absent,
            Ok(answer) if answer.status().is_success() => {
                let body = read_body(answer, Longest::One).await;
                Self::read(&body.unwrap_or_default())
            }
            _ => Self::Unreadable,
        }
    }
}

/// The definition of `operation` at the interface `fhir_url`. Needs no credentials.
///
/// # Errors
/// A setting is wrong.
pub async fn definition(
    fhir_url: &str,
    operation: Operation,
    network: &Network,
) -> Result<Definition, Fatal> {
    let base = checked_url(fhir_url, "PKB_FHIR_URL")?;
    let http = Http::new(network, PATIENCE)?;
    Ok(Definition::ask(&http, &base, operation).await)
}

/// How many patients a request may name, as far as PKB was asked.
#[derive(Default)]
pub(crate) struct RequestLimits {
    status_query: OnceCell<usize>,
    invitation_tokens: OnceCell<usize>,
}

impl RequestLimits {
    fn of(&self, operation: Operation) -> &OnceCell<usize> {
        match operation {
            Operation::StatusQuery => &self.status_query,
            Operation::InvitationTokens => &self.invitation_tokens,
        }
    }

    /// The limit, without asking.
    pub(super) fn known(&self, operation: Operation) -> usize {
        let known = self.of(operation).get().copied();
        known.unwrap_or(operation.usual_limit())
    }
}

impl Client {
    /// How many patients a request of `operation` may name. PKB is asked when this is called first.
    pub(crate) async fn request_limit(&self, operation: Operation) -> usize {
        let Some(fhir) = &self.fhir else {
            return operation.usual_limit();
        };
        let ask = || async {
            let _turn = self.transport.turn().await;
            let found = Definition::ask(self.transport.http(), fhir.base(), operation);
            let published = match found.await {
                Definition::Found(most) => most,
                Definition::Absent | Definition::Unreadable => None,
            };
            published.unwrap_or(operation.usual_limit())
        };
        *self.request_limits.of(operation).get_or_init(ask).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Definition {
        Definition::read(body.to_string().as_bytes())
    }

    #[test]
    fn the_most_patients_of_a_request_are_read_from_the_definition() {
        let parameter = |use_: &str, name: &str, max: Value| json!({"use": use_, "name": name, "min": 1, "max": max});
        let definition = |parameters: Value| json!({"resourceType": "OperationDefinition", "code": "status-query", "parameter": parameters});
        let patient = |max: Value| {
            read(&definition(json!([
                parameter("out", "patientIdentifier", json!("1")),
                parameter("in", "other", json!("2")),
                parameter("in", "patientIdentifier", max),
            ])))
        };
        assert_eq!(patient(json!("1000")), Definition::Found(Some(1000)));
        assert_eq!(patient(json!("20000")), Definition::Found(Some(20_000)));
        for none in [json!("*"), json!("0"), json!("-1"), json!(7), json!(null)] {
            assert_eq!(patient(none), Definition::Found(None));
        }
        assert_eq!(read(&definition(json!(null))), Definition::Found(None));
        assert_eq!(
            read(&json!({"resourceType": "Parameters"})),
            Definition::Unreadable
        );
        assert_eq!(Definition::read(b"<html>"), Definition::Unreadable);
    }
}
